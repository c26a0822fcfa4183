# What the standby's host has, and what stands around the primary's files: key=value lines. It changes nothing.
# Arguments: data directory of the standby, data directory of the primary, bin directory,
# configuration files (one a line), libraries that the server loads (one a line).
data=$1 primary=$2 bin=$3 files=$4 libraries=$5
say() { printf '%s=%s\n' "$1" "$2"; }
kilobytes() { sed -n "s/^$1: *\([0-9]*\).*/\1/p" /proc/meminfo; }

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

for dir in "$bin/../lib" "$bin/../lib/postgresql"; do
    [ -e "$dir/plpgsql.so" ] && libdir=$dir && break
done
[ -z "$libdir" ] || printf '%s\n' "$libraries" | while IFS= read -r name; do
    case $name in '') continue ;; /*) path=$name ;; *) path=$libdir/${name#\$libdir/} ;; esac
    [ -e "$path" ] || [ -e "$path.so" ] || say missing "$name"
done

# A standby that is started from here stays in this cgroup: its limit is the host's memory. The last is a container's.
own() { sed -n "s/^$1:\(.*\)/\1/p" /proc/self/cgroup 2>/dev/null; }
limit=$(cat "/sys/fs/cgroup$(own 0:)/memory.max" "/sys/fs/cgroup/memory$(own '[0-9]*:memory')/memory.limit_in_bytes" \
    /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | grep -E '^[0-9]+$' | sort -n | head -n 1)
say memory_kb "$(kilobytes MemTotal)"
say memory_limit "$limit"
say wal_link "$([ ! -L "$primary/pg_wal" ] || readlink -f -- "$primary/pg_wal")"
say available_kb "$(kilobytes MemAvailable)"
say huge_free "$(sed -n 's/^HugePages_Free: *//p' /proc/meminfo) $(kilobytes Hugepagesize)"
parent=$data
while [ ! -d "$parent" ]; do parent=$(dirname -- "$parent"); done
say inodes_free "$(df -Pi -- "$parent" 2>/dev/null | awk 'NR == 2 && $2 > 0 { print $4 }')"
# A count that was cut short is none.
[ -z "$mine" ] || { counted=$(timeout 3 find "$primary" -xdev -printf x 2>/dev/null) && say inodes_needed "${#counted}"; }
say own "${mine:-no}"
say libdir "$libdir"
say selinux "$(cat /sys/fs/selinux/enforce 2>/dev/null)"
say end yes
