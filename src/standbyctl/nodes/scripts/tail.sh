# Whether a server runs, and the end of its log. Arguments: its data directory (empty: not asked), log.
if [ -z "$1" ] || alive "$1"; then echo alive; else echo ended; fi
exec tail -n 5 -- "$2"
