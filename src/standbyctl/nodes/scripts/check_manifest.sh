# Compare a sealed draft with its manifest. Arguments: draft, bin directory.
# A draft that passes is marked; one that does not is sealed no more, so that it is never put in place.
# pg_verifybackup leaves out by itself what we have changed since: postgresql.auto.conf and standby.signal.
set -u
[ -f "$1/whole" ] || { echo "$1 is not whole" >&2; exit 90; }
[ -f "$1/verified" ] && exit 0
ulimit -c 0
umask 077
# Not exec: the death of the verifier must not look like ours.
"$2/pg_verifybackup" "$1/data"
status=$?
if [ "$status" = 0 ]; then
    : >"$1/verified" && sync -- "$1/verified" "$1"
    exit
fi
# It exits with 1 for a backup that does not match, and never otherwise once it runs; more is a shell's word.
[ "$status" != 1 ] || { rm -f -- "$1/whole" && sync -- "$1"; }
exit "$status"
