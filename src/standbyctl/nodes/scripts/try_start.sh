# Whether a server would start with its files as they are now; it may run meanwhile, and is not touched.
# Arguments: a random word, bin directory, data directory, configuration file, options of the command line...
# A postmaster that is asked for shared_memory_size makes every check, then says it and ends before it takes any.
# It would stop early at the lock of the running one: so it gets a directory of its own, with copies of what it reads.
# Prints two numbers, in MB: the shared memory it would take, and what this host has.
set -eu
scratch=/tmp/standbyctl-trial.$1 bin=$2 data=$3 config=$4
shift 4
umask 077
# The name is known before the directory is there: whenever this shell is ended, nothing of it is left.
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$scratch" "$scratch/global"
cp -- "$data/PG_VERSION" "$data/postgresql.auto.conf" "$scratch/"
cp -- "$data/global/pg_control" "$scratch/global/"
"$bin/postgres" -D "$scratch" "$@" -c "config_file=$config" -c "data_directory=$scratch" -c ssl=off -C shared_memory_size
awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo
