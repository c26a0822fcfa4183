# Rename a whole draft to its destination: absent, or an empty directory. Arguments: draft, destination.
# A draft within its destination, which is a mount point then, has its files moved up into it.
set -eu
draft=$1
# Each name is written down before it is moved: wherever this is killed, it is known what is a part of the draft.
place_volume() {
    # What was moved out of it leaves it behind: where it is gone, its whole volume is.
    [ -d "$3" ] || refuse "$3 is not there: is its volume mounted?"
    if [ -d "$3/data" ]; then
        if ! [ -f "$3/moved" ]; then
            ls -A -- "$3/data" >"$3/moved.new"
            while IFS= read -r name; do
                if [ -e "$2/$name" ] || [ -L "$2/$name" ]; then refuse "$2/$name exists"; fi
            done <"$3/moved.new"
            sync -- "$3/moved.new"
            mv -T -- "$3/moved.new" "$3/moved"
            sync -- "$3"
        fi
        ls -A -- "$3/data" | while IFS= read -r name; do
            mv -nT -- "$3/data/$name" "$2/$name"
            [ ! -e "$3/data/$name" ] || refuse "$2/$name exists"
        done
        sync -- "$2" "$3/data"
        rmdir -- "$3/data"
    fi
    ln -sfnT -- "$2" "$draft/data/$1"
    sync -- "$(dirname -- "$draft/data/$1")"
}
drop_empty() {
    [ -d "$3" ] || return 0
    [ ! -d "$3/data" ] || refuse "$3/data is not empty"
    rm -rf --one-file-system -- "$3"
}
move_up() {
    if ! [ -f "$draft/moved" ]; then
        ls -A -- "$draft/data" >"$draft/moved.new"
        sync -- "$draft/moved.new"
        mv -T -- "$draft/moved.new" "$draft/moved"
        sync -- "$draft"
    fi
    strange=$(ls -A -- "$1" | grep -vxF -e "$(basename -- "$draft")" | grep -vxF -f "$draft/moved" || :)
    [ -z "$strange" ] || refuse "$1 is not empty"
    # standby.signal is there before the cluster is one.
    ls -A -- "$draft/data" | grep -vx global | while IFS= read -r name; do
        mv -nT -- "$draft/data/$name" "$1/$name"
        [ ! -e "$draft/data/$name" ] && [ ! -L "$draft/data/$name" ] || refuse "$1/$name exists"
    done
    sync -- "$1" "$draft/data"
    [ ! -e "$1/global" ] || refuse "$1/global exists"
    mv -nT -- "$draft/data/global" "$1/global"
    sync -- "$1" "$draft/data"
}
if unplaced "$1"; then
    if ! [ -f "$1/whole" ]; then
        echo "$1 is not whole" >&2
        exit 90
    fi
    inside=no
    [ "$(dirname -- "$1")" != "$2" ] || inside=yes
    if [ $inside = no ] && [ -e "$2" ] && { ! [ -d "$2" ] || [ -n "$(ls -A -- "$2")" ]; }; then
        echo "$2 is not an empty directory" >&2
        exit 90
    fi
    # Where files have begun to go up, every link has been turned.
    [ -f "$1/moved" ] || each_volume "$1" place_volume
    if [ $inside = yes ]; then
        move_up "$2"
    else
        mv -T -- "$1/data" "$2"
        sync -- "$(dirname -- "$2")"
    fi
fi
each_volume "$1" drop_empty
rm -rf --one-file-system -- "$1"
