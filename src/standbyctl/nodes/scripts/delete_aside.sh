# Delete a directory that was set aside to be deleted.
# Arguments: path, bin directory, system identifier, device:inode; then of each part that is elsewhere its link in that
# directory, the path that this leads to, and the device:inode there.
set -eu
WAL_NAMES='[0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history|archive_status|summaries'
WAL_NAMES="$WAL_NAMES|xlogtemp\\.[0-9]+|RECOVERYXLOG|RECOVERYHISTORY"
[ -d "$1" ] || exit 0
MOVED=standbyctl.moved
# An interrupted deletion has taken pg_control first: what is left of it is known by its inode alone.
if [ "$(stat -c %d:%i -- "$(dirname -- "$1")")" = "$4" ]; then
    # What was looked at is a mount point, and still there. What stands in it was moved down by us, or is empty.
    [ -f "$1/$MOVED" ] || exec rmdir -- "$1"
    [ ! -f "$1/global/pg_control" ] || guard "$1" "$2" "$3" "$(stat -c %d:%i -- "$1")"
elif [ -f "$1/global/pg_control" ]; then
    guard "$1" "$2" "$3" "$4"
elif [ "$(stat -c %d:%i -- "$1")" != "$4" ]; then
    echo "$1 is not the directory that was looked at" >&2
    exit 90
fi
rm -f -- "$1/global/pg_control"
aside=$1
version=$(cat -- "$aside/PG_VERSION" 2>/dev/null || :)
shift 4
while [ $# -gt 2 ]; do
    # What an interrupted deletion has taken is gone with its link; a link that leads elsewhere by now is not followed.
    if [ -n "$3" ] && [ "$(readlink -- "$aside/$1")" = "$2" ] && [ "$(stat -L -c %d:%i -- "$2" 2>/dev/null)" = "$3" ]; then
        case $1 in
        pg_wal)
            # What PostgreSQL makes there, by its names: a directory of somebody's may have come into it.
            find "$2/" -mindepth 1 -maxdepth 1 -regextype posix-extended -regex ".*/($WAL_NAMES)" \
                -exec rm -rf --one-file-system -- {} +
            ;;
        *) [ -z "$version" ] || rm -rf --one-file-system -- "$2/PG_${version}_"* ;;
        esac
        rm -f -- "$aside/$1"
    fi
    shift 3
done
# What shows whose it is goes last.
find "$aside" -mindepth 1 -maxdepth 1 ! -name "$MOVED" -exec rm -rf --one-file-system -- {} +
rm -rf --one-file-system -- "$aside"
