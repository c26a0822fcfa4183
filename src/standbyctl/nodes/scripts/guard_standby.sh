# Whether a directory is that very directory, and a stopped standby of that system.
# Arguments: path, bin directory, system identifier, device:inode.
guard() {
    if [ "$(stat -c %d:%i -- "$1")" != "$4" ]; then
        echo "$1 is not the directory that was looked at" >&2
        exit 90
    fi
    status=0
    "$2/pg_ctl" status -D "$1" >/dev/null 2>&1 || status=$?
    if [ "$status" != 3 ]; then
        echo "a server runs on $1" >&2
        exit 90
    fi
    if ! [ -f "$1/standby.signal" ]; then
        echo "$1 has no standby.signal" >&2
        exit 90
    fi
    "$2/pg_controldata" -D "$1" | grep -q "^Database system identifier: *$3\$" || {
        echo "$1 is not a copy of system $3" >&2
        exit 90
    }
}
