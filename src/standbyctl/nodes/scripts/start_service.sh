# Start a standby by what will start it from now on. Arguments: data directory, node, unit, Debian's version and name
# of the cluster (empty elsewhere), its log. As root by systemd; as anybody else by pg_ctlcluster.
set -eu
alive "$1" && exit 0
if ! [ -f "$1/standby.signal" ]; then
    echo "$1 has no standby.signal: it would start as a primary" >&2
    exit 90
fi
if [ "$(id -u)" = 0 ]; then
    # A unit that has failed too often in a short time is not started again before this.
    systemctl reset-failed -- "$3" 2>/dev/null || :
    systemctl start -- "$3" || status=$?
else
    pg_ctlcluster --skip-systemctl-redirect "$4" "$5" start || status=$?
fi
[ "${status:-0}" = 0 ] && alive "$1" && exit 0
tail -n 5 -- "$6" >&2
exit 1
