# Write standard input to a file beside the data directory, down to the disk, and remove it. Arguments: data directory.
set -eu
umask 077
parent=$(dirname -- "$1")
# A mount point has the volume that it is about; one with a cluster in it is left alone.
if mountpoint -q -- "$1" 2>/dev/null && [ -w "$1" ] && [ ! -e "$1/PG_VERSION" ]; then parent=$1; fi
while [ ! -d "$parent" ]; do parent=$(dirname -- "$parent"); done
file=$(mktemp "$parent/.standbyctl-trial.XXXXXX")
trap 'rm -f -- "$file"' EXIT
trap 'exit 1' HUP INT TERM
dd of="$file" bs=1M iflag=fullblock conv=fdatasync status=none
