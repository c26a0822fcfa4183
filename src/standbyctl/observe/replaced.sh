# A cluster that stands in the standby's place, or was moved aside for it: key=value lines. It changes nothing.
# Arguments: data directory, bin directory, where a replaced cluster is kept, first line of our mark.
# A postmaster writes its postmaster.opts anew whenever it starts: where that still is of the moment that the mark
# names, nobody has started the cluster since we stopped it.
data=$1 bin=$2 aside=$3 marker=$4
say() { printf '%s=%s\n' "$1" "$2"; }
marked() {
    [ "$(sed -n 1p "$1/standbyctl.replaced" 2>/dev/null)" = "$marker" ]
}
stopped() {
    control=$("$bin/pg_controldata" -D "$1" 2>/dev/null)
    system=$(printf '%s\n' "$control" | sed -n 's/^Database system identifier: *//p')
    pid=$(sed -n 1p "$1/postmaster.pid" 2>/dev/null)
    marked "$1" && [ ! -e "$1/standby.signal" ] && ! [ -n "$pid" -a "/proc/$pid/cwd" -ef "$1" ] &&
        printf '%s\n' "$control" | grep -q '^Database cluster state: *shut down$' &&
        [ "$(sed -n 2p "$1/standbyctl.replaced")" = \
            "$system $(stat -L -c %i -- "$1") $(stat -c %.9Y -- "$1/postmaster.opts" 2>/dev/null)" ]
}
if marked "$data"; then
    if stopped "$data"; then say resident_mark stopped; else say resident_mark other; fi
fi
if [ -e "$aside" ] || [ -L "$aside" ]; then
    if stopped "$aside"; then ours=yes; else ours=no; fi
    say replaced "$ours ${system:--} $(stat -L -c %d:%i -- "$aside" 2>/dev/null)"
fi
say end yes
