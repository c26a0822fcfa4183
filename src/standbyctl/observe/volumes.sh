# What stands where parts of a copy go: key=value lines. It changes nothing. Arguments: what the name of a draft begins
# with, whose drafts are ours, then of each part its link below the data directory and its path.
prefix=$1 owner=$2
shift 2
say() { printf '%s=%s\n' "$1" "$2"; }
# What is there beyond lost+found, drafts, and what was on its way out of them when a run was killed.
strange() {
    ls -A -- "$1" | while IFS= read -r name; do
        case $name in
        lost+found) continue ;;
        "$prefix"*) [ "$(cat -- "$1/$name/owner" 2>/dev/null)" != "$owner" ] || continue ;;
        esac
        for moved in "$1/$prefix"*/moved; do
            [ ! -f "$moved" ] || ! grep -qxF -e "$name" -- "$moved" || continue 2
        done
        printf '%s\n' "$name"
    done
}
while [ $# -gt 1 ]; do
    link=$1 path=$2
    shift 2
    kind=files writable=no
    if [ ! -e "$path" ]; then
        kind=absent
    elif [ -d "$path" ] && [ -r "$path" ] && [ -x "$path" ]; then
        [ -n "$(strange "$path")" ] || kind=empty
        [ ! -w "$path" ] || writable=yes
    fi
    say volume "$link $kind $writable $(stat -L -c '%d %d:%i' -- "$path" 2>/dev/null || echo '- -') $(
        df -Pk -- "$path" 2>/dev/null | awk 'NR == 2 { print $4; found = 1 } END { if (!found) print "-" }') $(
        readlink -f -- "$path")"
done
say end yes
