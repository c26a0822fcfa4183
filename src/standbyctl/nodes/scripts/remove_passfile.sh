# Remove a passfile of ours. Arguments: path, first words of its first line.
set -eu
[ -e "$1" ] || exit 0
case $(head -n 1 -- "$1") in
"$2"*) rm -f -- "$1" ;;
*) echo "$1 is not ours" >&2; exit 90 ;;
esac
sync -- "$(dirname -- "$1")"
