# Make a copy that something else has put there unable to start as a primary, if nobody has started it since.
# Arguments: data directory, bin directory, system identifier, device:inode, sha256 of pg_control, directory for what
# makes room: of this very copy, for the digest is in its name.
set -eu
umask 077
refuse() {
    printf '%s\n' "$*" >&2
    exit 90
}
[ "$(stat -c %d:%i -- "$1")" = "$4" ] || refuse "$1 is not the directory that was looked at"
! alive "$1" || refuse "a server runs on $1"
"$2/pg_controldata" -D "$1" | grep -q "^Database system identifier: *$3\$" || refuse "$1 is not a copy of system $3"
[ "$(sha256sum <"$1/global/pg_control" | cut -d' ' -f1)" = "$5" ] || refuse "$1 was started since it was looked at"
# First of all: whatever else happens, it follows somebody or waits. It outranks recovery.signal.
: >>"$1/standby.signal"
sync -- "$1/standby.signal" "$1"
mkdir -p -- "$6"
[ -e "$1/postgresql.auto.conf" ] || : >"$1/postgresql.auto.conf"
if [ ! -e "$6/postgresql.auto.conf" ]; then
    cp -p -- "$1/postgresql.auto.conf" "$6/new"
    sync -- "$6/new"
    mv -- "$6/new" "$6/postgresql.auto.conf"
fi
# A file of another server, whose process may still live; and what a restore has asked for.
for name in postmaster.pid recovery.signal; do
    [ ! -e "$1/$name" ] || mv -f -- "$1/$name" "$6/$name"
done
# Slots that came along would keep WAL here for ever: nobody reads them.
if [ -n "$(ls -A -- "$1/pg_replslot" 2>/dev/null)" ] && [ ! -e "$6/pg_replslot" ]; then
    mv -T -- "$1/pg_replslot" "$6/pg_replslot"
fi
[ -d "$1/pg_replslot" ] || mkdir -- "$1/pg_replslot"
sync -- "$6" "$1"
