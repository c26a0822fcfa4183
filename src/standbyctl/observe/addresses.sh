# Where a primary's host can be reached: key=value lines. It changes nothing. Argument: the primary's data directory.
say() { printf '%s=%s\n' "$1" "$2"; }
say hostname "$(uname -n)"
say machine "$(cat /proc/sys/kernel/random/boot_id) $(stat -c %d:%i /)"
say owner "$(stat -c %U -- "$1" 2>/dev/null)"
ip -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print "address=" $4 }'
say end yes
