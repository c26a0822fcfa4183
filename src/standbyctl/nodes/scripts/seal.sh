# A copy that is complete and set up: make it durable, and mark it whole.
# Arguments: draft.
set -eu
umask 077
[ -f "$1/data/PG_VERSION" ]
[ -f "$1/data/standby.signal" ]
sync -- "$1/data/standby.signal" "$1/data/postgresql.auto.conf" "$1/data"
: >"$1/whole"
sync -- "$1/whole" "$1"
