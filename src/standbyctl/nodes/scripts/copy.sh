# Make a draft directory and run a command that fills it. Arguments: draft, owner, command...
# The lock is inherited: it is held as long as the command or any child of it lives, even if we are killed.
# This shell is the keeper: when whoever started it dies (PR_SET_PDEATHSIG), it ends the whole process group.
# Without it pg_basebackup's WAL receiver, a process of its own, would live on until it next has to report.
set -eu
draft=$1 owner=$2
shift 2
umask 077
mkdir -- "$draft"
printf '%s\n' "$owner" >"$draft/owner"
exec 9>"$draft/lock"
flock -n 9
trap 'trap - HUP INT TERM; kill -TERM 0' HUP INT TERM
"$@" &
wait "$!"
# From here on it is a whole copy of the primary: it must never be able to start as one.
: >"$draft/data/standby.signal"
[ -e "$draft/data/postgresql.auto.conf" ] || : >"$draft/data/postgresql.auto.conf"
sync -- "$draft/data/standby.signal" "$draft/data"
