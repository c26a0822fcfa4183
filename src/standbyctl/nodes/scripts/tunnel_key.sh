# Make a key pair for a tunnel, unless ours is there. Arguments: its directory, the marker.
set -eu
umask 077
mine() { [ "$(cut -d ' ' -f 3- -- "$1/id_ed25519.pub" 2>/dev/null)" = "$2" ]; }
new="$1.standbyctl-new"
rm -rf -- "$new"
if [ -e "$1" ]; then
    mine "$1" "$2" && exit 0
    echo "$1 exists and is not ours" >&2
    exit 90
fi
mkdir -- "$new"
trap 'rm -rf -- "$new"' EXIT
trap 'exit 1' HUP INT TERM
ssh-keygen -q -t ed25519 -N '' -C "$2" -f "$new/id_ed25519" >&2
sync -- "$new/id_ed25519" "$new/id_ed25519.pub" "$new"
mv -T -- "$new" "$1"
sync -- "$(dirname -- "$1")"
