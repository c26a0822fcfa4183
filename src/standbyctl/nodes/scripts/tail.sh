# The end of a log. Arguments: path.
exec tail -n 5 -- "$1"
