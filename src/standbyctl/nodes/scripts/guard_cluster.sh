# Whether a directory is that very cluster's, and what our mark in it says. The mark is written before we stop the
# cluster. A postmaster writes its postmaster.opts anew whenever it starts: where that still is of the moment that the
# mark names, nobody has started the cluster since.
MARK=standbyctl.replaced
refuse() {
    printf '%s\n' "$*" >&2
    exit 90
}
# Arguments: path, bin directory, system identifier, device:inode.
guard() {
    [ "$(stat -c %d:%i -- "$1")" = "$4" ] || refuse "$1 is not the directory that was looked at"
    "$2/pg_controldata" -D "$1" | grep -q "^Database system identifier: *$3\$" || refuse "$1 is not of system $3"
    [ ! -e "$1/standby.signal" ] || refuse "$1 is that of a standby"
    [ ! -e "$1/recovery.signal" ] || refuse "$1 is in recovery"
}
# What a mark says. The inode alone: a device may have another number after a reboot. Arguments: path, node, system
# identifier, device:inode.
mark_of() {
    printf 'standbyctl: %s\n%s %s %s\n' "$2" "$3" "${4#*:}" "$(stat -c %.9Y -- "$1/postmaster.opts" 2>/dev/null)"
}
# Whether the mark is ours, and of the run that it is in, or was. Arguments: path, node, system identifier, device:inode.
marked() {
    [ "$(cat -- "$1/$MARK" 2>/dev/null)" = "$(mark_of "$1" "$2" "$3" "$4")" ]
}
# A cluster that we stopped, and nobody has started since. Arguments: path, bin directory, system identifier,
# device:inode, node.
guard_stopped() {
    guard "$1" "$2" "$3" "$4"
    ! alive "$1" || refuse "a server runs on $1"
    marked "$1" "$5" "$3" "$4" || refuse "$1 was not stopped by standbyctl, or was started since"
    "$2/pg_controldata" -D "$1" | grep -q '^Database cluster state: *shut down$' || refuse "$1 was not shut down"
}
