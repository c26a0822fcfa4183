"""A planned change of roles: nothing is lost, everybody follows, and it can be done again and again."""

import json
import re

import pytest

from tests.roles import Cast, Writer, at_a_terminal

pytestmark = [pytest.mark.live, pytest.mark.settled]


@pytest.fixture
def cast(pair):
    made = Cast(pair)
    made.attach("db2")
    return made


@pytest.mark.sample
def test_a_standby_becomes_the_primary_and_no_commit_is_lost(cast):
    with Writer(cast) as writer:
        writer.more()
        said = cast.switchover("db2").stdout
        writer.more()
    assert cast.writable() == ["db2"]
    assert cast.follows("db1", "db2")
    assert writer.lost("db2") == set()
    cast.caught_up("db1", "db2")
    assert writer.lost("db1") == set()
    assert re.search(r"db1 stopped after \d+ ms; db2 has all of its WAL .* nobody took writes for \d+ ms", said)
    assert "SWITCHED  db2 is the primary. It streams to: db1" in said
    # The old slot would keep WAL for nobody.
    assert cast.slots("db1") == []
    assert cast.slots("db2") == ["db1"]


@pytest.mark.parametrize("times", [3, pytest.param(25, marks=[pytest.mark.seldom, pytest.mark.timeout(1200)])])
def test_back_and_forth_nothing_grows(cast, times):
    """What each has after it was a standby once is what it has after every further change."""
    cast.switchover("db2")
    cast.switchover("db1")
    assert cast.writable() == ["db1"]
    seen = {name: (cast.hba(name), cast.auto_conf(name), cast.slots(name)) for name in ("db1", "db2")}
    for _ in range(times - 1):
        cast.switchover("db2")
        cast.switchover("db1")
    assert {name: (cast.hba(name), cast.auto_conf(name), cast.slots(name)) for name in ("db1", "db2")} == seen
    leftovers = [path.name for path in cast.data("db1").iterdir() if path.name.startswith(".standbyctl")]
    assert leftovers == []


@pytest.mark.one_version
def test_who_is_the_primary_already_has_nothing_to_do(cast):
    cast.switchover("db2")
    started = cast.rows("db2", "SELECT pg_postmaster_start_time()")
    assert "Nothing to do: db2 is the primary." in cast.switchover("db2").stdout
    assert cast.rows("db2", "SELECT pg_postmaster_start_time()") == started


@pytest.mark.one_version
def test_every_verb_knows_the_new_roles(cast):
    cast.switchover("db2")
    record = json.loads(cast.tool("status", "--json", status=0).stdout)
    assert {node["name"]: node["role"] for node in record["nodes"]} == {"db1": "standby", "db2": "primary"}
    cast.tool("verify", "db1", status=0)
    cast.tool("check", "all", status=0)
    # What runs db1 is no attach of ours: that is not stopped.
    refused = cast.tool("detach", "db1", "--yes", status=4)
    assert "A253" in refused.stderr


@pytest.mark.one_version
def test_other_standbys_and_their_own_follow(cast):
    cast.attach("db3")
    cast.attach("db4", "--upstream", "db2")
    cast.attach("db5", "--upstream", "db3")
    started = {name: cast.rows(name, "SELECT pg_postmaster_start_time()") for name in ("db2", "db3", "db4", "db5")}
    with Writer(cast) as writer:
        writer.more()
        cast.switchover("db2")
        writer.more()
        for standby, upstream in (("db1", "db2"), ("db3", "db2"), ("db4", "db2"), ("db5", "db3")):
            cast.pair.wait(lambda one=standby, other=upstream: cast.follows(one, other))
    for name in ("db1", "db3", "db4", "db5"):
        cast.caught_up(name, "db2")
        assert writer.lost(name) == set()
    assert {name: cast.rows(name, "SELECT pg_postmaster_start_time()") for name in started} == started
    assert cast.slots("db1") == []
    assert cast.slots("db2") == ["db1", "db3", "db4"]
    # They are what they would be had they been attached so.
    record = json.loads(cast.tool("status", "--json", status=0).stdout)
    assert {node["name"]: node["upstream"] for node in record["nodes"]} == {
        "db1": "db2", "db2": None, "db3": "db2", "db4": "db2", "db5": "db3",
    }  # fmt: skip
    cast.tool("detach", "db5", "--yes", status=0)
    cast.tool("detach", "db3", "--yes", "--remove-data-dir", cast.data("db3"), "--delete", status=0)
    assert cast.slots("db2") == ["db1", "db4"]
    assert not cast.data("db3").exists()
    cast.switchover("db1")
    assert cast.follows("db2", "db1")
    # It streamed from the primary by then, as every other that follows.
    assert cast.follows("db4", "db1")


@pytest.mark.one_version
def test_a_dry_run_changes_nothing(cast):
    before = cast.pair.raw()
    said = cast.switchover("db2", "--dry-run").stdout
    assert "---- point of no return ----" in said
    assert cast.pair.raw() == before
    assert cast.writable() == ["db1"]
    record = json.loads(cast.tool("switchover", "--to", "db2", "--json", status=0).stdout)
    assert record["verdict"] == "planned"
    assert [step["step"] for step in record["steps"]][-3:] == ["SwitchPrimary", "StartAsStandby", "LetGoOfSlots"]
    assert cast.pair.raw() == before


@pytest.mark.one_version
def test_the_wrong_name_at_the_prompt_changes_nothing(cast):
    before = cast.pair.raw()
    said, status = at_a_terminal(cast, ["switchover", "--to", "db2"], b"db1\n", b"Type db2")
    assert status == 1
    assert "That is not db2. Nothing was changed." in said
    assert cast.pair.raw() == before


@pytest.mark.one_version
def test_a_hook_that_fails_once_all_is_done_is_what_is_said_last(cast):
    done = cast.switchover("db2", "--after", "sh -c 'echo no pooler; exit 3'", status=5)
    assert "SWITCHED  db2 is the primary" in done.stdout
    last = " ".join(done.stderr.split())
    assert "ERROR: the hook after failed: sh DETAIL: exit status 3: no pooler." in last
    by_hand = (
        "STANDBYCTL_HOOK=after STANDBYCTL_OLD_PRIMARY=db1 STANDBYCTL_NEW_PRIMARY=db2 sh -c 'echo no pooler; exit 3'"
    )
    assert f"HINT: Run it by hand: {by_hand}" in last
    assert "STATE: Every step is done: db2 is the primary." in last
    assert cast.writable() == ["db2"]
    record = json.loads(cast.switchover("db1", "--after", "false", "--json", status=5).stdout)
    assert record["verdict"] == "switched"
    assert record["hook_failed"]["command"].endswith("STANDBYCTL_NEW_PRIMARY=db1 false")
    assert json.loads(cast.switchover("db2", "--json").stdout)["hook_failed"] is None
