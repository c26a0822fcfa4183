# What stands where the standby goes, or is: key=value lines. It changes nothing. Arguments: data directory, bin
# directory, passfile, marker of the passfile, its entry up to the password, replication conninfo, port of the standby,
# path of a directory being deleted, "yes" where the last WAL file written counts, "yes" where the programs that verify
# a copy are to be tried, a unit that is to start it at boot (empty where none is).
data=$1 bin=$2 passfile=$3 marker=$4 entry=$5 conninfo=$6 port=$7 condemned=$8 slotless=$9
shift 9
verify=$1 unit=$2
parent=$(dirname -- "$data") base=$(basename -- "$data")
# On a mount point all that would stand beside it stands in it.
inside=no home=$parent
if [ -d "$data" ] && { mountpoint -q -- "$data" 2>/dev/null ||
    [ "$(stat -L -c %d -- "$data")" != "$(stat -L -c %d -- "$data/..")" ] ||
    awk -v want="$(readlink -f -- "$data")" '$5 == want { found = 1 } END { exit !found }' /proc/self/mountinfo; }; then
    inside=yes home=$data condemned=$data/$base.standbyctl-deleting
fi
say() { printf '%s=%s\n' "$1" "$2"; }
# What is in a data directory, on a mount point without what is ours: drafts, with what was on its way out of them when a
# run was killed (it is a draft's until global, the last, has left it), and what is being deleted.
contained() {
    ls -A -- "$1" | while IFS= read -r name; do
        case $inside$name in
        yeslost+found | "yes$base.standbyctl-deleting" | "yes.$base.standbyctl-"*) continue ;;
        esac
        for moved in "$1/.$base.standbyctl-"*/moved; do
            [ ! -d "${moved%/moved}/data/global" ] || ! grep -qxF -e "$name" -- "$moved" 2>/dev/null || continue 2
        done
        printf '%s\n' "$name"
    done
}
flag() { key=$1; shift; if "$@" >/dev/null 2>&1; then say "$key" yes; else say "$key" no; fi; }
control() {
    "$bin/pg_controldata" -D "$1" 2>/dev/null | sed -n \
        -e 's/^Database system identifier: */system_identifier=/p' \
        -e "s/^Latest checkpoint's TimeLineID: */control_timeline=/p" \
        -e "s/^Min recovery ending loc's timeline: */recovery_timeline=/p" \
        -e 's/^Database cluster state: */control_state=/p' \
        -e "s/^Latest checkpoint's REDO location: */control_redo=/p" \
        -e 's/^Bytes per WAL segment: */segment_bytes=/p'
}
[[written_wal.sh]]

complete=yes
for program in postgres pg_ctl pg_basebackup pg_controldata psql; do
    [ -x "$bin/$program" ] || complete=no
done
[ $complete = no ] || say binary "$("$bin/pg_basebackup" --version 2>/dev/null | sed 's/[^0-9]*\([0-9]*\)\.\([0-9]*\).*/\1 \2/')"
# A program can be there and die as soon as it is loaded.
for program in pg_verifybackup pg_waldump; do
    [ "$verify" = yes ] || break
    (ulimit -c 0; "$bin/$program" --version) >/dev/null 2>&1 || say verifier "$? $bin/$program"
done
# Which packages the programs would be in is asked only where they are not.
[ $complete = yes ] || [ ! -r /etc/os-release ] || say os "$(. /etc/os-release && printf '%s %s' "$ID" "$VERSION_ID")"
if [ -n "$unit" ] && [ "$(systemctl is-enabled -- "$unit" 2>/dev/null)" = disabled ]; then say at_boot no; fi
flag parent_writable test -w "$parent" -a -x "$parent"
say free_kb "$(df -Pk -- "$home" 2>/dev/null | awk 'NR == 2 { print $4 }')"
say free_device "$(stat -L -c %d -- "$home" 2>/dev/null)"
say real "$(readlink -f -- "$data")"
say machine "$(cat /proc/sys/kernel/random/boot_id) $(stat -c %d:%i /)"
say port_taken "$(awk -v want="$(printf ':%04X' "$port")" \
    '$4 == "0A" && substr($2, length($2) - 4) == want { print "yes"; exit }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)"

if [ ! -e "$data" ] && [ ! -L "$data" ]; then
    say contents absent
elif [ ! -d "$data" ]; then
    say contents file
elif ! ls -A -- "$data" >/dev/null 2>&1; then
    say contents unreadable
elif names=$(contained "$data") && [ -z "$names" ]; then
    say contents empty
