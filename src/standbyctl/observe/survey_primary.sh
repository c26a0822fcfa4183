# What stands around the primary's files, on its host: key=value lines. It changes nothing.
# Arguments: data directory of the primary, configuration files (one a line).
primary=$1 files=$2
say() { printf '%s=%s\n' "$1" "$2"; }

printf '%s\n' "$files" | while IFS= read -r file; do
    # The server's own file says of itself that it must not be edited.
    case $file in */postgresql.auto.conf) continue ;; esac
    who=$(head -c 4096 -- "$file" 2>/dev/null | grep -aoiE -m 1 \
        'ansible|puppet|saltstack|salt |chef|patroni|cloudnativepg|pg_auto_failover|stolon|terraform' | head -n 1)
    [ -z "$who" ] || say foreign "$who $file"
done

# A base backup reads every file as the server's user: one that it cannot read aborts the whole copy.
# What the server itself has made is not gone through.
mine=$([ "$(stat -c %u -- "$primary" 2>/dev/null)" = "$(id -u)" ] && echo yes)
[ -z "$mine" ] || find "$primary" \( -path "$primary/base/*/*" -o -path "$primary/pg_wal/*" -o -path "$primary/pg_*/*" \) -prune \
    -o ! -readable -print 2>/dev/null | head -n 5 | while IFS= read -r path; do say unreadable "$path"; done

say wal_link "$([ ! -L "$primary/pg_wal" ] || readlink -f -- "$primary/pg_wal")"
# A count that was cut short is none.
[ -z "$mine" ] || { counted=$(timeout 3 find "$primary" -xdev -printf x 2>/dev/null) && say inodes_needed "${#counted}"; }
say own "${mine:-no}"
say end yes
