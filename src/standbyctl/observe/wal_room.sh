# How much is free on the volume of a server's pg_wal, where this is its host: its postmaster.pid says so. Changes
# nothing. Arguments: data directory, port, when it was started (seconds since the epoch).
pid=$(cat -- "$1/postmaster.pid" 2>/dev/null) || exit 0
started=$(printf '%s\n' "$pid" | sed -n 3p)
[ "$(printf '%s\n' "$pid" | sed -n 4p)" = "$2" ] || exit 0
[ "$((started - $3))" -le 60 ] && [ "$(($3 - started))" -le 60 ] || exit 0
df -Pk -- "$1/pg_wal" 2>/dev/null | awk 'NR == 2 { print $4 }'
