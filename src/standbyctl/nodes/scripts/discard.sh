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
# What makes it look whole goes first.
rm -f -- "$1/whole" "$1/data/global/pg_control"
draft=$1 owner=$2
drop_volume() {
    [ -d "$3" ] || return 0
    owned "$3" "$owner"
    # Once the data directory has been put in place, what was moved belongs to it.
    if [ -d "$draft/data" ] && [ -f "$3/moved" ]; then
        while IFS= read -r name; do rm -rf -- "${2:?}/${name:?}"; done <"$3/moved"
    fi
    if [ -f "$3/owner" ]; then rm -rf -- "$3"; else rmdir -- "$3"; fi
}
each_volume "$draft" drop_volume
rm -rf -- "$1"
