# What both programs begin with. Arguments: path of pg_hba.conf, and theirs. Standard input: the line, in base64.
# They run as the server's user, with its umask and environment; whatever they say would land in the server's log.
set -eu
exec 2>/dev/null
PATH=/usr/sbin:/usr/bin:/sbin:/bin:${PATH-}
LC_ALL=C
export PATH LC_ALL
line=$(base64 -d)
[ -n "$line" ]
real=$(readlink -f -- "$1")
new="$real.standbyctl-new"
# Replacing a file makes it ours: one of another owner is left to its owner.
[ -O "$real" ] || exit 91
# One of ours at a time: a run that was killed may have left one that still works.
exec 9<"$(dirname -- "$real")"
if command -v flock >/dev/null; then flock -w 30 9 || exit 92; fi
trap 'rm -f -- "$new"' EXIT
trap 'exit 1' HUP INT TERM
replace() {
    sync -- "$new"
    [ "$(sha256sum <"$real" | cut -d' ' -f1)" = "$1" ] || exit 90
    mv -f -- "$new" "$real"
    sync -- "$(dirname -- "$real")"
}
