# Let a tunnel's key in: one line in our own account's authorized_keys. What is made for it says so in its first line.
# Arguments: what the key may do, the marker. Standard input: the public key, as TYPE KEY.
set -eu
umask 077
read -r type key
line="$1 $type $key $2"
home=$(getent passwd "$(id -un)" | cut -d: -f6)
file=$home/.ssh/authorized_keys
if [ -f "$file" ] && grep -qxF -e "$line" -- "$file"; then exit 0; fi
made=
if [ ! -d "$home/.ssh" ]; then
    mkdir -- "$home/.ssh"
    made="# standbyctl made this file and its directory"
elif [ ! -e "$file" ]; then
    made="# standbyctl made this file"
    # A run that died here has made the directory.
    [ -n "$(ls -A -- "$home/.ssh")" ] || made="$made and its directory"
fi
if [ -n "$made" ]; then
    new="$file.standbyctl-new"
    trap 'rm -f -- "$new"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '%s\n%s\n' "$made" "$line" >"$new"
    sync -- "$new"
    mv -T -- "$new" "$file"
    sync -- "$home/.ssh" "$home"
    ! command -v restorecon >/dev/null || restorecon -R "$home/.ssh" 2>/dev/null || :
    exit 0
fi
without "$file" "$1" "$2"
# A missing last newline stays missing.
if [ -z "$(tail -c 1 -- "$kept")" ]; then printf '%s\n' "$line" >>"$kept"; else printf '\n%s' "$line" >>"$kept"; fi
exchange
