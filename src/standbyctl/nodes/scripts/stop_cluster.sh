# Stop a cluster that carries our mark. Arguments: data directory, bin directory, system identifier, device:inode, node,
# unit, Debian's version and name of the cluster (empty elsewhere). As root by systemd; as anybody else by pg_ctlcluster.
set -eu
if alive "$1"; then
    guard "$1" "$2" "$3" "$4"
    marked "$1" "$5" "$3" "$4" || refuse "$1 is not marked, or was started since"
    [ "$(id -u)" != 0 ] || systemctl stop -- "$6"
    # What somebody has started by hand is not systemd's to stop.
    if alive "$1" && [ -n "$7" ]; then pg_ctlcluster --skip-systemctl-redirect "$7" "$8" stop; fi
fi
guard_stopped "$1" "$2" "$3" "$4" "$5"
