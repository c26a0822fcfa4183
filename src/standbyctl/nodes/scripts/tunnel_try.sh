# Connect as a tunnel does, and end. Arguments: its directory, and the command.
cd -- "$1" || exit 1
shift
exec timeout 30 "$@" </dev/null
