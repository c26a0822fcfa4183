# Start a server the way it was started before. Arguments: data directory, bin directory, unit, Debian's version and
# name of the cluster, its log; without a unit that we may start and without a cluster's name it is pg_ctl's.
run_again() {
    status=0
    if [ -n "$3" ] && [ "$(id -u)" = 0 ]; then
        # A unit that has failed too often in a short time is not started again before this.
        systemctl reset-failed -- "$3" 2>/dev/null || :
        systemctl start -- "$3" || status=$?
    elif [ -n "$4" ]; then
        pg_ctlcluster --skip-systemctl-redirect "$4" "$5" start || status=$?
    else
        # With no server to stop, restart starts one with the options that the last one had (postmaster.opts). A
        # directory that was given from where somebody stood is none from here.
        cp -p -- "$1/postmaster.opts" "$1/.standbyctl-opts" 2>/dev/null && {
            sed 's| "-D" "[^/"][^"]*"||' "$1/.standbyctl-opts" >"$1/postmaster.opts"
            rm -f -- "$1/.standbyctl-opts"
        }
        "$2/pg_ctl" restart -D "$1" -w -t 600 -s -l "$6" </dev/null >/dev/null 2>&1 || status=$?
    fi
    [ "$status" != 0 ] || ! alive "$1" || return 0
    tail -n 5 -- "$6" >&2
    return 1
}
