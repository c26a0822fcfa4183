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
rm -rf -- "$1"
