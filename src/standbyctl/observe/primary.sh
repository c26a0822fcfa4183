# What stands around a primary, on its host: key=value lines. It changes nothing. Arguments: data directory, bin
# directory, pg_hba.conf, the line for it.
primary=$1 bin=$2 hba=$3 line=$4
say() { printf '%s=%s\n' "$1" "$2"; }
flag() { key=$1; shift; if "$@" >/dev/null 2>&1; then say "$key" yes; else say "$key" no; fi; }

for dir in "$primary/pg_wal" "$primary"; do
    free=$(df -Pk -- "$dir" 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ -z "$free" ] || break
done
say wal_free_kb "$free"
say primary_machine "$(cat /proc/sys/kernel/random/boot_id) $(stat -c %d:%i /)"
say primary_real "$(readlink -f -- "$primary")"
say primary_identity "$(stat -L -c %d:%i -- "$primary" 2>/dev/null)"
for link in "$primary/pg_wal" "$primary"/pg_tblspc/*; do
    [ ! -L "$link" ] || say primary_volume "$(stat -L -c %d:%i -- "$link" 2>/dev/null)"
done
say primary_system "$("$bin/pg_controldata" -D "$primary" 2>/dev/null | sed -n 's/^Database system identifier: *//p')"

# Replacing a file makes it ours: one of another owner is left to its owner.
flag hba_at_hand test -O "$hba" -a -w "$hba" -a -w "$(dirname -- "$(readlink -f -- "$hba")")"
if [ -r "$hba" ]; then
    say hba_changed_at "$(stat -L -c %.6Y -- "$hba")"
    say hba_digest "$(sha256sum <"$hba" | cut -d' ' -f1)"
    flag hba_has_line grep -qxF -e "$line" -- "$hba"
fi
links=
for file in postgresql.conf postgresql.auto.conf pg_hba.conf pg_ident.conf; do
    [ ! -L "$primary/$file" ] || links="$links $primary/$file"
done
say config_links "$links"
say end yes
