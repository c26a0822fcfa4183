# Delete a directory that was set aside to be deleted.
# Arguments: path, bin directory, system identifier, device:inode.
set -eu
[ -d "$1" ] || exit 0
# An interrupted deletion has taken pg_control first: what is left of it is known by its inode alone.
if [ -f "$1/global/pg_control" ]; then
    guard "$1" "$2" "$3" "$4"
elif [ "$(stat -c %d:%i -- "$1")" != "$4" ]; then
    echo "$1 is not the directory that was looked at" >&2
    exit 90
fi
rm -f -- "$1/global/pg_control"
rm -rf -- "$1"
