# Replace a file atomically, owner and mode kept, if it still is as it was read.
# Arguments: path, sha256 of the bytes read. Standard input: the new bytes.
set -eu
real=$(readlink -f -- "$1")
new="$real.standbyctl-new"
trap 'rm -f -- "$new"' EXIT
trap 'exit 1' HUP INT TERM
cp -p -- "$real" "$new"
cat >"$new"
sync -- "$new"
if [ "$(sha256sum <"$real" | cut -d' ' -f1)" != "$2" ]; then
    echo "$real has changed since it was read" >&2
    exit 90
fi
mv -f -- "$new" "$real"
sync -- "$(dirname -- "$real")"
