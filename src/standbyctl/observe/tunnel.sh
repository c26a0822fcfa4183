# What there is of a tunnel on the standby's host: key=value lines. It changes nothing.
# Run as the server's user, as its ssh is. Arguments: its directory, the marker, its unit, sha256 of that as it is
# wanted, its port.
directory=$1 marker=$2 unit=$3 wanted=$4 port=$5
say() { printf '%s=%s\n' "$1" "$2"; }

public=$directory/id_ed25519.pub
if [ -e "$directory.standbyctl-new" ]; then
    say tunnel_key other
elif [ ! -e "$directory" ]; then
    say tunnel_key absent
elif [ "$(cut -d ' ' -f 3- -- "$public" 2>/dev/null)" != "$marker" ]; then
    say tunnel_key foreign
elif [ "$(stat -c '%a %u' -- "$directory/id_ed25519" 2>/dev/null)" != "600 $(id -u)" ]; then
    say tunnel_key changed
else
    say tunnel_key ours
    say tunnel_public "$(cut -d ' ' -f 1,2 -- "$public")"
fi
[ ! -r "$directory/known_hosts" ] || say tunnel_known "$(sha256sum <"$directory/known_hosts" | cut -d' ' -f1)"

path=/etc/systemd/system/$unit
if [ ! -e "$path" ]; then
    if [ -e "$path.standbyctl-new" ]; then say tunnel_unit other; else say tunnel_unit absent; fi
elif [ "$(sha256sum <"$path" | cut -d' ' -f1)" = "$wanted" ]; then
    say tunnel_unit ours
else
    first=$(head -n 1 -- "$path")
    case $first in
    "# $marker, key $(tail -n +2 -- "$path" | sha256sum | cut -c 1-16)") say tunnel_unit other ;;
    "# $marker, key "*) say tunnel_unit changed ;;
    *) say tunnel_unit foreign ;;
    esac
fi
# ssh listens only once it has got in.
systemctl is-enabled --quiet -- "$unit" 2>/dev/null && awk -v want="$(printf '0100007F:%04X' "$port")" -v user="$(id -u)" \
    '$2 == want && $4 == "0A" && $8 == user { print "tunnel_running=yes"; exit }' /proc/net/tcp
say end yes
