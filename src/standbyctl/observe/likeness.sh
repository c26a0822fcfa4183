# What has to be alike on two hosts: key=value lines. It changes nothing. Arguments: a word before every key, bin
# directory, locales to try (one a line), the postgresql.conf of a standby's own host (empty: none), the data directory
# of the server that runs there (empty: none).
side=$1 bin=$2 locales=$3 config=$4 data=$5
say() { printf '%s.%s=%s\n' "$side" "$1" "$2"; }
bytes() { od -An -v -t x1 -j "$1" -N "$2" -- "$bin/postgres" 2>/dev/null | tr -d ' '; }

if [ -n "$data" ]; then
    say started "$(sed -n 3p "$data/postmaster.pid" 2>/dev/null)"
    [ -n "$bin" ] || bin=$(dirname -- "$(readlink "/proc/$(sed -n 1p "$data/postmaster.pid" 2>/dev/null)/exe" 2>/dev/null)")
fi
# A 64-bit kernel runs 32-bit programs too: what counts is the program's own file (ELF).
program=$(bytes 4 2)$(bytes 18 2)
case $program in 01*) width=', 32-bit' ;; 02*) width=', 64-bit' ;; *) width= ;; esac
say program "$program"
say architecture "$(uname -m)$width"
say libc "$(getconf GNU_LIBC_VERSION 2>/dev/null || ldd --version 2>&1 | head -n 2 | tr '\n' ' ' | sed -n 's/^\(musl\).*Version \([0-9.]*\).*/\1 \2/p')"
linked=$(ldd "$bin/postgres" 2>/dev/null)
icu=$(printf '%s\n' "$linked" | sed -n 's/.*libicui18n\.so\.\([0-9]*\).*/\1/p' | head -n 1)
[ -z "$linked" ] || say icu "${icu:-none}"
for dir in "$("$bin/pg_config" --pkglibdir 2>/dev/null)" "$bin/../lib" "$bin/../lib/postgresql"; do
    [ -n "$dir" ] && [ -e "$dir/plpgsql.so" ] && say libraries "$(ls -- "$dir" | grep '\.so$' | tr '\n' ' ')" && break
done

# The program says its word of a locale that is there; of any other it complains, in sentences.
if command -v locale >/dev/null; then
    say locales tried
    printf '%s\n' "$locales" | while IFS= read -r name; do
        [ -n "$name" ] || continue
        charmap=$(LC_ALL=$name locale charmap 2>&1)
        case $charmap in *' '*) ;; *) say locale "$charmap $name" ;; esac
    done
fi
command -v locale-gen >/dev/null && say locale_gen yes

if [ -n "$config" ]; then
    for name in huge_pages shared_buffers shared_preload_libraries; do
        value=$("$bin/postgres" -C "$name" -c config_file="$config" 2>/dev/null) && say own "$name $value"
    done
fi
printf 'end=yes\n'
