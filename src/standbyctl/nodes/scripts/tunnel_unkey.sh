# Remove a tunnel's key pair and known_hosts, if they are ours. Arguments: their directory, the marker.
set -eu
rm -rf -- "$1.standbyctl-new"
[ -e "$1" ] || exit 0
if [ "$(cut -d ' ' -f 3- -- "$1/id_ed25519.pub" 2>/dev/null)" != "$2" ]; then
    echo "$1 is not ours" >&2
    exit 90
fi
rm -f -- "$1/known_hosts" "$1/known_hosts.standbyctl-new" "$1/id_ed25519"
# The last one shows whose it is: while anything else is there, that stays.
left=$(ls -A -- "$1")
if [ "$left" != id_ed25519.pub ]; then
    echo "$1 has files that are not ours" >&2
    exit 90
fi
rm -f -- "$1/id_ed25519.pub"
rmdir -- "$1"
sync -- "$(dirname -- "$1")"
