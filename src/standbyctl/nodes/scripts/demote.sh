# Stop a primary (fast), and make it unable to start as one. Arguments: data directory, bin directory, system
# identifier, seconds to wait for the stop. Standard input: NAME = 'VALUE' lines for postgresql.auto.conf.
# A program costs a millisecond to start, and several on a busy host, so everything that can be done before the signal
# is: after it come pg_controldata, one rename, one flush, and the time.
# It says what it found: state=stopped, stopping, standby, crashed, or of who was started again meanwhile restarted or
# starting; checkpoint=LSN; ms=... from the signal on.
set -eu
data=$1 bin=$2 system=$3 seconds=$4
umask 077
refuse() {
    printf '%s\n' "$*" >&2
    exit 90
}
say() { printf '%s=%s\n' "$1" "$2"; }
nl='
'
look() { said=$nl$("$bin/pg_controldata" -D "$data"); }
# $value: of that line of pg_controldata's; empty where there is none.
control() {
    value=${said#*"$nl$1:"}
    [ "$value" != "$said" ] || value=
    value=${value%%"$nl"*}
    value=${value#"${value%%[! ]*}"}
}
conf=$data/postgresql.auto.conf new=$data/.standbyctl-auto.conf was=$data/.standbyctl-auto.conf.was
lines=$(cat)
names=$(printf '%s\n' "$lines" | sed -n 's/^\([A-Za-z0-9_.]*\) = .*/\1/p' | tr '\n' '|')
# $content: of postgresql.auto.conf, to the last byte.
content() {
    content=
    while IFS= read -r line; do content=$content$line$nl; done <"$conf"
    content=$content$line
}
# The last line of a name counts, here as in PostgreSQL. What an earlier run has put aside stays what it was.
prepare() {
    content
    known=$content
    [ -e "$data/standby.signal" ] || cp -p -- "$conf" "$was"
    cp -p -- "$conf" "$new"
    { grep -viE "^[[:space:]]*(${names%|})[[:space:]=]" "$conf" || :; printf '%s\n' "$lines"; } >"$new"
    if [ -e "$was" ]; then sync -- "$new" "$was"; else sync -- "$new"; fi
}
# Until this ends nobody takes it back, however it ends.
# (The lock that the tool itself has had on it ends with a line that may be slow.)
exec 9<"$data"
flock -w 5 9 || refuse "another run is at work on $data"
look
control 'Database system identifier'
[ "$value" = "$system" ] || refuse "$data is not of system $system"
control 'Database cluster state'
state=$value
if alive "$data"; then
    if [ "$state" = 'in archive recovery' ] && [ -f "$data/standby.signal" ]; then
        say state standby
        exit 0
    fi
    [ "$state" = 'in production' ] || refuse "the server on $data is not a primary ($state)"
    # Ours, where the server was started again before it was sealed, and nobody was left to take that back.
    [ ! -e "$data/standby.signal" ] || [ ! -e "$was" ] || unseal "$names"
    [ ! -e "$data/standby.signal" ] || refuse "$data has a standby.signal, and its server is no standby"
    [ ! -e "$data/recovery.signal" ] || refuse "$data has a recovery.signal"
    prepare
    pid=$(head -n 1 -- "$data/postmaster.pid")
    begun=$(date +%s%3N)
    kill -INT "$pid"
    n=0
    # The shell's own test costs nothing; whether a server is left behind its file is looked at now and then.
    while [ -e "$data/postmaster.pid" ]; do
        n=$((n + 1))
        if [ $((n % 100)) = 0 ]; then
            alive "$data" || break
            if [ $(($(date +%s%3N) - begun)) -ge $((seconds * 1000)) ]; then
                say state stopping
                exit 0
            fi
        fi
        sleep 0.002
    done
    stopped=$(date +%s%3N)
    say stop_ms $((stopped - begun))
    look
    control 'Database cluster state'
    state=$value
else
    begun=$(date +%s%3N)
    [ ! -e "$data/recovery.signal" ] || refuse "$data has a recovery.signal"
    prepare
fi
if [ "$state" != 'shut down' ]; then
    if alive "$data"; then
        say state restarted
        exit 0
    fi
    say state crashed
    say control_state "$state"
    exit 0
fi
# An ALTER SYSTEM may have come in between.
content
[ "$content" = "$known" ] || prepare
# In this order: whoever finds the new configuration finds a standby.signal beside it.
: >"$data/standby.signal"
mv -- "$new" "$conf"
sync -- "$data/standby.signal" "$data"
# Who starts it from here on finds the signal. Whoever has done so meanwhile may have looked for it before.
if [ -e "$data/postmaster.pid" ] && alive "$data"; then
    became
    case $came in
    primary)
        unseal "$names"
        say state restarted
        ;;
    standby)
        # It may have read the configuration before.
        kill -HUP "$(head -n 1 -- "$data/postmaster.pid")"
        say state standby
        ;;
    *) say state starting ;;
    esac
    exit 0
fi
say state stopped
control 'Latest checkpoint location'
say checkpoint "$value"
control "Latest checkpoint's TimeLineID"
say timeline "$value"
say ms $(($(date +%s%3N) - begun))
