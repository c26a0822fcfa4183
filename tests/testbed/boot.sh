# How a host gets from nothing to its systemd. Run in a network namespace of its own:
#   boot.sh SELF SWITCH PORT MAC IPV4 IPV6 RATE IMAGE DIRECTORY NAME DISK
# and, by itself, once more as PID 1 of the other namespaces: boot.sh root IMAGE DIRECTORY NAME DISK.
# SWITCH is a path of the switch's network namespace, RATE words for tc, DISK a file with a file system; both may be ''.
set -e

if [ "$1" != root ]; then
    self=$1 switch=$2 port=$3 mac=$4 ipv4=$5 ipv6=$6 rate=$7
    shift 7
    ip link set lo up
    ip link add eth0 address "$mac" type veth peer name "$port" netns "$switch"
    nsenter --net="$switch" ip link set "$port" master br0 up
    ip addr add "$ipv4/24" dev eth0
    # without a wait for duplicates: an address is there when the host is
    ip addr add "$ipv6/64" dev eth0 nodad
    ip link set eth0 up
    if [ -n "$rate" ]; then
        tc qdisc add dev eth0 root $rate
        nsenter --net="$switch" tc qdisc add dev "$port" root $rate
    fi
    exec unshare --mount --uts --ipc --pid --cgroup --fork --kill-child -- \
        setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio -- sh "$self" root "$@"
fi

image=$2 directory=$3 name=$4 disk=$5
root=$directory/root
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$image,upperdir=$directory/upper,workdir=$directory/work" "$root"
mount -t proc proc "$root/proc" -o nosuid,noexec,nodev
mount -t sysfs sysfs "$root/sys" -o ro,nosuid,noexec,nodev
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" -o nosuid,noexec,nodev
# Settings of the kernel are this machine's; those of the network are the host's.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,ro,nosuid,noexec,nodev "$root/proc/sys"
mount -t tmpfs tmpfs "$root/dev" -o mode=755,nosuid
umask 0
for device in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "$root/dev/${device%:*}" c 1 "${device#*:}"
done
mknod -m 666 "$root/dev/tty" c 5 0
umask 022
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666,mode=620,gid=5,nosuid,noexec
mount -t tmpfs tmpfs "$root/dev/shm" -o mode=1777,nosuid,nodev
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for n in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${n%:*}" "$root/dev/${n#*:}"; done
mount -t tmpfs tmpfs "$root/run" -o mode=755,nosuid,nodev
mount -t tmpfs tmpfs "$root/tmp" -o mode=1777,nosuid,nodev
# Each boot of each host has a name of its own; the kernel would tell this machine's.
cat /proc/sys/kernel/random/uuid >"$root/run/boot_id"
mount --bind "$root/run/boot_id" "$root/proc/sys/kernel/random/boot_id"
[ -z "$disk" ] || mount -o loop "$disk" "$root/var/lib/postgresql"
hostname "$name"
cd "$root"
mkdir run/old
pivot_root . run/old
exec chroot . /bin/sh -c 'umount -l /run/old; rmdir /run/old
    exec env -i container=testbed PATH='"$PATH"' /sbin/init' </dev/null
