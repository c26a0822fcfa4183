# Rename a stopped standby's directory. Arguments: path, bin directory, system identifier, device:inode,
# new path, "yes" to leave an empty directory behind.
# Where the new path is within the old one, that is a mount point: its files are moved down, by a list of their names.
set -eu
if [ "$(dirname -- "$5")" = "$1" ]; then
    if [ ! -d "$5/global" ] && [ -f "$1/global/pg_control" ]; then
        guard "$1" "$2" "$3" "$4"
        mkdir -p -m 0700 -- "$5"
        ls -A -- "$1" | grep -vxF -e "$(basename -- "$5")" -e lost+found >"$5/standbyctl.moved"
        sync -- "$5/standbyctl.moved" "$5" "$1"
        # First of all: from here on it is no cluster any more.
        mv -nT -- "$1/global" "$5/global"
        sync -- "$1" "$5"
    fi
    if [ -d "$5/global" ]; then
        if [ "$(stat -c %i -- "$1")" != "${4#*:}" ]; then
            echo "$1 is not the directory that was looked at" >&2
            exit 90
        fi
        while IFS= read -r name; do
            if { [ ! -e "$5/$name" ] && [ ! -L "$5/$name" ]; } && { [ -e "$1/$name" ] || [ -L "$1/$name" ]; }; then
                mv -nT -- "$1/$name" "$5/$name"
            fi
        done <"$5/standbyctl.moved"
    fi
    sync -- "$1"
    exit 0
fi
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
