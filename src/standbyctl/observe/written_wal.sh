# Whether a file begins with the address that the WAL file of that name has: its first page holds its own (from byte 8 on,
# in the order of this machine). Arguments: name, path of the file, bytes of a WAL file.
has_address() {
    wanted=$(printf '%s%08x' "$(printf '%s' "$1" | cut -c 9-16)" $((0x$(printf '%s' "$1" | cut -c 17-24) * $3)))
    found=$(od -An -v -t x8 -j 8 -N 8 -- "$2" | tr -d ' ')
    [ "$(printf '%s' "$wanted" | tr A-F a-f)" = "$found" ]
}
# The last WAL file of a data directory that has been written to. Others are made in advance, zeroed or renamed.
written_wal() {
    size=$("$bin/pg_controldata" -D "$1" 2>/dev/null | sed -n 's/^Bytes per WAL segment: *//p')
    ls -r -- "$1/pg_wal" 2>/dev/null | grep -E '^[0-9A-F]{24}$' | while read -r file; do
        if has_address "$file" "$1/pg_wal/$file" "$size"; then
            printf '%s\n' "$file"
            break
        fi
    done
}
