"""Root file systems of Debian suites: built when they are missing, kept from run to run."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.testbed.machine import ENV, HostsError, locked, run

SUITES = ("bullseye", "bookworm", "trixie", "sid")

# What a small server has: systemd, sshd, PostgreSQL, and what people look around with.
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "libpam-systemd", "postgresql", "openssh-server", "sudo",
    "iproute2", "iputils-ping", "nftables", "procps", "locales", "tzdata",
)  # fmt: skip

# Not of use without hardware, or at work behind a test's back.
MASKED = (
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount",
    "dev-hugepages.mount", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "fstrim.timer", "logrotate.timer",
)  # fmt: skip

OPTIONS = [
    "--mode=root",
    "--variant=minbase",
    f"--include={','.join(PACKAGES)}",
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    # A mirror may lag behind, and the clock here may be off.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    # A cluster made now would be every host's: each gets its own when it first boots, as with a package's installation.
    '--setup-hook=mkdir -p "$1/etc/postgresql-common/createcluster.d"; '
    'echo create_main_cluster=false >"$1/etc/postgresql-common/createcluster.d/testbed.conf"',
]

CUSTOMIZE = f"""
set -e
root=$1
rm -f "$root/etc/postgresql-common/createcluster.d/testbed.conf" "$root"/etc/ssh/ssh_host_*
echo 'en_US.UTF-8 UTF-8' >"$root/etc/locale.gen"
chroot "$root" locale-gen
echo LANG=en_US.UTF-8 >"$root/etc/default/locale"
chroot "$root" useradd --create-home --shell /bin/bash admin
echo 'admin ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/admin"
chmod 440 "$root/etc/sudoers.d/admin"
for unit in {" ".join(MASKED)}; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
rm -f "$root/etc/resolv.conf" "$root/etc/machine-id" "$root/var/lib/dbus/machine-id"
"""

STALE_SECONDS = 14 * 24 * 3600


class SuiteGoneError(HostsError):
    """The mirror has no such suite (any more)."""


def cache():
    """The directory of images: outside of the repository, shared by all that run on this machine."""
    return Path(os.environ.get("STANDBYCTL_TESTBED_IMAGES") or "/var/cache/standbyctl-testbed").absolute()


def key(options=OPTIONS):
    """What an image is made of, in a few letters: another list of packages is another image."""
    return hashlib.sha256(json.dumps([options, CUSTOMIZE]).encode()).hexdigest()[:8]


def image(suite, say=print):
    """The root file system of a suite; building takes a minute or two."""
    if suite not in SUITES:
        raise HostsError(f"no suite {suite}: one of {', '.join(SUITES)}")
    built = cache() / f"{suite}-{key()}"
    cache().mkdir(parents=True, exist_ok=True)
    with locked(cache() / f".{suite}.lock"):
        if not built.exists():
            began = time.monotonic()
            for half in cache().glob(f".{suite}.*.part"):  # somebody was killed
                shutil.rmtree(half)
            with tempfile.TemporaryDirectory(dir=cache(), prefix=f".{suite}.", suffix=".part") as part:
                build(suite, Path(part))
                Path(part).rename(built)
            say(f"image {built.name}: built in {time.monotonic() - began:.0f} s")
        os.utime(built)
        for other in cache().glob(f"{suite}-*"):
            if time.time() - other.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(other)
    return built / "root"


def build(suite, part):
    """Build an image in a directory, and leave mmdebstrap's words beside it."""
    (part / "customize").write_text(CUSTOMIZE)
    # In namespaces that end with whoever asked: nothing goes on building, and no mount is left.
    argv = ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child"]
    argv += ["mmdebstrap", *OPTIONS, f'--customize-hook=sh {part}/customize "$1"', suite, f"{part}/root"]
    log = part / "log"
    with log.open("w") as out:
        done = subprocess.run(
            [*argv, *sources(suite)], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=ENV, check=False
        )
    said = log.read_text(errors="replace")
    if "does not have a Release file" in said:
        raise SuiteGoneError(f"the mirror has no {suite}")
    if done.returncode:
        raise HostsError(f"no image of {suite}: mmdebstrap says\n" + "\n".join(said.splitlines()[-15:]))


def sources(suite):
    """Where packages come from: the archives that this machine's own apt uses."""
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").split()
    archives = {uri.rstrip("/").rpartition("/")[2]: uri for uri in listed}
    if "debian" not in archives:
        raise HostsError("apt knows no Debian archive here")
    lines = [f"deb {archives['debian']} {suite} main"]
    if suite != "sid" and "debian-security" in archives:
        lines.append(f"deb {archives['debian-security']} {suite}-security main")
    return lines


def postgresql_major(root):
    """The version of PostgreSQL that the suite's package brought."""
    return max(int(path.name) for path in (root / "usr/lib/postgresql").iterdir())
