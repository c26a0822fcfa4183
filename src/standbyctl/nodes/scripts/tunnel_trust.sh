# Write a tunnel's known_hosts. Argument: its directory. Standard input: the lines.
set -eu
umask 077
new="$1/known_hosts.standbyctl-new"
trap 'rm -f -- "$new"' EXIT
trap 'exit 1' HUP INT TERM
cat >"$new"
sync -- "$new"
mv -f -- "$new" "$1/known_hosts"
sync -- "$1"
