# Rename a stopped standby's directory. Arguments: path, bin directory, system identifier, device:inode,
# new path, "yes" to leave an empty directory behind.
set -eu
if [ -d "$1" ] && [ -n "$(ls -A -- "$1")" ]; then
    guard "$1" "$2" "$3" "$4"
    if [ -e "$5" ]; then
        echo "$5 exists" >&2
        exit 90
    fi
    mv -T -- "$1" "$5"
fi
if [ "$6" = yes ] && ! [ -d "$1" ]; then
    mkdir -m 0700 -- "$1"
fi
sync -- "$(dirname -- "$1")"
