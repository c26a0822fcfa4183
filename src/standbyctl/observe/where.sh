# Where a standby would go on this host, and how it would get to its primary: key=value lines. It changes nothing.
# Run as whoever logs in. Arguments: data directory (empty: to be found), Debian cluster as VERSION/NAME (empty: by the
# data directory), the primary's major version, its data directory, its port, ways to try (ADDRESS PORT KIND, one a
# line; kind: sure, where that is the primary whatever it looks like), the primary's machine (empty: not known).
data=$1 cluster=$2 major=$3 primary=$4 port=$5 ways=$6 machine=$7
say() { printf '%s=%s\n' "$1" "$2"; }
value() { sed -n "s/^[[:space:]]*$2[[:space:]]*=[[:space:]]*'\{0,1\}\([^'#]*\).*/\1/p" "$1" 2>/dev/null | tail -n 1 | sed 's/[[:space:]]*$//'; }

say hostname "$(uname -n)"
say login "$(id -un)"
if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then say root yes; else say root no; fi
systemd=$([ -d /run/systemd/system ] && echo yes)
for bin in "/usr/lib/postgresql/$major/bin" "/usr/pgsql-$major/bin" "$(dirname -- "$(command -v pg_basebackup || echo /x)")"; do
    [ -x "$bin/pg_basebackup" ] && [ -x "$bin/pg_ctl" ] && [ -x "$bin/psql" ] && break
    bin=
done
say bin "$bin"

# Debian's clusters: named by the operator, or the one that has this data directory, or the packages' own.
config=
[ -z "$cluster" ] || config=/etc/postgresql/$cluster/postgresql.conf
if [ -z "$config" ] && [ -n "$data" ]; then
    for each in /etc/postgresql/*/*/postgresql.conf; do
        [ -e "$each" ] && [ "$(readlink -m -- "$(value "$each" data_directory)")" = "$(readlink -m -- "$data")" ] && config=$each
    done
fi
[ -n "$config$data" ] || [ ! -e "/etc/postgresql/$major/main/postgresql.conf" ] || config=/etc/postgresql/$major/main/postgresql.conf
if [ -n "$config" ]; then
    [ -r "$config" ] && say config "$config" || say config_missing "$config"
    found=$(value "$config" data_directory)
    [ -n "$data" ] || data=$found
    say cluster_data "$(readlink -m -- "$found")"
    say cluster_port "$(value "$config" port)"
    say socket "$(value "$config" unix_socket_directories | cut -d, -f1)"
    name=${config%/postgresql.conf}
    [ -z "$systemd" ] || say unit "postgresql@$(basename -- "$(dirname -- "$name")")-$(basename -- "$name").service"
elif [ -n "$systemd" ]; then
    # The packages of PGDG: a unit that has its data directory in its environment.
    for unit in "postgresql-$major.service" postgresql.service; do
        home=$(systemctl show -p Environment --value "$unit" 2>/dev/null | tr ' ' '\n' | sed -n 's/^PGDATA=//p' | tail -n 1)
        home=${home%/}
        [ -n "$home" ] || continue
        [ -n "$data" ] || data=$home
        [ "$(readlink -m -- "$home")" = "$(readlink -m -- "$data")" ] && say unit "$unit" && break
    done
fi
[ -n "$data" ] || data=$primary
data=$(readlink -m -- "$data")
say data "$data"
# Whose it is: the first of them that is not root's.
parent=$data
while :; do
    owner=$(stat -c %U -- "$parent" 2>/dev/null)
    [ -z "$owner" ] || [ "$owner" = root ] || { say owner "$owner"; break; }
    [ "$parent" != / ] || break
    parent=$(dirname -- "$parent")
done
say running_port "$(sed -n 4p "$data/postmaster.pid" 2>/dev/null)"

[ -z "$port" ] || {
taken=$(awk '$4 == "0A" { print substr($2, length($2) - 3) }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
free=$port
while printf '%s\n' "$taken" | grep -qx "$(printf '%04X' "$free")"; do free=$((free + 1)); done
say free_port "$free"
}

# The first address that a server answers at, and the one that it sees us by. By localhost, or an address of its own, a
# host reaches itself, and what answers there is another server.
here="$(cat /proc/sys/kernel/random/boot_id) $(stat -c %d:%i /)"
[ -z "$bin" ] || printf '%s\n' "$ways" | while read -r address at kind; do
    [ -n "$address" ] || continue
    for number in $(getent ahosts "$address" | awk '!seen[$1]++ { print $1 }'); do
        route=$(ip -o route get "$number" 2>/dev/null)
        if [ "$kind" != sure ] && [ "$machine" != "$here" ]; then
            case $route in local\ *) continue ;; esac
        fi
        "$bin/pg_isready" -q -t 3 -h "$number" -p "$at"
        [ $? -le 1 ] || continue
        say address "$number"
        say at "$at"
        say name "$address"
        say source "$(printf '%s\n' "$route" | sed -n 's/.* src \([0-9a-fA-F.:]*\).*/\1/p')"
        break 2
    done
done
say end yes
