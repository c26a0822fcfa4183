"""The PostgreSQL of one suite on a host of another: the same programs over another C library."""

import re
import subprocess

from tests.testbed.images import image


def transplant(bed, name, suite, major):
    """Bring a suite's server, client programs and files to a host, with the libraries that it lacks; none of libc's."""
    root = image(suite)
    _bring(bed, name, root, [f"usr/lib/postgresql/{major}", f"usr/share/postgresql/{major}"])
    # JIT's own library is large, and looked for only where it is there.
    bed[name].exec(f"rm -f /usr/lib/postgresql/{major}/lib/llvmjit.so")
    while lacking := _lacking(bed[name], major):
        found = [str(path.relative_to(root)) for each in lacking for path in root.glob(f"usr/lib/*/{each}")]
        assert len(found) == len(lacking), (lacking, found)
        _bring(bed, name, root, found)


def _lacking(host, major):
    every = f"ldd /usr/lib/postgresql/{major}/bin/* /usr/lib/postgresql/{major}/lib/*.so 2>/dev/null"
    return sorted(set(re.findall(r"(\S+) => not found", host.exec(f"ldconfig; {every}", check=False).stdout)))


def _bring(bed, name, root, paths):
    # Of a library the name is a link: what it leads to comes.
    piped(["tar", "-C", root, "-ch", *paths], bed, f"root@{name}", "tar -C / -x")


def piped(argv, bed, login, command):
    """What a command here writes, into a command on a host."""
    packed = subprocess.Popen(argv, stdout=subprocess.PIPE)
    unpack = ["ssh", "-F", str(bed.ssh_config), login, command]
    subprocess.run(unpack, stdin=packed.stdout, check=True, timeout=120)
    packed.stdout.close()
    assert packed.wait() == 0
