# Start PostgreSQL on a data directory that is a standby's. Arguments: data directory, bin directory, node.
set -eu
alive "$1" && exit 0
if ! [ -f "$1/standby.signal" ]; then
    echo "$1 has no standby.signal: it would start as a primary" >&2
    exit 90
fi
"$2/pg_ctl" start -D "$1" -w -t 600 -s -l "$1/startup.log" -o "-c standbyctl.attach=$3" </dev/null || {
    tail -n 5 -- "$1/startup.log" >&2
    exit 1
}
