# Hold a lock on the place of a standby for as long as standard input is open. Argument: its data directory.
# A file of its own beside it, which goes with the lock: others may be made side by side. Where none can be made, the
# first directory above that is there. It says "held", or "busy" and what.
directory=${1%/*}
file=$directory/.standbyctl-lock.${1##*/}
if [ -d "$directory" ] && [ ! -L "$file" ] && (: >>"$file") 2>/dev/null; then
  while exec 9<"$file"; do
    flock -n 9 || { printf 'busy %s\n' "$1"; exit 90; }
    # Whoever had it may have taken the file away in between.
    [ /dev/fd/9 -ef "$file" ] && break
    (: >>"$file") 2>/dev/null || exit 1
  done
  # Ended by a signal, too; killed, it leaves an empty file that stands in nobody's way.
  trap 'rm -f "$file"' EXIT
  trap 'exit 143' HUP INT TERM
else
  while [ ! -d "$directory" ]; do directory=$(dirname -- "$directory"); done
  exec 9<"$directory" || exit 1
  flock -n 9 || { printf 'busy %s\n' "$directory"; exit 90; }
fi
echo held
cat >/dev/null