else
    say contents files
    say entries "$(printf '%s' "$names" | head -n 3 | tr '\n' ' ')"
    control "$data"
    flag signal test -f "$data/standby.signal"
    flag recovery_signal test -f "$data/recovery.signal"
    flag label test -f "$data/backup_label"
    sed -n 's|^START WAL LOCATION: \([0-9A-F/]*\).*|label_lsn=\1|p' "$data/backup_label" 2>/dev/null
    flag label_of_standby grep -qx 'BACKUP FROM: standby' "$data/backup_label"
    flag rewound grep -qx 'BACKUP METHOD: pg_rewind' "$data/backup_label"
    case $(stat -L -c %a -- "$data") in 701 | 751) say rewinding yes ;; esac
    # The last one of a name counts, here as in PostgreSQL.
    sed -n -e "s/^primary_conninfo *= *'\(.*\)'.*/conninfo=\1/p" -e "s/^primary_slot_name *= *'\(.*\)'.*/slot_name=\1/p" \
        -e "s/^restore_command *= *'\(.*\)'$/restore_command=\1/p" \
        "$data/postgresql.auto.conf" 2>/dev/null
    say last_wal "$(ls -- "$data/pg_wal" 2>/dev/null | grep -E '^[0-9A-F]{24}$' | sort | tail -n 1)"
    [ "$slotless" = no ] || say written_wal "$(written_wal "$data")"
    # A stale postmaster.pid may name a process that is not this server: a postmaster works in its data directory.
    pid=$(sed -n 1p "$data/postmaster.pid" 2>/dev/null)
    flag running test -n "$pid" -a "/proc/$pid/cwd" -ef "$data"
    say slots "$(ls -- "$data/pg_replslot" 2>/dev/null | tr '\n' ' ')"
    say running_port "$(sed -n 4p "$data/postmaster.pid" 2>/dev/null)"
    say server_status "$(sed -n '8s/ *$//p' "$data/postmaster.pid" 2>/dev/null)"
    # By pg_ctl it says so itself; what a service manager starts has the mark in its configuration.
    started=$(sed -n 's/.*standbyctl\.attach=\([a-z0-9_]*\).*/\1/p' "$data/postmaster.opts" 2>/dev/null)
    [ -n "$started" ] || started=$(sed -n "s/^standbyctl\.attach = '\([a-z0-9_]*\)'$/\1/p" "$data/postgresql.auto.conf" 2>/dev/null)
    say started_by "$started"
fi
if [ -d "$data" ]; then
    say identity "$(stat -L -c %d:%i -- "$data")"
fi
if [ $inside = yes ]; then
    say mount_point yes
    flag lost_found test -e "$data/lost+found"
    # A server asks for exactly this of its data directory.
    case $(stat -L -c %a -- "$data") in 700 | 750) flag private test -O "$data" ;; *) say private no ;; esac
fi
[ -d "$condemned" ] && say condemned "$(stat -c %d:%i -- "$condemned")"
leads_out() {
    for link in "$2/pg_wal" "$2"/pg_tblspc/*; do
        [ ! -L "$link" ] || say "$1" "$(stat -L -c %d:%i -- "$link" 2>/dev/null) ${link#"$2/"} $(readlink -- "$link")"
    done
}
leads_out linked "$data"
leads_out condemned_linked "$condemned"
n=1
while [ -e "$data.detached-$n" ]; do n=$((n + 1)); done
say free_aside "$data.detached-$n"

for draft in "$home/.$base.standbyctl-"*; do
    [ -d "$draft" ] || continue
    # What has left a draft for its place is looked for there.
    files=$draft/data label=$draft/data/backup_label
    [ ! -f "$draft/moved" ] || [ -d "$files/pg_wal" ] || files=$data
    [ ! -f "$draft/moved" ] || [ -f "$label" ] || label=$data/backup_label
    alive=no whole=no
    [ -f "$draft/lock" ] && ! flock -n "$draft/lock" true && alive=yes
    [ -f "$draft/whole" ] && whole=yes
    [ -f "$draft/whole" ] && [ -f "$draft/verified" ] && whole=verified
    last=$(ls -- "$files/pg_wal" 2>/dev/null | grep -E '^[0-9A-F]{24}$' | sort | tail -n 1)
    words=$(control "$draft/data")
    segment=$(printf '%s\n' "$words" | sed -n 's/^segment_bytes=//p')
    system=$(printf '%s\n' "$words" | sed -n 's/^system_identifier=//p')
    # A standby's copy ends within its last file.
    if [ -n "$last" ] && grep -qx 'BACKUP FROM: standby' "$label" 2>/dev/null; then
        last=$last.standby
    fi
    say draft "$alive $whole ${last:--} ${segment:--} ${system:--} $draft"
done

if [ ! -e "$passfile" ]; then
    say passfile absent
elif [ ! -r "$passfile" ] || [ -n "$(find -L "$passfile" -perm /077 2>/dev/null)" ]; then
    say passfile unsafe
else
    first=$(sed -n 1p "$passfile") second=$(sed -n 2p "$passfile") key=
    case $first in "# $marker, key "*) key=${first##* } ;; esac
    digest=$(printf '%s' "$second" | sha256sum | cut -c 1-16)
    if [ -z "$key" ]; then
        say passfile foreign
    elif [ "$key" = "$digest" ] && [ "$(wc -l <"$passfile")" = 2 ] && [ "${second#*"${entry#"*:*"}"}" != "$second" ]; then
        say passfile ours
        say key "$key"
    else
        say passfile changed
    fi
    # A role that does not exist yet would only leave a FATAL in the primary's log.
    if [ -z "$conninfo" ]; then
        :
    elif said=$("$bin/psql" -XAtqw -d "$conninfo" -c IDENTIFY_SYSTEM 2>&1); then
        say admitted "$said"
    else
        say refusal "$(printf '%s' "$said" | tr '\n' ' ')"
    fi
fi

say end yes
