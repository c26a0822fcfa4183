# Start a server that is to be a standby the way it was started before. Arguments: data directory, bin directory, unit,
# Debian's version and name of the cluster (empty elsewhere), its log.
set -eu
rm -f -- "$1/.standbyctl-auto.conf" "$1/.standbyctl-auto.conf.was"
alive "$1" && exit 0
if ! [ -f "$1/standby.signal" ]; then
    echo "$1 has no standby.signal: it would start as a primary" >&2
    exit 90
fi
run_again "$@"
