"""How a condition is staged on a running primary and taken away again; which there are stands in two files beside."""

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from tests.live.conftest import call
from tests.pair import Pair


@dataclass(frozen=True)
class Stage:
    """`also`: lines that the same condition changes too, and must. `mounts`: it needs a mount namespace, and yields
    what to put before the command.
    """

    code: str
    status: str
    seen: str
    do: Callable
    args: tuple[str, ...] = ()
    also: frozenset[str] = frozenset()
    since: int = 0
    name: str = ""
    mounts: bool = False


STAGES = []


def stage(code, status, seen, *args, also="", since=0, mounts=False):
    def add(function):
        do = contextlib.contextmanager(function)
        every = frozenset(also.split())
        STAGES.append(Stage(code, status, seen, do, args, every, since, function.__name__, mounts))
        return function

    return add


def setting(pair, name, value, *more):
    """ALTER SYSTEM and a reload; both taken back."""
    for key, each in ((name, value), *more):
        pair.primary.rows(f"ALTER SYSTEM SET {key} = {each}")
    reload(pair)
    yield
    for key, _ in ((name, value), *more):
        pair.primary.rows(f"ALTER SYSTEM RESET {key}")
    reload(pair)


def reload(pair):
    before = pair.primary.rows("SELECT pg_conf_load_time()")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SELECT pg_conf_load_time()") != before)


def statements(pair, do, undo):
    pair.primary.rows(do)
    yield
    pair.primary.rows(undo)


def file_changed(path, text):
    before = path.read_bytes()
    path.write_bytes(before + text.encode())
    yield
    path.write_bytes(before)


def own_role(pair, options):
    passfile = pair.area.path / "own.pgpass"
    passfile.write_text(f"*:*:*:walrus:{pair.primary.password}\n")
    passfile.chmod(0o600)
    shutil.chown(passfile, pair.area.user)
    for _ in statements(
        pair,
        f"CREATE ROLE walrus LOGIN REPLICATION PASSWORD '{pair.primary.password}' {options}",
        "DROP ROLE walrus",
    ):
        yield
    passfile.unlink()


OWN = ("--role", "walrus", "--passfile", "own.pgpass")


def restarted(pair, **settings):
    """Other settings for the primary, and a restart by its owner."""
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("".join(f"{name} = '{value}'\n" for name, value in settings.items()))
    pair.primary.stop("fast")
    pair.primary.start()


def lines_of(pair: Pair, *args, prefix=()):
    """Code to (status, words, remedy) of one preflight; the whole record; its exit code."""
    where = [str(pair.area.path / word) if word in {"own.pgpass", "small/db2"} else word for word in args]
    done = call(pair, "preflight", [*pair.where, *where, "--json"], None, prefix)
    found = json.loads(done.stdout)
    return {c["code"]: (c["status"], c["seen"], c["remedy"]) for c in found["checks"]}, found, done.returncode
