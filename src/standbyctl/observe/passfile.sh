# What libpq would find in a passfile, without the passwords: key=value lines. Run as the server's user.
# Arguments: data directory, port, start of the postmaster (epoch seconds), passfile.
data=$1 port=$2 started=$3 passfile=$4
say() { printf '%s=%s\n' "$1" "$2"; }
pid=$data/postmaster.pid
# Another machine may have a server on the same path: this is the one only if it was started when it says it was.
here=$(sed -n 3p "$pid" 2>/dev/null)
if [ -z "$here" ] || [ "$(sed -n 4p "$pid")" != "$port" ] || [ $((here - started)) -gt 60 ] || [ $((started - here)) -gt 60 ]; then
    say server elsewhere
    exit 0
fi
say server here
say user "$(id -un)"
if [ "$(stat -c %u -- "$data")" != "$(id -u)" ]; then
    say user ""
    exit 0
fi
if [ ! -f "$passfile" ]; then
    say present no
    exit 0
fi
say present yes
say mode "$(stat -L -c %a -- "$passfile")"
if [ ! -r "$passfile" ]; then
    say readable no
    exit 0
fi
say readable yes
# Fields end at a colon that no backslash stands before; what comes after the fourth is the password.
awk '
/^#/ { next }
{
    fields = 0
    for (i = 1; i <= length($0); i++) {
        letter = substr($0, i, 1)
        if (letter == "\\") i++
        else if (letter == ":" && ++fields == 4) { print "entry=" substr($0, 1, i); break }
    }
}' "$passfile"
