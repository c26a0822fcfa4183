# The functions of tunnel_admit.sh and tunnel_expel.sh.
# `without FILE RESTRICTIONS MARKER`: what the file has but for the lines that are exactly as we write them, in $kept.
without() {
    real=$(readlink -f -- "$1")
    seen=$(sha256sum <"$real" | cut -d' ' -f1)
    kept="$real.standbyctl-new"
    trap 'rm -f -- "$kept"' EXIT
    trap 'exit 1' HUP INT TERM
    cp -p -- "$real" "$kept"
    # awk would write a last newline where there was none.
    BEGINS="$2 " ENDS=" $3" awk '
        {
            key = substr($0, length(ENVIRON["BEGINS"]) + 1)
            key = substr(key, 1, length(key) - length(ENVIRON["ENDS"]))
            if ($0 != ENVIRON["BEGINS"] key ENVIRON["ENDS"] || key !~ /^ssh-ed25519 [A-Za-z0-9+\/=]+$/) {
                printf "%s%s", separator, $0
                separator = "\n"
            }
        }' "$real" >"$kept"
    if [ -s "$kept" ] && [ -z "$(tail -c 1 -- "$real")" ]; then echo >>"$kept"; fi
}
exchange() {
    sync -- "$kept"
    if [ "$(sha256sum <"$real" | cut -d' ' -f1)" != "$seen" ]; then
        echo "$real has changed since it was read" >&2
        exit 90
    fi
    mv -f -- "$kept" "$real"
    sync -- "$(dirname -- "$real")"
}
