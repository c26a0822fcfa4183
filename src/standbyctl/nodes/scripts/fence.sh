# End a primary at once, and make it unable to start as one. Arguments: data directory, bin directory, system
# identifier. What it has not sent to a standby stays in its WAL. Run as the server's user.
set -eu
data=$1 bin=$2 system=$3
refuse() {
    printf '%s\n' "$*" >&2
    exit 90
}
"$bin/pg_controldata" -D "$data" | grep -q "^Database system identifier: *$system\$" || refuse "$data is not of system $system"
# The signal first: whatever starts it again finds it.
[ -e "$data/standby.signal" ] || : >"$data/standby.signal"
sync -- "$data/standby.signal" "$data"
pid=$(head -n 1 -- "$data/postmaster.pid" 2>/dev/null || :)
n=0
while alive "$data"; do
    case $n in
    0) kill -QUIT "$pid" ;;
    # One that is frozen, or does not end, takes its children with it when they find it gone.
    200) kill -KILL "$pid" ;;
    1500) refuse "process $pid does not end" ;;
    esac
    n=$((n + 1))
    sleep 0.01
done
# Backends of a postmaster that was killed may still be writing: they work in its directory.
for each in /proc/[0-9]*/cwd; do
    if [ "$each" -ef "$data" ]; then
        other=${each%/cwd}
        case $(tr '\0' ' ' <"$other/cmdline" 2>/dev/null) in postgres:*) kill -QUIT "${other#/proc/}" 2>/dev/null || : ;; esac
    fi
done
echo fenced=yes
