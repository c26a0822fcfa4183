# Where the WAL of a copy ends, and the digests of its files up to there: key=value lines. It changes nothing.
# Arguments: its data directory, bin directory, timeline and LSN to begin with, bytes of a WAL file, most files.
data=$1 bin=$2 timeline=$3 lsn=$4 size=$5 most=$6
say() { printf '%s=%s\n' "$1" "$2"; }
# A record's header, of 24 bytes, has the CRC of all of it and where the one before begins.
# One that was cut short shows no end.
last=$({ timeout 30 "$bin/pg_waldump" -p "$data/pg_wal" -t "$timeline" -s "$lsn" 2>/dev/null; [ $? != 124 ] || echo; } |
    tail -n 1 | sed -n 's|.* lsn: \([0-9A-F]*/[0-9A-F]*\),.*|\1|p')
if [ -n "$last" ]; then
    end=$(((0x${last%/*} << 32) + 0x${last#*/} + 24))
    number=$(((0x${lsn%/*} << 32 | 0x${lsn#*/}) / size)) per=$(((1 << 32) / size))
    while [ $((number * size)) -lt "$end" ] && [ "$most" -gt 0 ]; do
        bytes=$((end - number * size))
        [ "$bytes" -le "$size" ] || bytes=$size
        name=$(printf '%08X%08X%08X' "$timeline" $((number / per)) $((number % per)))
        say wal "$name $bytes $(head -c "$bytes" -- "$data/pg_wal/$name" | sha256sum | cut -d' ' -f1)"
        number=$((number + 1)) most=$((most - 1))
    done
    [ $((number * size)) -lt "$end" ] || say whole yes
fi
say end yes
