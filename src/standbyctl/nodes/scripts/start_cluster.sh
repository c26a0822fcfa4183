# Start a cluster again that we have stopped, unless it runs. Arguments: data directory, bin directory, system
# identifier, device:inode, node, unit, Debian's version and name of the cluster (empty elsewhere), its log. As root by
# systemd; as anybody else by pg_ctlcluster.
set -eu
guard "$1" "$2" "$3" "$4"
if ! alive "$1"; then
    guard_stopped "$1" "$2" "$3" "$4" "$5"
    if [ "$(id -u)" = 0 ]; then
        # A unit that has failed too often in a short time is not started again before this.
        systemctl reset-failed -- "$6" 2>/dev/null || :
        systemctl start -- "$6" || status=$?
    else
        pg_ctlcluster --skip-systemctl-redirect "$7" "$8" start || status=$?
    fi
    if [ "${status:-0}" != 0 ] || ! alive "$1"; then
        tail -n 5 -- "$9" >&2
        exit 1
    fi
fi
