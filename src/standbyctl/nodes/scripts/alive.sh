# Whether a server runs on a data directory. Argument: data directory.
# A stale postmaster.pid may name a process that is not this server: a postmaster works in its data directory.
alive() {
    pid=$(head -n 1 -- "$1/postmaster.pid" 2>/dev/null) && [ "/proc/$pid/cwd" -ef "$1" ]
}
