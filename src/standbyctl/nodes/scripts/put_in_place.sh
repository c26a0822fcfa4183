# Rename a whole draft to its destination: absent, or an empty directory. Arguments: draft, destination.
set -eu
if [ -d "$1/data" ]; then
    if ! [ -f "$1/whole" ]; then
        echo "$1 is not whole" >&2
        exit 90
    fi
    if [ -e "$2" ] && { ! [ -d "$2" ] || [ -n "$(ls -A -- "$2")" ]; }; then
        echo "$2 is not an empty directory" >&2
        exit 90
    fi
    mv -T -- "$1/data" "$2"
    sync -- "$(dirname -- "$2")"
fi
rm -rf -- "$1"
