# Remove a draft of ours whose writer is gone. Arguments: draft, owner.
set -eu
[ -d "$1" ] || exit 0
if [ -f "$1/lock" ] && ! flock -n "$1/lock" true; then
    echo "the writer of $1 still lives" >&2
    exit 90
fi
if [ -f "$1/owner" ]; then
    [ "$(cat -- "$1/owner")" = "$2" ] || { echo "$1 is not ours" >&2; exit 90; }
else
    # A run has died before it could say whose it is: then it is empty.
    exec rmdir -- "$1"
fi
draft=$1 owner=$2
there() {
    [ -d "$3" ] || refuse "$3 is not there: is its volume mounted?"
}
if unplaced "$draft" && ! [ -f "$draft/discarding" ]; then
    each_volume "$draft" there
fi
# What makes it look whole goes first.
rm -f -- "$draft/whole" "$draft/data/global/pg_control"
# What is gone from a volume from here on is gone by our hands. On a full disk this may fail, and is not what matters.
[ ! -f "$draft/volumes" ] || { : >"$draft/discarding"; } 2>/dev/null || :
drop_volume() {
    # One of another draft's owner that has come first: ours was never made.
    [ -d "$3" ] && owned "$3" "$owner" || return 0
    # Once the data directory has been put in place, what was moved belongs to it.
    if unplaced "$draft" && [ -f "$3/moved" ]; then
        while IFS= read -r name; do
            # What still lies here was not moved: what has its name there is somebody's.
            [ -e "$3/data/$name" ] || rm -rf --one-file-system -- "${2:?}/${name:?}"
        done <"$3/moved"
    fi
    if [ -f "$3/owner" ]; then rm -rf --one-file-system -- "$3"; else rmdir -- "$3"; fi
}
each_volume "$draft" drop_volume
# On a mount point, what had left the draft already; global is there until nothing of it is left.
if [ -f "$draft/moved" ] && unplaced "$draft"; then
    home=$(dirname -- "$draft")
    while IFS= read -r name; do
        [ -e "$draft/data/$name" ] || [ -L "$draft/data/$name" ] || rm -rf --one-file-system -- "${home:?}/${name:?}"
    done <"$draft/moved"
fi
# What says whose it is goes last: without it, and not empty, it would be nobody's.
find "$1" -mindepth 1 -maxdepth 1 ! -name owner -exec rm -rf --one-file-system -- {} +
rm -rf --one-file-system -- "$1"
