# Rename a cluster that we have stopped. Arguments: from, to (absent, or an empty directory), bin directory, system
# identifier, device:inode, node.
set -eu
if [ "$(stat -c %d:%i -- "$2" 2>/dev/null)" != "$5" ]; then
    [ -d "$1" ] || refuse "$1 is not there"
    guard_stopped "$1" "$3" "$4" "$5" "$6"
    if [ -e "$2" ] || [ -L "$2" ]; then
        [ -d "$2" ] && [ -z "$(ls -A -- "$2")" ] || refuse "$2 exists"
    fi
    mv -T -- "$1" "$2"
fi
sync -- "$(dirname -- "$2")"
