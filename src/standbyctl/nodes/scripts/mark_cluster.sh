# Mark a cluster that is about to be stopped. Arguments: data directory, bin directory, system identifier, device:inode,
# node, data directory of the server that has just said that it holds nothing (empty where none answered), the directory
# that it is moved to. Says `moved` where it was moved already.
set -eu
if [ "$(stat -c %d:%i -- "$7" 2>/dev/null)" = "$4" ]; then
    echo moved
    exit 0
fi
if ! alive "$1"; then
    guard_stopped "$1" "$2" "$3" "$4" "$5"
    exit 0
fi
guard "$1" "$2" "$3" "$4"
[ -n "$6" ] && [ "$6" -ef "$1" ] || refuse "the server on $1 could not be asked"
new="$1/$MARK.new"
trap 'rm -f -- "$new"' EXIT
trap 'exit 1' HUP INT TERM
mark_of "$1" "$5" "$3" "$4" >"$new"
sync -- "$new"
mv -f -- "$new" "$1/$MARK"
sync -- "$1"
