# Make a draft directory and run a command that fills it. Arguments: draft, owner, passfile, beginning of an entry
# in it, what that entry begins with in the draft's own passfile (empty where the command reads the first), lines of
# `volumes`, command...
# The lock is inherited: it is held as long as the command or any child of it lives, even if we are killed.
# This shell is the keeper: when whoever started it dies (PR_SET_PDEATHSIG), it ends the whole process group.
# Without it pg_basebackup's WAL receiver, a process of its own, would live on until it next has to report.
set -eu
draft=$1 owner=$2 passfile=$3 entry=$4 lent=$5 volumes=$6
shift 6
umask 077
make_volume() {
    found=$(ls -A -- "$2" | grep -vxF -e lost+found -e "$(basename -- "$3")" || :)
    [ -z "$found" ] || refuse "$2 is not empty"
    mkdir -- "$3"
    printf '%s\n' "$owner" >"$3/owner"
}
mkdir -- "$draft"
printf '%s\n' "$owner" >"$draft/owner"
if [ -n "$volumes" ]; then
    printf '%s\n' "$volumes" >"$draft/volumes"
    sync -- "$draft/volumes" "$draft"
    each_volume "$draft" make_volume
fi
exec 9>"$draft/lock"
flock -n 9
if [ -n "$lent" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in "$entry"*) printf '%s%s\n' "$lent" "${line#"$entry"}" ;; esac
        printf '%s\n' "$line"
    done <"$passfile" >"$draft/pgpass"
fi
trap 'trap - HUP INT TERM; kill -TERM 0' HUP INT TERM
"$@" &
status=0
wait "$!" || status=$?
rm -f -- "$draft/pgpass"
[ "$status" = 0 ] || exit "$status"
# From here on it is a whole copy of the primary: it must never be able to start as one.
: >"$draft/data/standby.signal"
[ -e "$draft/data/postgresql.auto.conf" ] || : >"$draft/data/postgresql.auto.conf"
sync -- "$draft/data/standby.signal" "$draft/data"
