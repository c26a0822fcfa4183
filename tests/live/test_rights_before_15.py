"""No superuser, where nothing can be granted on parameters: that is said, and both ways around it work."""

import time

import pytest

from tests.live.test_rights import Weak, as_superuser, shown

pytestmark = [pytest.mark.live, pytest.mark.majors(13, 14)]
CAP = "max_slot_wal_keep_size"


@pytest.fixture
def granted(pair):
    """A role that was given all that the HINT shows."""
    weak = Weak(pair)
    weak.make_theirs()
    statements = shown(weak.tool("plan", *weak.where, *weak.theirs, status=3))
    assert not any("PARAMETER" in line for line in statements)
    as_superuser(pair, *statements)
    return weak


def test_that_only_a_superuser_alters_a_parameter_is_said_with_the_way_around(granted):
    done = granted.tool("plan", *granted.where, *granted.theirs, status=1)
    assert f"-- Before PostgreSQL 15 only a superuser may alter {CAP}." in " ".join(done.stderr.split())
    assert "--settings print" in done.stderr
    assert shown(done) == []


def test_with_the_cap_as_it_is_the_printed_grants_are_enough(pair, granted):
    before, started = pair.raw(), pair.started_at()
    granted.tool("attach", *granted.where, *granted.theirs, "--wal-cap", "keep", "--yes")
    granted.tool("verify", "db2")
    granted.tool("detach", "db2", "--yes")
    assert (pair.raw(), pair.started_at()) == (before, started)


def test_a_superuser_may_set_what_is_printed_while_the_run_waits(pair, granted):
    args = ("attach", *granted.where, *granted.theirs, "--settings", "print", "--yes")
    run = pair.start_tool(*map(str, args), env={"PGPASSFILE": str(granted.entry)})
    time.sleep(2)
    as_superuser(pair, f"ALTER SYSTEM SET {CAP} = '20GB';", "SELECT pg_reload_conf();")
    said, _ = run.communicate(timeout=120)
    assert run.returncode == 0, said
    granted.tool("detach", "db2", "--yes")
