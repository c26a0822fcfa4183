# What a data directory holds after the history of its primary has left its own: key=value lines; commit=XID LSN TIME
# for each commit. It changes nothing. Run as the server's user. Arguments: data directory, bin directory, the primary's
# history as lines of a timeline and the LSN where it was left, that which it is on with a "-"; "yes" where it counts
# whether pg_rewind finds what it begins at.
data=$1 bin=$2 history=$3 rewinds=$4
say() { printf '%s=%s\n' "$1" "$2"; }
flag() { key=$1; shift; if "$@" >/dev/null 2>&1; then say "$key" yes; else say "$key" no; fi; }
control=$("$bin/pg_controldata" -D "$data" 2>/dev/null)
value() { printf '%s\n' "$control" | sed -n "s/^$1: *//p"; }
# A server that ended soon after its promotion may have had no checkpoint on its new timeline yet.
newest=$(ls -- "$data/pg_wal" 2>/dev/null | sed -n 's/^\([0-9A-F]\{8\}\)[0-9A-F]\{16\}$/\1/p' | sort | tail -n 1)
timeline=$(value "Latest checkpoint's TimeLineID")
[ -z "$newest" ] || [ "$((0x$newest))" -le "${timeline:-0}" ] || timeline=$((0x$newest))
say timeline "$timeline"
flag checkpointed test "$(value "Latest checkpoint's TimeLineID")" = "$timeline"
flag checksums test "$(value 'Data page checksum version')" != 0
flag hints test "$(value 'wal_log_hints setting')" = on
flag full_page_writes test "$(value "Latest checkpoint's full_page_writes")" = on
left() { printf '%s\n' "$history" | sed -n "s/^$1 //p" | tail -n 1; }
number() { printf '%d' $(((0x${1%/*} << 32) + 0x${1#*/})); }
# Two servers that were promoted apart are on timelines of the same number: each history says where it left the one
# before. `alone`: what is this one's only, a line of a timeline and an LSN each.
own=$data/pg_wal/$(printf '%08X' "$timeline").history
flag history test "$timeline" -le 1 -o -s "$own"
split=no fork='' alone='' begins=''
while read -r id at _; do
    case $id in '' | *[!0-9]*) continue ;; esac
    if [ $split = yes ]; then
        alone="$alone$id $begins
"
    elif there=$(left "$id") && [ "$there" != "$at" ]; then
        split=yes fork=$at
        if [ -n "${there#-}" ] && [ "$(number "$there")" -lt "$(number "$at")" ]; then
            fork=$there alone="$id $there
"
        fi
    fi
    begins=$at
done <<EOF
$(cat -- "$own" 2>/dev/null)
EOF
if [ $split = yes ]; then
    alone="$alone$timeline $begins"
else
    fork=$(left "$timeline")
    fork=${fork#-}
    alone="$timeline $fork"
fi
say split $split
say fork "$fork"
if [ -n "$fork" ]; then
    size=$(value 'Bytes per WAL segment')
    at=$(($(number "$fork") / size)) each=$((0x100000000 / size))
    flag at_fork test -f "$data/pg_wal/$(printf '%08X%08X%08X' "${alone%% *}" $((at / each)) $((at % each)))"
    flag programs test -x "$bin/pg_waldump"
    # The last checkpoint before the fork, in whichever file it is: every one from there on has to be there.
    common() {
        end=$fork
        while [ "$at" -ge 0 ]; do
            file=
            for id in "$timeline" $(sort -rn -- "$own" 2>/dev/null | sed -n 's/^[[:space:]]*\([0-9]\{1,\}\)[[:space:]].*/\1/p'); do
                file=$data/pg_wal/$(printf '%08X%08X%08X' "$id" $((at / each)) $((at % each)))
                [ ! -f "$file" ] || break
            done
            [ -f "$file" ] || return 1
            ! LC_ALL=C "$bin/pg_waldump" --rmgr XLOG ${end:+--end "$end"} "$file" 2>/dev/null |
                grep -Eq 'desc: CHECKPOINT_(ONLINE|SHUTDOWN) ' || return 0
            at=$((at - 1)) end=''
        done
        return 1
    }
    [ "$rewinds" != yes ] || flag common common
    dump() {
        printf '%s\n' "$alone" | while read -r id begins; do
            TZ=UTC LC_ALL=C "$bin/pg_waldump" --path "$data/pg_wal" --timeline "$id" --start "$begins" "$@" 2>/dev/null
        done
    }
    # It always ends with an error, which is where the WAL ends.
    if [ -n "$(dump --limit 1)" ]; then say ahead yes; else say ahead no; fi
    # Of a prepared transaction the first half counts, too: somebody was told that it is safe.
    dump --rmgr Transaction | sed -n \
        -e 's/^.*, lsn: \([0-9A-F\/]*\),.*desc: COMMIT_PREPARED \([0-9]*\): \([0-9-]* [0-9:.]*\) UTC.*/commit=\2 \1 \3/p' \
        -e 's/^.*, tx: *\([0-9]*\), lsn: \([0-9A-F\/]*\),.*desc: COMMIT \([0-9-]* [0-9:.]*\) UTC.*/commit=\1 \2 \3/p' \
        -e 's/^.*, tx: *\([0-9]*\), lsn: \([0-9A-F\/]*\),.*desc: PREPARE gid .*: \([0-9-]* [0-9:.]*\) UTC.*/commit=\1 \2 \3/p'
fi
say end yes
