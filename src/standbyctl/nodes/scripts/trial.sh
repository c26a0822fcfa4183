# Write standard input to a file beside the data directory, down to the disk, and remove it. Arguments: data directory.
set -eu
umask 077
parent=$(dirname -- "$1")
while [ ! -d "$parent" ]; do parent=$(dirname -- "$parent"); done
file=$(mktemp "$parent/.standbyctl-trial.XXXXXX")
trap 'rm -f -- "$file"' EXIT
trap 'exit 1' HUP INT TERM
dd of="$file" bs=1M iflag=fullblock conv=fdatasync status=none
