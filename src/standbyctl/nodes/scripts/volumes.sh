# Parts of a draft outside of it. `volumes` in the draft has a line for each: its link below the data directory, and the
# path that this is to lead to. In that directory stands, as long as the draft does, one of the draft's name: `owner`,
# `data` as pg_basebackup fills it, and `moved`, the names that are on their way from there to where they belong.
refuse() {
    printf '%s\n' "$*" >&2
    exit 90
}
# Arguments: draft, a function that is called with the link, the path, and the directory in it.
each_volume() {
    [ -f "$1/volumes" ] || return 0
    while IFS= read -r line; do
        "$2" "${line%% *}" "${line#* }" "${line#* }/$(basename -- "$1")"
    done <"$1/volumes"
}
# Whether the files of a draft are the draft's own. Where its destination is a mount point they leave it one by one, by
# the names in `moved`, and global is the last: without it nothing is a cluster.
unplaced() {
    if [ -f "$1/moved" ]; then [ -d "$1/data/global" ]; else [ -d "$1/data" ]; fi
}
# One that carries our mark, or nothing yet. Arguments: directory, owner.
owned() {
    [ ! -f "$1/owner" ] || [ "$(cat -- "$1/owner")" = "$2" ]
}
