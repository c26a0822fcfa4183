"""standbyctl on a host of the testbed, as somebody runs it who has logged in there: with a Python of its own."""

import _sqlite3
import importlib.util
import re
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

HOME = "opt/standbyctl"
LIBRARY = f"lib/python{sys.version_info.major}.{sys.version_info.minor}"
PROGRAM = f"""#!/bin/sh
PYTHONHOME=/{HOME} PYTHONPATH=/{HOME}/{LIBRARY}/site-packages LD_LIBRARY_PATH=/{HOME}/lib \\
    exec /{HOME}/bin/python3 -m standbyctl "$@"
"""
# What the tool imports, and what that does; the libraries of wheels are beside them.
PACKAGES = (
    "standbyctl", "psycopg", "psycopg_binary", "psycopg_c", "click", "rich", "markdown_it", "mdurl", "pygments",
    "typing_extensions", "prometheus_client",
)  # fmt: skip
LEFT_OUT = {"test", "idlelib", "lib2to3", "tkinter", "ensurepip", "site-packages", "dist-packages"}


def bring_tool(bed, name):
    """Install it: the interpreter that runs these tests, and what it runs, in a directory of their own.

    One that was built for a newer C library than the host has cannot run there: then the test fails, and says so.
    """
    unpack = ["ssh", "-F", str(bed.ssh_config), f"root@{name}", "tar -C / -x"]
    with subprocess.Popen(unpack, stdin=subprocess.PIPE) as ssh, tarfile.open(fileobj=ssh.stdin, mode="w|") as archive:
        archive.add(sysconfig.get_paths()["stdlib"], f"{HOME}/{LIBRARY}", filter=_wanted)
        for path, where in _pieces():
            archive.add(path, f"{HOME}/{where}")
        archive.close()
        ssh.stdin.close()
        assert ssh.wait(120) == 0
    bed[name].exec("cat >/usr/local/bin/standbyctl && chmod 755 /usr/local/bin/standbyctl", text=PROGRAM)
    first = bed[name].exec("standbyctl --version 2>&1", check=False)
    assert "GLIBC_" not in first.stdout, f"run the tests with a Python that is as old as the host: {first.stdout}"
    assert first.returncode == 0, first.stdout


def _pieces():
    yield Path(sys.executable).resolve(), "bin/python3"
    shared = Path(sysconfig.get_config_var("LIBDIR"), str(sysconfig.get_config_var("INSTSONAME")))
    if shared.suffix != ".a" and shared.exists():
        yield shared.resolve(), f"lib/{shared.name}"
    # What a Python that was built elsewhere has SQLite from, where it has.
    module = getattr(_sqlite3, "__file__", sys.executable)
    needs = subprocess.run(["ldd", module], capture_output=True, text=True, check=True).stdout
    for name, sqlite in re.findall(r"(libsqlite3\S*) => (/\S+)", needs):
        yield Path(sqlite).resolve(), f"lib/{name}"
    for package in PACKAGES:
        found = importlib.util.find_spec(package)
        if found is None:
            continue
        origin = Path(found.origin)
        path = origin.parent if origin.name == "__init__.py" else origin
        yield path, f"{LIBRARY}/site-packages/{path.name}"
        for libraries in path.parent.glob(f"{package}.libs"):
            yield libraries, f"{LIBRARY}/site-packages/{libraries.name}"


def _wanted(member):
    part = member.name.removeprefix(f"{HOME}/{LIBRARY}/").partition("/")[0]
    return None if part in LEFT_OUT or part.startswith("config-") else member


class Inside:
    """The operator who is logged in on a host, as root or as another user; with ssh to the others where `to` names one.

    The key is the testbed's own, which every host lets in, and whose host keys are known.
    """

    def __init__(self, bed, name, user="root"):
        self.host, self.user = bed[name], user
        self.home = {"root": "/root", "postgres": "/var/lib/postgresql"}[user]
        ssh = f"{self.home}/.ssh"
        for file, text in (("id_ed25519", "id_ed25519"), ("known_hosts", "known_hosts")):
            content = (bed.directory / text).read_text()
            self.host.exec(f"umask 077; mkdir -p {ssh}; cat >{ssh}/{file}", user=user, text=content)

    def tool(self, *args, status=0, env=""):
        """What it says, on one line."""
        words = " ".join(f"'{word}'" for word in args)
        done = self.host.exec(f"{env} standbyctl {words} 2>&1", user=self.user, check=False, timeout_seconds=180)
        assert done.returncode == status, done.stdout
        return " ".join(done.stdout.split())
