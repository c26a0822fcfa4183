# Take the line of a tunnel's key out of our own account's authorized_keys. Arguments: what the key may do, the marker.
set -eu
umask 077
home=$(getent passwd "$(id -un)" | cut -d: -f6)
file=$home/.ssh/authorized_keys
# What a run that died has left.
rm -rf -- "$home/.ssh.standbyctl-new" "$file.standbyctl-new"
[ -f "$file" ] || exit 0
without "$file" "$1" "$2"
case $(cat -- "$kept") in
"# standbyctl made this file") rm -f -- "$kept" "$file" ;;
"# standbyctl made this file and its directory")
    rm -f -- "$kept" "$file"
    rmdir -- "$home/.ssh" 2>/dev/null || :
    ;;
*) ! cmp -s -- "$kept" "$file" || exit 0; exchange; exit 0 ;;
esac
sync -- "$home"
