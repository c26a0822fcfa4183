"""Runbooks of changes of roles, followed by hand to the letter; and the evidence of those that standbyctl did."""

import json
import os
import re
import shutil

import pytest

from tests.byhand import Person, Reader, read_paper, run_here
from tests.roles import Cast, Writer, lose
from tests.sound import sound

pytestmark = [pytest.mark.live, pytest.mark.settled]


@pytest.fixture
def cast(pair):
    made = Cast(pair)
    made.attach("db2")
    return made


def exported(cast, language, *command):
    plan, paper = cast.pair.area.path / "roles.plan", cast.pair.area.path / f"runbook.{language}.md"
    said = cast.tool(*command, "-o", plan, status=0).stdout
    assert f"standbyctl export runbook {plan}" in said
    cast.tool("export", "runbook", plan, "--lang", language, "-o", paper, status=0)
    return Reader(read_paper(paper), language)


def person(cast, reader):
    env = os.environ | cast.pair.env | {"PATH": os.environ["PATH"]}
    me = "root" if os.geteuid() == 0 else ""

    def shell(node, user, text):
        return run_here(user or me, ["sh", "-c", text], env=env)

    def psql(node, command, text):
        return run_here(me, command, text, env=env)

    return Person(reader, shell, psql)


def stands(cast):
    return {name: (cast.hba(name), cast.auto_conf(name), cast.slots(name)) for name in cast.ports}


def typed(reader):
    return [(kind, where, text) for chapter in (reader.before, reader.steps, reader.back)
            for kind, where, text in reader.typed(chapter)]  # fmt: skip


def by_hand(cast, language):
    reader = exported(cast, language, "switchover", "--to", "db2")
    with Writer(cast) as writer:
        writer.more()
        someone = person(cast, reader)
        someone.follow(reader.before)
        someone.follow(reader.steps)
        writer.more()
    assert cast.writable() == ["db2"]
    assert cast.follows("db1", "db2")
    cast.caught_up("db1", "db2")
    assert (writer.lost("db2"), writer.lost("db1")) == (set(), set())
    # As the runbook says afterwards: nothing is left to do, and it is remembered.
    assert "Nothing is left to do on the servers." in cast.switchover("db2").stdout
    said = cast.tool("export", "evidence", "db1", "--lang", "en", status=0).stdout
    assert "## Run 1: remembered after a change of roles" in said
    record = json.loads(cast.tool("status", "--json", status=0).stdout)
    assert {node["name"]: node["role"] for node in record["nodes"]} == {"db1": "standby", "db2": "primary"}
    followed = stands(cast)
    cast.switchover("db1")
    cast.switchover("db2")
    assert stands(cast) == followed


@pytest.mark.sample
@pytest.mark.one_version
def test_who_follows_the_runbook_in_japanese_changes_the_roles_as_switchover_does(cast):
    before = cast.pair.raw()
    other = exported(cast, "en", "switchover", "--to", "db2", "--yes")
    assert typed(other) == typed(exported(cast, "ja", "switchover", "--to", "db2"))
    assert (cast.pair.raw(), cast.writable()) == (before, ["db1"])
    refused = cast.tool("attach", cast.pair.area.path / "roles.plan", "--yes", status=2)
    assert "standbyctl switchover --to db2" in refused.stderr
    by_hand(cast, "ja")


@pytest.mark.seldom
@pytest.mark.every_version
def test_who_follows_the_runbook_by_hand_changes_the_roles_as_switchover_does(cast):
    by_hand(cast, "en")


@pytest.mark.one_version
def test_a_stop_by_hand_is_taken_back_by_hand(cast):
    before, hook = stands(cast), cast.pair.area.path / "hooks"
    told = f"sh -c 'echo $STANDBYCTL_HOOK $STANDBYCTL_NEW_PRIMARY >>{hook}'"
    reader = exported(cast, "en", "switchover", "--to", "db2", "--before", told, "--back", told)
    someone = person(cast, reader)
    someone.follow(reader.steps.partition("SELECT pg_promote")[0])
    assert cast.writable() == []
    someone.follow(reader.back)
    assert cast.writable() == ["db1"]
    cast.pair.wait(lambda: cast.follows("db2", "db1"))
    assert stands(cast) == before
    assert hook.read_text() == "before db2\nback db2\n"
    cast.switchover("db2")


