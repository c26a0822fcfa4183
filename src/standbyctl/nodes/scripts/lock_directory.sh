# Hold a lock on a directory, or on the first above it that is there, for as long as standard input is open.
# Argument: directory. It says "held", or "busy" and the directory.
directory=$1
while [ ! -d "$directory" ]; do directory=$(dirname -- "$directory"); done
exec 9<"$directory" || exit 1
flock -n 9 || { printf 'busy %s\n' "$directory"; exit 90; }
echo held
exec cat >/dev/null
