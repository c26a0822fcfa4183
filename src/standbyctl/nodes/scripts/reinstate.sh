# Take back what demote.sh has done, and have a primary again: nobody was promoted. Arguments: data directory, bin
# directory, system identifier, unit, Debian's version and name of the cluster (empty elsewhere), its log, names of the
# settings that it was given, with a | after each. As root by systemd; as anybody else by pg_ctlcluster or pg_ctl.
# It says came=standby where it was started meanwhile, and is one.
set -eu
data=$1 bin=$2 system=$3 unit=$4 version=$5 name=$6 log=$7 names=$8
refuse() {
    printf '%s\n' "$*" >&2
    exit 90
}
was=$data/.standbyctl-auto.conf.was
control() { "$bin/pg_controldata" -D "$data" | sed -n "s/^$1: *//p"; }
# What a line that was cut has left running comes to its end first.
exec 9<"$data"
flock -w 600 9 || refuse "another run is at work on $data"
# A stop that took too long may come to its end at any time, or not.
n=0
while alive "$data" && [ ! -f "$data/standby.signal" ] && [ "$(sed -n '8s/ *$//p' "$data/postmaster.pid" 2>/dev/null)" = stopping ]; do
    n=$((n + 1))
    [ $n -lt 3000 ] || refuse "the server on $data is still stopping"
    sleep 0.2
done
if alive "$data"; then
    if [ -f "$data/standby.signal" ]; then
        became
        if [ "$came" = standby ]; then
            echo came=standby
            exit 0
        fi
        [ -n "$came" ] || refuse "the server on $data was started by somebody, and is no primary yet"
        # Without what is put aside it is none of ours.
        [ ! -f "$was" ] || unseal "$names"
    fi
    rm -f -- "$data/.standbyctl-auto.conf" "$data/.standbyctl-auto.conf.was"
    exit 0
fi
[ "$(control 'Database system identifier')" = "$system" ] || refuse "$data is not of system $system"
# The configuration was changed only where there is a standby.signal: what was put aside may be older elsewhere.
[ ! -e "$data/standby.signal" ] || [ ! -f "$was" ] || mv -- "$was" "$data/postgresql.auto.conf"
rm -f -- "$was" "$data/.standbyctl-auto.conf" "$data/standby.signal"
sync -- "$data"
exec 9<&-
run_again "$data" "$bin" "$unit" "$version" "$name" "$log"