@pytest.mark.one_version
def test_a_failover_and_the_way_back_of_the_old_primary_by_hand(cast):
    cast.attach("db3")
    os.kill(int((cast.data("db1") / "postmaster.pid").read_text().splitlines()[0]), 9)
    reader = exported(cast, "en", "failover", "--to", "db2")
    someone = person(cast, reader)
    someone.follow(reader.before)
    someone.follow(reader.steps)
    assert cast.writable() == ["db2"]
    assert cast.follows("db3", "db2")
    assert (cast.data("db1") / "standby.signal").exists()
    assert "Nothing is left to do on the servers." in cast.tool("failover", "--to", "db2", "--yes", status=0).stdout
    reader = exported(cast, "ja", "resync", "db1", "--way", "clone")
    person(cast, reader).follow(reader.steps)
    assert cast.follows("db1", "db2")
    assert "Nothing to do" in cast.tool("resync", "db1", "--yes", status=0).stdout
    sound(cast, "db1", "db2")


@pytest.mark.parametrize("language", ["en", pytest.param("ja", marks=pytest.mark.one_version)])
def test_who_rewinds_the_old_primary_by_hand_keeps_what_is_its_own(cast, language):
    own = cast.hba("db1")
    (cast.data("db1") / "of-its-own").mkdir()
    shutil.chown(cast.data("db1") / "of-its-own", cast.pair.area.user)
    lose(cast, "db1")
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    reader = exported(cast, language, "resync", "db1", "--way", "rewind")
    person(cast, reader).follow(reader.steps)
    assert cast.follows("db1", "db2")
    cast.caught_up("db1", "db2")
    assert cast.rows("db1", "SELECT to_regclass('ledger') IS NULL") == [(True,)], "it came with what is lost"
    assert cast.hba("db1") == own
    assert (cast.data("db1") / "of-its-own").is_dir()
    [aside] = cast.pair.area.path.glob("db1.detached-*")
    assert list((aside / "pg_wal").glob("00000001*"))
    role = cast.rows("db2", "SELECT has_function_privilege('repl_db1', 'pg_read_binary_file(text)', 'EXECUTE')")
    assert role == [(False,)]
    assert "Nothing to do" in cast.tool("resync", "db1", "--yes", status=0).stdout
    sound(cast, "db1", "db2")
    cast.switchover("db1")


@pytest.mark.one_version
def test_evidence_of_a_switchover_has_who_was_made_ready_and_what_was_seen(cast):
    cast.switchover("db2")
    said = cast.tool("export", "evidence", "db2", "--roles", "--lang", "en", status=0).stdout
    runs = said.split("\n## ")
    assert [run.splitlines()[0] for run in runs[1:3]] == ["Run 1: db1 made ready to follow db2", "Run 2: switchover"]
    assert re.search(r"\| Begun \| \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+[+-]\d\d:\d\d \|", runs[1])
    assert "db2 has all of its WAL" in runs[2]
    assert "begun, and not seen done" not in said
    assert "| db2 is the primary |" in said
    assert "| db2: in recovery | true | false |" in said
    assert "\nNone." in said
    cast.switchover("db1")
    first = cast.tool("export", "evidence", "db1", "--roles", "--earlier", "1", "--lang", "en", status=0).stdout
    assert first.splitlines()[0] == said.splitlines()[0]
    last = cast.tool("export", "evidence", "db1", "--roles", "--lang", "en", status=0).stdout
    assert "db1 becomes the primary, and db2 its standby" in last
    assert cast.tool("export", "evidence", "db9", "--roles").returncode == 2


@pytest.mark.one_version
def test_evidence_of_a_switchover_has_what_was_taken_back_before(cast):
    cast.switchover("db2", "--at", "false", status=5)
    cast.pair.wait(lambda: cast.follows("db2", "db1"))
    cast.switchover("db2")
    said = cast.tool("export", "evidence", "db2", "--roles", "--lang", "en", status=0).stdout
    headings = [line for line in said.splitlines() if line.startswith("## Run")]
    assert headings == ["## Run 1: db1 made ready to follow db2", "## Run 2: switchover", "## Run 3: switchover"]
    assert "R409: the change of roles was taken back: the hook at failed: false" in said
    assert "| db2 is the primary |" in said
    assert cast.tool("export", "evidence", "db2", "--roles", "--earlier", "1").returncode == 2


@pytest.mark.one_version
def test_evidence_of_a_failover_and_of_the_resync_after_it(cast):
    os.kill(int((cast.data("db1") / "postmaster.pid").read_text().splitlines()[0]), 9)
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    cast.tool("resync", "db1", "--yes", status=0)
    said = cast.tool("export", "evidence", "db1", "--roles", "--lang", "en", status=0).stdout
    assert "# Evidence: db2 takes the place of db1 (failover)" in said
    assert "db2 is the primary after" in said
    assert "killed, power lost" not in said
    said = cast.tool("export", "evidence", "db1", "--lang", "en", status=0).stdout
    assert "## Run 1: resync" in said
    assert "| done |" in said
