# Stop, disable and remove a tunnel's unit. As root. Arguments: the unit, the marker.
set -eu
path=/etc/systemd/system/$1
rm -f -- "$path.standbyctl-new"
[ -e "$path" ] || exit 0
written "$path" "$2" || exit 90
systemctl disable --quiet --now -- "$1"
rm -f -- "$path"
sync -- /etc/systemd/system
systemctl daemon-reload
# A unit that failed would stay in the list.
systemctl reset-failed -- "$1" 2>/dev/null || :
