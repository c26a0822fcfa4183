# What lets a tunnel in on the primary's host: key=value lines. Run as the account that it logs in to. It changes nothing.
# Arguments: what the key may do, the marker, the name that this host has in the tunnel's known_hosts.
restrictions=$1 marker=$2 name=$3
say() { printf '%s=%s\n' "$1" "$2"; }

home=$(getent passwd "$(id -un)" | cut -d: -f6)
file=$home/.ssh/authorized_keys
[ ! -e "$home/.ssh.standbyctl-new" ] && [ ! -e "$file.standbyctl-new" ] || say tunnel_line other
# Lines with our marker: those that are exactly as we write them, and others.
[ ! -r "$file" ] || BEGINS="$restrictions " ENDS=" $marker" awk '
    substr($0, length($0) - length(ENVIRON["ENDS"]) + 1) == ENVIRON["ENDS"] && $0 !~ /^#/ {
        begins = length(ENVIRON["BEGINS"])
        key = substr($0, begins + 1, length($0) - begins - length(ENVIRON["ENDS"]))
        if (substr($0, 1, begins) == ENVIRON["BEGINS"] && key ~ /^ssh-ed25519 [A-Za-z0-9+\/=]+$/) print "tunnel_line=" key
        else print "tunnel_odd_line=" $0
    }' "$file"
keys=$(cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null | awk -v name="$name" 'NF >= 2 { print name, $1, $2 }' | LC_ALL=C sort)
[ -z "$keys" ] || say tunnel_host_keys "$(printf '%s\n' "$keys" | sha256sum | cut -d' ' -f1)"
say end yes
