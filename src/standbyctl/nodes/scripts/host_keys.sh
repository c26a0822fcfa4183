# The public host keys of this machine, as lines of a known_hosts. Argument: the name that they are known by there.
cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null | awk -v name="$1" 'NF >= 2 { print name, $1, $2 }' | LC_ALL=C sort
