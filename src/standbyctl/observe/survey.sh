# What the standby's host has: key=value lines. It changes nothing.
# Arguments: data directory of the standby, bin directory, libraries that the server loads (one a line).
data=$1 bin=$2 libraries=$3
say() { printf '%s=%s\n' "$1" "$2"; }
kilobytes() { sed -n "s/^$1: *\([0-9]*\).*/\1/p" /proc/meminfo; }

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
say available_kb "$(kilobytes MemAvailable)"
say huge_free "$(sed -n 's/^HugePages_Free: *//p' /proc/meminfo) $(kilobytes Hugepagesize)"
parent=$data
while [ ! -d "$parent" ]; do parent=$(dirname -- "$parent"); done
say inodes_free "$(df -Pi -- "$parent" 2>/dev/null | awk 'NR == 2 && $2 > 0 { print $4 }')"
say libdir "$libdir"
say selinux "$(cat /sys/fs/selinux/enforce 2>/dev/null)"
say end yes
