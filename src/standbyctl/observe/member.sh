# What a server's data directory says of it: NODE.key=value lines. It changes nothing. Run as the server's user.
# Arguments: node, data directory, bin directory.
node=$1 data=$2 bin=$3
say() { printf '%s.%s=%s\n' "$node" "$1" "$2"; }
flag() { key=$1; shift; if "$@" >/dev/null 2>&1; then say "$key" yes; else say "$key" no; fi; }
# First of all: what is read of one that runs may be old a moment later; of one that has ended nothing is.
# A stale postmaster.pid may name a process that is not this server: a postmaster works in its data directory.
pid=
{ read -r pid <"$data/postmaster.pid"; } 2>/dev/null
flag running test -n "$pid" -a "/proc/$pid/cwd" -ef "$data"
"$bin/pg_controldata" -D "$data" 2>/dev/null | sed -n \
    -e "s/^Database system identifier: */$node.system_identifier=/p" \
    -e "s/^Latest checkpoint's TimeLineID: */$node.control_timeline=/p" \
    -e "s/^Min recovery ending loc's timeline: */$node.recovery_timeline=/p" \
    -e "s/^Database cluster state: */$node.state=/p"
flag sealed test -f "$data/standby.signal"
say real "$(cd -P -- "$data" 2>/dev/null && pwd)"
sed -n -e "s/^primary_conninfo *= *'\(.*\)'.*/$node.conninfo=\1/p" -e "s/^primary_slot_name *= *'\(.*\)'.*/$node.slot_name=\1/p" \
    "$data/postgresql.auto.conf" 2>/dev/null
df -Pk -- "$data/pg_wal" 2>/dev/null | { read -r _ && read -r _ _ _ free _ && say free_kb "$free"; }
echo end=yes
