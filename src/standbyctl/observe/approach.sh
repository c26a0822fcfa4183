# What there is for a tunnel on the standby's host, and where the sshd of the primary's host answers: key=value lines.
# It changes nothing. Run as whoever logs in. Arguments: the tunnel's unit, the first port to take for it, the port of
# that sshd, its host keys (TYPE KEY, one a line), addresses to try (one a line).
unit=$1 first=$2 port=$3 keys=$4 addresses=$5
say() { printf '%s=%s\n' "$1" "$2"; }

[ ! -r /etc/os-release ] || say os "$(. /etc/os-release && printf '%s %s' "$ID" "${ID_LIKE-}")"
[ ! -d /run/systemd/system ] || say systemd yes
if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then say root yes; fi
command -v ssh-keygen >/dev/null && command -v ssh-keyscan >/dev/null && say program "$(command -v ssh)"

# Other tunnels have their ports while they are down, too.
taken=$(awk '$4 == "0A" { print substr($2, length($2) - 3) }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
    sed -n 's/^ExecStart=.* -L 127\.0\.0\.1:\([0-9]*\):.*/\1/p' /etc/systemd/system/standbyctl-tunnel-*.service 2>/dev/null |
        while read -r each; do printf '%04X\n' "$each"; done)
free=$first
while printf '%s\n' "$taken" | grep -qx "$(printf '%04X' "$free")"; do free=$((free + 1)); done
own=$(sed -n 's/^ExecStart=.* -L 127\.0\.0\.1:\([0-9]*\):.*/\1/p' "/etc/systemd/system/$unit" 2>/dev/null)
say port "${own:-$free}"

# An address is the primary's host's where what answers has one of the very keys that we have from there.
type=$(printf '%s\n' "$keys" | sed -n -e 's/^ssh-\([a-z0-9]*\) .*/\1/p' -e 's/^\(ecdsa\)-.*/\1/p' | sort | head -n 1)
[ -z "$type" ] || printf '%s\n' "$addresses" | while IFS= read -r address; do
    [ -n "$address" ] || continue
    found=$(ssh-keyscan -T 4 -t "$type" -p "$port" -- "$address" 2>/dev/null | awk '!/^#/ { print $2, $3 }')
    if [ -z "$found" ]; then
        continue
    elif printf '%s\n' "$found" | grep -qxF -e "$keys"; then
        say host "$address"
        break
    fi
    say other "$address"
done
say end yes
