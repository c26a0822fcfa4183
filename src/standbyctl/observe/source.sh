# What stands around the files of a standby that is to be copied: key=value lines. It changes nothing.
# Arguments: its data directory, its pg_hba.conf, bin directory, libraries that it loads (one a line).
data=$1 hba=$2 bin=$3 libraries=$4
say() { printf '%s=%s\n' "$1" "$2"; }

say real "$(readlink -f -- "$data")"
say started "$(sed -n 3p "$data/postmaster.pid" 2>/dev/null)"
[ ! -r "$hba" ] || say hba_changed_at "$(stat -L -c %.6Y -- "$hba")"
links=
for file in postgresql.conf postgresql.auto.conf pg_hba.conf pg_ident.conf; do
    [ ! -L "$data/$file" ] || links="$links $data/$file"
done
say config_links "$links"
# A base backup reads every file as the server's user. What the server itself has made is not gone through.
find "$data" \( -path "$data/base/*/*" -o -path "$data/pg_wal/*" -o -path "$data/pg_*/*" \) -prune \
    -o ! -readable -print 2>/dev/null | head -n 5 | while IFS= read -r path; do say unreadable "$path"; done
for dir in "$bin/../lib" "$bin/../lib/postgresql"; do
    [ -e "$dir/plpgsql.so" ] && libdir=$dir && break
done
[ -z "$libdir" ] || printf '%s\n' "$libraries" | while IFS= read -r name; do
    case $name in '') continue ;; /*) path=$name ;; *) path=$libdir/${name#\$libdir/} ;; esac
    [ -e "$path" ] || [ -e "$path.so" ] || say missing "$name"
done
say end yes
