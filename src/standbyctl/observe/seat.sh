# Where the programs are that run, or ran, on a data directory: key=value lines. It changes nothing. Argument: data
# directory. Run as the server's user.
say() { printf '%s=%s\n' "$1" "$2"; }
pid=$(sed -n 1p "$1/postmaster.pid" 2>/dev/null)
bin=
if [ -n "$pid" ] && [ "/proc/$pid/cwd" -ef "$1" ]; then
    bin=$(dirname -- "$(readlink -f -- "/proc/$pid/exe")")
fi
# A postmaster writes down with what it was started: its program comes first.
[ -n "$bin" ] || bin=$(dirname -- "$(sed -n '1s/^"\{0,1\}\([^" ]*\).*/\1/p' "$1/postmaster.opts" 2>/dev/null)")
say bin "$bin"
say end yes
