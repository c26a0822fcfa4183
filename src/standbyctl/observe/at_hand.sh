# Whether a server's programs and files are at hand, and are that very server's: its postmaster.pid tells it from a
# namesake on this host, such as a copy. Changes nothing.
# Arguments: bin directory, data directory, configuration file, the first lines of postmaster.pid as the server says.
[ -x "$1/postgres" ] && [ -r "$3" ] && [ -r "$2/PG_VERSION" ] && [ -r "$2/global/pg_control" ] &&
    [ "$(head -n 3 -- "$2/postmaster.pid" 2>/dev/null)" = "$4" ]
