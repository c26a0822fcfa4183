# Stop a standby that attach made; where a system identifier is given, any standby of that system. Arguments: data
# directory, node, unit, Debian's version and name of the cluster (empty elsewhere), bin directory, system identifier.
# As root by systemd; as anybody else by pg_ctlcluster.
set -eu
alive "$1" || exit 0
if [ -n "$7" ]; then
    "$6/pg_controldata" -D "$1" | grep -q "^Database system identifier: *$7\$" || {
        echo "$1 is not of system $7" >&2
        exit 90
    }
elif ! grep -qx "standbyctl\.attach = '$2'" "$1/postgresql.auto.conf"; then
    echo "the server on $1 was not set up by attach" >&2
    exit 90
fi
if ! [ -f "$1/standby.signal" ] || ! "$6/pg_controldata" -D "$1" | grep -q '^Database cluster state: *in archive recovery'; then
    echo "the server on $1 is not a standby any more" >&2
    exit 90
fi
[ "$(id -u)" != 0 ] || systemctl stop -- "$3"
# What somebody has started by hand is not systemd's to stop.
if alive "$1" && [ -n "$4" ]; then pg_ctlcluster --skip-systemctl-redirect "$4" "$5" stop; fi
if alive "$1"; then
    echo "the server on $1 still runs" >&2
    exit 1
fi
