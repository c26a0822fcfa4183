# Stop a standby that attach started; where a system identifier is given, any standby of that system. Arguments: data
# directory, bin directory, node, system identifier.
set -eu
alive "$1" || exit 0
if [ -n "$4" ]; then
    "$2/pg_controldata" -D "$1" | grep -q "^Database system identifier: *$4\$" || {
        echo "$1 is not of system $4" >&2
        exit 90
    }
elif ! grep -q "standbyctl.attach=$3\"" "$1/postmaster.opts"; then
    echo "the server on $1 was not started by attach" >&2
    exit 90
fi
if ! [ -f "$1/standby.signal" ] || ! "$2/pg_controldata" -D "$1" | grep -q '^Database cluster state: *in archive recovery'; then
    echo "the server on $1 is not a standby any more" >&2
    exit 90
fi
exec "$2/pg_ctl" stop -D "$1" -m fast -w -t 600 -s
