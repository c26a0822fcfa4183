# Whether a server would start with its files as they are now; it may run meanwhile, and is not touched.
# Arguments: a random word, "question" or "start" (before 15), bin directory, data directory, configuration file, options
# of the command line...
# It would stop early at the lock of the running one: so it gets a directory of its own, with copies of what it reads.
# Prints two numbers, in MB: the shared memory it would take, and what this host has.
set -eu
scratch=/tmp/standbyctl-trial.$1 by=$2 bin=$3 data=$4 config=$5
shift 5
umask 077
# The name is known before the directory is there: whenever this shell is ended, nothing of it is left.
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$scratch" "$scratch/global" "$scratch/pg_notify"
cp -- "$data/PG_VERSION" "$data/postgresql.auto.conf" "$scratch/"
cp -- "$data/global/pg_control" "$scratch/global/"
set -- -D "$scratch" "$@" -c "config_file=$config" -c "data_directory=$scratch" -c ssl=off
if [ "$by" = question ]; then
    # A postmaster that is asked for shared_memory_size makes every check, then says it and ends before it takes any.
    "$bin/postgres" "$@" -C shared_memory_size
else
    # Before 15 it answers before it checks anything. So one is begun, with little memory and a socket of its own; it
    # ends at a pg_hba.conf that is not there, which it reads before it begins any process, and after every check: just
    # before that it has left postmaster.opts. What it would write outside of its directory is turned off.
    "$bin/postgres" "$@" -c "hba_file=$scratch/none" -c listen_addresses= -c "unix_socket_directories=$scratch" \
        -c shared_buffers=128kB -c huge_pages=off -c dynamic_shared_memory_type=posix -c external_pid_file= \
        -c logging_collector=off -c log_destination=stderr -c log_min_messages=fatal -c log_line_prefix= >&2 || :
    [ -f "$scratch/postmaster.opts" ]
    pages=$("$bin/postgres" "$@" -C shared_buffers) size=$("$bin/postgres" "$@" -C block_size)
    echo $((pages * size / 1048576))
fi
awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo
