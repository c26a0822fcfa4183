# Let a tunnel's key in: one line in our own account's authorized_keys. What is made for it says so in its first line.
# Arguments: what the key may do, the marker. Standard input: the public key, as TYPE KEY.
set -eu
umask 077
read -r type key
line="$1 $type $key $2"
home=$(getent passwd "$(id -un)" | cut -d: -f6)
file=$home/.ssh/authorized_keys
if [ -f "$file" ] && grep -qxF -e "$line" -- "$file"; then exit 0; fi
rm -rf -- "$home/.ssh.standbyctl-new"
trap 'rm -rf -- "$home/.ssh.standbyctl-new" "$file.standbyctl-new"' EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$home/.ssh" ]; then
    new=$home/.ssh.standbyctl-new
    mkdir -- "$new"
    printf '%s\n%s\n' "# standbyctl made this file and its directory" "$line" >"$new/authorized_keys"
    sync -- "$new/authorized_keys" "$new"
    mv -T -- "$new" "$home/.ssh"
    sync -- "$home"
    # Where SELinux is, sshd may read no file that does not carry its label.
    ! command -v restorecon >/dev/null || restorecon -R "$home/.ssh" 2>/dev/null || :
    exit 0
fi
if [ ! -e "$file" ]; then
    printf '%s\n%s\n' "# standbyctl made this file" "$line" >"$file.standbyctl-new"
    sync -- "$file.standbyctl-new"
    mv -T -- "$file.standbyctl-new" "$file"
    sync -- "$home/.ssh"
    ! command -v restorecon >/dev/null || restorecon "$file" 2>/dev/null || :
    exit 0
fi
without "$file" "$1" "$2"
# A missing last newline stays missing.
if [ -z "$(tail -c 1 -- "$kept")" ]; then printf '%s\n' "$line" >>"$kept"; else printf '\n%s' "$line" >>"$kept"; fi
exchange
