# Where a tunnel would end, on the primary's host: key=value lines. It changes nothing. Run as whoever logs in.
# Arguments: the primary's data directory, its port, the account to log in to (empty: the one that it runs as).
data=$1 port=$2 login=$3
say() { printf '%s=%s\n' "$1" "$2"; }

[ ! -d "$data" ] || say files yes
[ -n "$login" ] || login=$(stat -c %U -- "$data" 2>/dev/null)
say login "$login"
[ -z "$login" ] || ! getent passwd "$login" >/dev/null || say account yes
listens=$(sed -n 's/^[[:space:]]*[Pp][Oo][Rr][Tt][[:space:]]\{1,\}\([0-9]\{1,\}\).*/\1/p' \
    /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null | head -n 1)
say ssh_port "${listens:-22}"
cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null | awk 'NF >= 2 { print "host_key=" $1 " " $2 }'

# Addresses that the server's port is open at: in hexadecimal, each four bytes in the order of this machine.
open=$(awk -v want="$(printf ':%04X' "$port")" '$4 == "0A" && substr($2, length($2) - 4) == want {
    print substr($2, 1, length($2) - 5) }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
if printf '%s\n' "$open" | grep -qxE '0100007F|7F000001|00000000'; then
    say end_address 127.0.0.1
elif printf '%s\n' "$open" | grep -qxE '0{24}(01000000|00000001|00000000)'; then
    say end_address ::1
else
    other=$(printf '%s\n' "$open" | grep -xE '[0-9A-F]{8}' | head -n 1)
    [ -z "$other" ] || say end_address "$(printf '%s\n' "$other" | sed 's/\(..\)\(..\)\(..\)\(..\)/0x\4 0x\3 0x\2 0x\1/' | { read -r a b c d && echo "$((a)).$((b)).$((c)).$((d))"; })"
fi
say end yes
