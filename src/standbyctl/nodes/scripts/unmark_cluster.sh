# Take our mark off a cluster that runs again. Arguments: data directory, bin directory, system identifier,
# device:inode, node.
set -eu
guard "$1" "$2" "$3" "$4"
case $(head -n 1 -- "$1/$MARK" 2>/dev/null) in
"standbyctl: $5") rm -f -- "$1/$MARK" ;;
esac
sync -- "$1"
