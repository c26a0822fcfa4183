"""No superuser: what is missing is said, what is said is enough, and no more than that is needed."""

import re
import shutil
import threading

import pytest

from standbyctl.domain.version import NEWEST_KNOWN
from tests.live.conftest import scrub

# Before 15 nothing can be granted on parameters: test_rights_before_15.py.
pytestmark = [pytest.mark.live, pytest.mark.majors(15, NEWEST_KNOWN)]
TOOL = 'Repl "tool"'
QUOTED = '"Repl ""tool"""'
LIMIT = 5


def shown(done):
    """The statements of a HINT, as they stand there: a person would copy these lines."""
    return [line.strip() for line in done.stderr.splitlines() if line.startswith("        ") and line.endswith(";")]


def as_superuser(pair, *statements):
    """By psql, which is where people paste."""
    pair.area.run(
        "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", pair.primary.conninfo,
        input="\n".join(statements), env={"PGPASSWORD": pair.primary.password, "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


class Weak:
    """A role that may log in and nothing else, and the standby's role with its passfile."""

    def __init__(self, pair):
        self.pair = pair
        as_superuser(pair, f"CREATE ROLE {QUOTED} LOGIN CONNECTION LIMIT {LIMIT} PASSWORD '{pair.primary.password}';")
        self.entry = pair.area.path / "state" / "weak.pgpass"
        self.entry.parent.mkdir()
        self.entry.write_text(f"*:*:*:*:{pair.primary.password}\n")
        self.entry.chmod(0o600)
        self.passfile = pair.area.path / "state" / "theirs.pgpass"
        self.passfile.write_text("*:*:*:theirs:known\n")
        self.passfile.chmod(0o600)
        pair.area.path.joinpath("state").chmod(0o755)
        shutil.chown(self.passfile, pair.area.user)
        self.conninfo = pair.primary.conninfo.replace("user=postgres", "user='" + TOOL + "'")
        self.where = ["-p", self.conninfo, *pair.where[2:]]
        self.theirs = ["--role", "theirs", "--passfile", self.passfile]

    def tool(self, *args, status=0):
        return self.pair.tool(*args, status=status, env={"PGPASSFILE": str(self.entry)})

    def make_theirs(self):
        as_superuser(self.pair, "CREATE ROLE theirs LOGIN REPLICATION PASSWORD 'known';")


@pytest.fixture
def weak(pair):
    return Weak(pair)


class Connections:
    """The most that were open at once as the weak role, on either server."""

    def __init__(self, pair):
        self.pair, self.most, self._ending = pair, 0, threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()

    def _count(self):
        with self.pair.primary.connect() as conn:
            while not self._ending.wait(0.001):
                query = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
                self.most = max(self.most, conn.execute(query, (TOOL,)).fetchone()[0])


def whole(pair, done):
    """What was said, but for what differs from run to run; the lines to be copied as they stand."""
    lines = done.stderr.splitlines()
    said = "\n".join(line for line in lines if not line.endswith(";"))
    return "\n".join([scrub(pair, said), *(line for line in lines if line.endswith(";")), ""])


def test_what_is_printed_is_enough_for_attach_status_and_detach(pair, weak, golden):
    done = weak.tool("plan", *weak.where, status=3)
    golden("no-rights.txt", whole(pair, done))
    assert weak.tool("attach", *weak.where, "--yes", status=3).stderr == done.stderr
    statements = shown(done)
    assert len(statements) == 7
    as_superuser(pair, *statements)
    # What the HINT says in words: a password, and a passfile (here of another name).
    as_superuser(pair, "ALTER ROLE repl_db2 RENAME TO theirs;", "ALTER ROLE theirs PASSWORD 'known';")
    before, started = pair.raw(), pair.started_at()
    weak.tool("plan", *weak.where, *weak.theirs)
    with Connections(pair) as seen:
        weak.tool("attach", *weak.where, *weak.theirs, "--yes")
        assert "streaming" in weak.tool("status").stdout
        weak.tool("verify", "db2")
        assert "Nothing to do" in weak.tool("attach", *weak.where, *weak.theirs, "--yes").stdout
        weak.tool("detach", "db2", "--yes")
    assert 2 <= seen.most <= LIMIT
    assert pair.started_at() == started
    assert pair.raw() == before


def taken_back(statement):
    return re.sub(r"^GRANT (.*) TO ", r"REVOKE \1 FROM ", statement).replace("REPLICATION;", "NOREPLICATION;")


def test_each_right_that_is_left_out_is_named_and_no_other(pair, weak, subtests):
    statements = shown(weak.tool("plan", *weak.where, *weak.theirs, status=3))
    assert len(statements) == 6
    weak.make_theirs()
    as_superuser(pair, *statements)
    weak.tool("plan", *weak.where, *weak.theirs)
    for statement in statements:
        with subtests.test(statement):
            as_superuser(pair, taken_back(statement))
            sight = any(word in statement for word in ("pg_monitor", "pg_hba_file_rules", "pg_show_all_file_settings"))
            done = weak.tool("plan", *weak.where, *weak.theirs, status=3 if sight else 1)
            assert shown(done) == [statement]
            assert done.stderr.count("CODE:") == done.stderr.count("CODE:   P116") == 1
            as_superuser(pair, statement)
    with subtests.test("the standby's role"):
        done = weak.tool("plan", *weak.where, status=1)
        assert shown(done) == ['CREATE ROLE "repl_db2" LOGIN REPLICATION;']
        as_superuser(pair, *shown(done))
        done = weak.tool("plan", *weak.where, status=1)
        assert shown(done) == []
        assert "give the password of that role" in " ".join(done.stderr.split())
    # What no step needs is not asked for.
    as_superuser(pair, taken_back(statements[-1]))
    weak.tool("plan", *weak.where, *weak.theirs, "--wal-cap", "keep")


def test_without_the_right_status_and_detach_say_so_too(pair, weak):
    weak.make_theirs()
    statements = shown(weak.tool("plan", *weak.where, *weak.theirs, status=3))
    as_superuser(pair, *statements)
    weak.tool("attach", *weak.where, *weak.theirs, "--yes")
    before = pair.raw()
    monitor, reload = statements[1], statements[4]
    as_superuser(pair, taken_back(monitor))
    assert shown(weak.tool("status", status=3)) == [monitor]
    assert shown(weak.tool("detach", "db2", "--yes", status=3)) == [monitor]
    as_superuser(pair, monitor, taken_back(reload))
    assert shown(weak.tool("detach", "db2", "--yes", status=1)) == [reload]
    assert pair.raw() == before
    as_superuser(pair, reload)
    weak.tool("detach", "db2", "--yes")


def test_what_a_superuser_has_attached_only_a_superuser_takes_back(pair, weak):
    as_superuser(pair, *shown(weak.tool("plan", *weak.where, *weak.theirs, status=3)))
    pair.attach()
    before = pair.raw()
    assert "streaming" in weak.tool("status", "-p", weak.conninfo).stdout
    done = weak.tool("detach", "db2", "-p", weak.conninfo, "--yes", status=1)
    assert "may not take back what attach has made" in done.stderr
    assert pair.raw() == before
    pair.detach()


def test_machines_get_the_same_lines(pair, weak):
    import json

    done = weak.tool("plan", *weak.where, "--json", status=3)
    [error] = json.loads(done.stdout)["errors"]
    assert error["code"] == "P116"
    assert error["hint"].splitlines()[1:] == shown(weak.tool("plan", *weak.where, status=3))


def test_a_standby_without_a_slot_needs_other_rights(pair, weak):
    weak.make_theirs()
    way = ["--no-slot", "--wal-keep-size", "256MB"]
    statements = shown(weak.tool("plan", *weak.where, *weak.theirs, *way, status=3))
    assert not any("REPLICATION" in line or "max_slot_wal_keep_size" in line for line in statements)
    assert any("PARAMETER wal_keep_size" in line for line in statements)
    as_superuser(pair, *statements)
    before = pair.raw()
    weak.tool("attach", *weak.where, *weak.theirs, *way, "--yes")
    weak.tool("detach", "db2", "--yes")
    assert pair.raw() == before


def test_preflight_says_it_too_and_is_ready_with_just_those_rights(pair, weak):
    assert shown(weak.tool("preflight", *weak.where, status=3)) == shown(weak.tool("plan", *weak.where, status=3))
    statements = shown(weak.tool("plan", *weak.where, *weak.theirs, status=3))
    weak.make_theirs()
    as_superuser(pair, *statements)
    pair.primary.rows("ALTER SYSTEM SET log_statement = 'all'")
    pair.primary.rows("ALTER SYSTEM SET log_connections = 'on'")
    pair.primary.rows("SELECT pg_reload_conf()")
    log = pair.area.path / "db1.log"
    pair.wait(lambda: pair.primary.rows("SHOW log_statement") == [("all",)])
    before = len(log.read_text().splitlines())
    done = weak.tool("preflight", *weak.where, *weak.theirs)
    assert done.stdout.startswith("READY")
    assert "no superuser, with the rights that attach needs" in done.stdout
    said = log.read_text().splitlines()[before:]
    assert sum("connection authorized" in line and "theirs" not in line for line in said) <= 2
    assert sum(" statement: " in line or "execute " in line for line in said if "IDENTIFY" not in line) <= 12
    as_superuser(pair, taken_back(statements[-1]))
    done = weak.tool("preflight", *weak.where, *weak.theirs, status=1)
    assert "no superuser: the role" in " ".join(done.stdout.split())
    assert f"        {statements[-1]}" in done.stdout.splitlines()


def test_a_role_of_the_standby_that_is_there_is_not_made_again(pair, weak):
    as_superuser(pair, "CREATE ROLE repl_db2 LOGIN REPLICATION;")
    assert not [line for line in shown(weak.tool("plan", *weak.where, status=3)) if "CREATE ROLE" in line]
    as_superuser(pair, "DROP ROLE repl_db2;")
    assert [line for line in shown(weak.tool("plan", *weak.where, status=3)) if "CREATE ROLE" in line]
