# Print a file. Arguments: path.
exec cat -- "$1"
