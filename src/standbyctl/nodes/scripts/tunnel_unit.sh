# `written FILE MARKER`: whether a unit is absent, or still as we wrote it: its first line has a digest of the others.
written() {
    [ -e "$1" ] || return 0
    [ "$(head -n 1 -- "$1")" = "# $2, key $(tail -n +2 -- "$1" | sha256sum | cut -c 1-16)" ] && return 0
    echo "$1 is not as we wrote it" >&2
    return 1
}
