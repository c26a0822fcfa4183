# Connections to a server that hears nothing on them, held until our input ends; their own ends as the kernel has them,
# ADDRESS:PORT in hexadecimal: key=value lines. A server says nothing of a client that leaves without a word. Arguments:
# address, port.
command -v bash >/dev/null || exit 3
exec bash -c '
exec 3<>"/dev/tcp/$1/$2" && exec 4<>"/dev/tcp/$1/$2" && exec 5<>"/dev/tcp/$1/$2" || exit 4
for fd in 3 4 5; do
    inode=$(readlink "/proc/$$/fd/$fd" | tr -dc 0-9)
    awk -v inode="$inode" "\$10 == inode { print \"own=\" \$2 }" /proc/net/tcp /proc/net/tcp6 2>/dev/null
done
echo end=yes
read -r _
' hold "$1" "$2" 2>/dev/null
