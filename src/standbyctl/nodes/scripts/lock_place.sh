# Hold a lock on the place of a standby for as long as standard input is open. Argument: its data directory.
# A file of its own beside it, which goes with the lock: others may be made side by side. Where none can be made, the
# directory itself, or the first above it that is there. It says "held", or "busy" and what.
directory=${1%/*}
directory=${directory:-/}
file=${directory%/}/.standbyctl-lock.${1##*/}
held=
if [ -d "$directory" ] && [ -w "$directory" ]; then
  tries=0
  while [ -z "$held" ] && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    # Made anew, and never through a link; or there already.
    [ -e "$file" ] || [ -L "$file" ] || (set -C; : >"$file") 2>/dev/null || break
    [ ! -L "$file" ] || break
    # Whoever had it may have taken it away in between: then again.
    (: <"$file") 2>/dev/null || continue
    exec 9<"$file" || exit 1
    flock -n 9 || { printf 'busy %s\n' "$1"; exit 90; }
    [ /dev/fd/9 -ef "$file" ] && held=file
  done
fi
if [ "$held" ]; then
  # Ended by a signal, too; killed, it leaves an empty file that stands in nobody's way.
  trap '[ /dev/fd/9 -ef "$file" ] && rm -f "$file"' EXIT
  trap 'exit 143' HUP INT TERM
else
  directory=$1
  while [ ! -d "$directory" ]; do directory=$(dirname -- "$directory"); done
  exec 9<"$directory" || exit 1
  flock -n 9 || { printf 'busy %s\n' "$directory"; exit 90; }
fi
echo held
cat >/dev/null
