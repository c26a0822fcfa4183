# Keep a tunnel up: install its unit, enable it, start it, and wait until it listens. As root.
# Arguments: its unit, the marker, its port. Standard input: the unit.
set -eu
path=/etc/systemd/system/$1
new="$path.standbyctl-new"
trap 'rm -f -- "$new"' EXIT
trap 'exit 1' HUP INT TERM
umask 022
cat >"$new"
if ! cmp -s -- "$new" "$path"; then
    written "$path" "$2" || exit 90
    sync -- "$new"
    mv -f -- "$new" "$path"
    sync -- /etc/systemd/system
    systemctl daemon-reload
    systemctl restart -- "$1"
fi
systemctl enable --quiet -- "$1"
sync -- /etc/systemd/system/multi-user.target.wants
systemctl start -- "$1"
# That something listens there is not enough: it has to be this unit's ssh.
listens() {
    pid=$(systemctl show -p MainPID --value -- "$1")
    inode=$(awk -v want="$(printf '0100007F:%04X' "$2")" '$2 == want && $4 == "0A" { print $10 }' /proc/net/tcp)
    [ "${pid:-0}" != 0 ] && [ -n "$inode" ] && ls -l "/proc/$pid/fd" 2>/dev/null | grep -qF "socket:[$inode]"
}
tries=0
until listens "$1" "$3"; do
    tries=$((tries + 1))
    if [ $tries -gt 150 ]; then
        echo "$1 does not listen on 127.0.0.1:$3" >&2
        journalctl -q -u "$1" -n 3 -o cat >&2 || :
        exit 1
    fi
    sleep 0.2
done
