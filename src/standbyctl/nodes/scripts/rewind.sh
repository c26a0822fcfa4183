# Bring a data directory back to where its history left that of its new primary (pg_rewind), and keep what is its own.
# Arguments: data directory, bin directory, system identifier, conninfo of the primary, directory to keep things in,
# timeline and LSN where it was left, configuration file (empty: in the data directory). As the server's user.
# pg_rewind takes the standby.signal away, so no server may start in between: none does on a directory that others may
# enter (u=rwx,o=x). Whoever finds it so has to copy it anew.
set -eu
data=$1 bin=$2 system=$3 conninfo=$4 aside=$5 timeline=$6 fork=$7 config=$8
umask 077
export LC_ALL=C
refuse() {
    printf '%s\n' "$*" >&2
    exit 90
}
control() { "$bin/pg_controldata" -D "$data" | sed -n "s/^$1: *//p"; }
# What PostgreSQL itself keeps at the top of a data directory; everything else there is the host's own.
theirs() {
    case $1 in
    base | global | pg_* | PG_VERSION | postmaster.* | backup_label* | backup_manifest | tablespace_map* | \
        *.signal | recovery.* | current_logfiles | logfile_*) return 0 ;;
    esac
    return 1
}
own() {
    case $1 in pg_hba.conf | pg_ident.conf) return 0 ;; esac
    ! theirs "$1"
}
exec 9<"$data"
flock -n 9 || refuse "another run is at work on $data"
! alive "$data" || refuse "a server runs on $data"
[ -f "$data/standby.signal" ] || refuse "$data has no standby.signal"
[ "$(control 'Database system identifier')" = "$system" ] || refuse "$data is not of system $system"
mode=$(stat -c %a -- "$data")
case $mode in 700 | 750) ;; *) refuse "an earlier attempt has not come to its end: $data has to be copied anew" ;; esac
case $(control 'Database cluster state') in
'shut down' | 'shut down in recovery') ;;
*)
    # It replays its own WAL as a standby that nobody feeds, and that nobody reaches; then it ends.
    place=$(mktemp -d)
    log=$aside.log
    options="-c listen_addresses='' -c unix_socket_directories='$place' -c primary_conninfo='' -c restore_command=''"
    options="$options -c archive_mode=off -c hot_standby=on -c logging_collector=off"
    # Its last restartpoint must not remove what pg_rewind goes back through.
    options="$options -c wal_keep_size=2000000"
    [ -z "$config" ] || options="$options -c config_file='$config'"
    done=yes
    "$bin/pg_ctl" start -D "$data" -w -t 86400 -s -l "$log" -o "$options" </dev/null >&2 9<&- || done=
    "$bin/pg_ctl" stop -D "$data" -w -t 3600 -s -m fast >&2 9<&- || done=
    rm -rf -- "$place"
    if [ -z "$done" ]; then
        tail -n 3 -- "$log" >&2
        refuse "it does not come to the end of its own WAL"
    fi
    rm -f -- "$log"
    ;;
esac
size=$(control 'Bytes per WAL segment')
number=$((((0x${fork%/*} << 32) + 0x${fork#*/}) / size)) a_log=$((0x100000000 / size))
# In segments from the beginning on, whatever the timeline.
place_of() { printf '%d' $((0x$(printf '%s' "$1" | cut -c 9-16) * a_log + 0x$(printf '%s' "$1" | cut -c 17-24))); }
mkdir -p -- "$aside/pg_wal" "$aside/before"
chmod 0701 -- "$data"
for each in "$data/pg_wal"/*; do
    name=${each##*/}
    case $name in
    *.history) ;;
    *[!0-9A-F]*) continue ;;
    ????????????????????????)
        if [ "$(place_of "$name")" -lt "$number" ]; then
            # Of both histories. Where the source has it no more, pg_rewind up to 16 takes it away, and it is needed.
            ln -- "$each" "$aside/before/" 2>/dev/null || cp -p --reflink=auto -- "$each" "$aside/before/"
            continue
        fi
        [ "$((0x${name%????????????????}))" = "$timeline" ] || continue
        ;;
    *) continue ;;
    esac
    cp -p --reflink=auto -- "$each" "$aside/pg_wal/"
done
# Directories of the host's own, as of logs, are large: they are out of the way for as long as this takes.
for each in "$data"/* "$data"/.[!.]*; do
    name=${each##*/}
    [ -e "$each" ] && own "$name" || continue
    if [ -d "$each" ] && [ ! -L "$each" ]; then mv -- "$each" "$aside/"; else cp -a -- "$each" "$aside/"; fi
done
sync -- "$aside"
# A server that was shut down cleanly is not started by it, so that it need not know the configuration (--config-file, 15+).
"$bin/pg_rewind" --target-pgdata "$data" --source-server "$conninfo" >"$aside/pg_rewind.log" 2>&1 9<&- || {
    tail -n 3 -- "$aside/pg_rewind.log" >&2
    refuse "pg_rewind failed: $data is not started any more, and has to be copied anew"
}
grep -q '^BACKUP METHOD: pg_rewind' "$data/backup_label" 2>/dev/null || refuse "pg_rewind has rewound nothing: $data has to be copied anew"
needs=$(sed -n 's/^START WAL LOCATION:.*(file \([0-9A-F]*\)).*/\1/p' "$data/backup_label")
for each in "$aside/before"/*; do
    name=${each##*/}
    [ -f "$each" ] && [ ! -e "$data/pg_wal/$name" ] && [ "$(place_of "$name")" -ge "$(place_of "$needs")" ] || continue
    cp -p --reflink=auto -- "$each" "$data/pg_wal/"
done
rm -rf -- "$aside/before"
sync -- "$data/pg_wal"
[ -f "$data/pg_wal/$needs" ] || refuse "the WAL file $needs is not there any more: $data has to be copied anew"
for each in "$aside"/* "$aside"/.[!.]*; do
    name=${each##*/}
    [ -e "$each" ] || continue
    case $name in pg_wal | pg_rewind.log) continue ;; esac
    rm -rf -- "$data/$name"
    if [ -d "$each" ] && [ ! -L "$each" ]; then mv -- "$each" "$data/"; else cp -a -- "$each" "$data/"; fi
done
: >"$data/standby.signal"
sync -- "$data/standby.signal" "$data"
chmod "$mode" -- "$data"
sync -- "$data"
echo rewound=yes
