# Whether an archive has the WAL that a standby needs and its primary has no more: key=value lines. What it brings goes to
# a directory of its own, and away again. Run as the server's user. Arguments: data directory, bin directory,
# configuration file (empty: in the data directory), restore_command (empty: the standby's own), the primary's oldest
# WAL file, seconds that one file may take, most files that are asked for between the first and the last.
data=$1 bin=$2 config=$3 command=$4 oldest=$5 seconds=$6 most=$7
say() { printf '%s=%s\n' "$1" "$2"; }
[[written_wal.sh]]
own=$("$bin/postgres" -D "$data" ${config:+-c "config_file=$config"} -C restore_command 2>/dev/null)
[ -n "$command" ] || command=$own
say command "$command"
[ "$command" != "$own" ] || say configured yes
size=$("$bin/pg_controldata" -D "$data" 2>/dev/null | sed -n 's/^Bytes per WAL segment: *//p')
say segment_bytes "$size"
first=$(written_wal "$data")
# What it begins with at its next start: a command may throw away of the archive what is older.
again=$("$bin/pg_controldata" -D "$data" 2>/dev/null | sed -n "s/^Latest checkpoint's REDO WAL file: *//p")
# As PostgreSQL does it.
fill() {
    rest=$1 line=
    while [ -n "$rest" ]; do
        case $rest in
        %f*) line=$line$2 rest=${rest#??} ;;
        %p*) line=$line$3 rest=${rest#??} ;;
        %r*) line=$line$again rest=${rest#??} ;;
        %%*) line=$line% rest=${rest#??} ;;
        *) line=$line${rest%"${rest#?}"} rest=${rest#?} ;;
        esac
    done
    printf '%s' "$line"
}
bring() {
    # Into a file: whatever it leaves running would be waited for otherwise.
    status=0
    (cd -- "$data" && exec timeout -k 5 "$seconds" sh -c "$(fill "$command" "$1" "$scratch/$1")") \
        >"$scratch/said" 2>&1 </dev/null || status=$?
    if [ $status != 0 ]; then
        missing="$1: exit $status $(tail -n 1 -- "$scratch/said" | cut -c 1-200)"
    elif [ "$(stat -c %s -- "$scratch/$1" 2>/dev/null)" != "$size" ] || ! has_address "$1" "$scratch/$1" "$size"; then
        missing="$1: what came is not that file"
    fi
    rm -f -- "$scratch/$1"
}
if [ -n "$command" ] && [ -n "$first" ] && [ -n "$size" ]; then
    each=$((0x100000000 / size))
    number=$((0x$(printf '%s' "$oldest" | cut -c 9-16) * each + 0x$(printf '%s' "$oldest" | cut -c 17-24) - 1))
    last=$(printf '%s%08X%08X' "$(printf '%s' "$oldest" | cut -c 1-8)" $((number / each)) $((number % each)))
    # Names sort as their numbers do, within a timeline.
    [ "$(printf '%s\n%s\n' "$first" "$last" | sort | tail -n 1)" = "$last" ] || last=$first
    say first "$first"
    say last "$last"
    if scratch=$(mktemp -d); then
        trap 'rm -rf -- "$scratch"' EXIT
        trap 'exit 143' HUP INT TERM
        missing=
        bring "$first"
        [ -n "$missing" ] || [ "$last" = "$first" ] || bring "$last"
        # Those in between, where that is a matter of moments.
        at=$((0x$(printf '%s' "$first" | cut -c 9-16) * each + 0x$(printf '%s' "$first" | cut -c 17-24) + 1))
        if [ $((number - at)) -gt "$most" ]; then say unasked yes; else
            while [ -z "$missing" ] && [ "$at" -lt "$number" ]; do
                bring "$(printf '%s%08X%08X' "$(printf '%s' "$last" | cut -c 1-8)" $((at / each)) $((at % each)))"
                at=$((at + 1))
            done
        fi
        [ -z "$missing" ] || say missing "$missing"
    else
        say missing "$first: no scratch directory"
    fi
fi
say end yes
