# Write a passfile, unless one of ours stands there. Arguments: path, first words of its first line.
# Standard input: its contents.
set -eu
umask 077
if [ -e "$1" ]; then
    case $(head -n 1 -- "$1") in
    "$2"*) exit 0 ;;
    *) echo "$1 exists and is not ours" >&2; exit 90 ;;
    esac
fi
new="$1.standbyctl-new"
trap 'rm -f -- "$new"' EXIT
trap 'exit 1' HUP INT TERM
rm -f -- "$new"
set -C
cat >"$new"
set +C
sync -- "$new"
mv -- "$new" "$1"
sync -- "$(dirname -- "$1")"
