"""slots create, drop, cap and keep: done, undone with nothing left behind, and refused on evidence."""

import json
import re
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from standbyctl.app.session import silent
from standbyctl.app.slotwork import open_work
from standbyctl.app.state import State
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.slots import OldSlot
from standbyctl.domain.version import NEWEST_KNOWN
from standbyctl.engine.run import Run
from standbyctl.lab.load import passfile
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.perform import perform
from standbyctl.nodes.ports import Door
from standbyctl.nodes.world import World
from standbyctl.steps.slots import CreateLogicalSlot, DropSlot

pytestmark = [pytest.mark.live]
CAPPED = "max_slot_wal_keep_size = '1GB'"


def words(done):
    return " ".join((done.stdout + done.stderr).split())


def slots(pair, *args, status=0, **options):
    return pair.tool("slots", *args, "-p", pair.primary.conninfo, "--yes", status=status, **options)


def there(pair):
    return [name for (name,) in pair.primary.rows("SELECT slot_name::text FROM pg_replication_slots ORDER BY 1")]


def in_force(pair, name):
    return pair.primary.rows("SELECT current_setting(%s)", name)[0][0]


def configure(pair, *lines):
    """Its owner's deed: a parameter that is read at server start."""
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("".join(f"{line}\n" for line in lines))
    pair.primary.stop("fast")
    pair.primary.start()


def make(pair, name, kind="physical"):
    pair.primary.rows(f"SELECT pg_create_{kind}_replication_slot('{name}', true)")


def anyhow(pair, name):
    """Before 17 it is not known since when a slot is idle."""
    return ("--abandon", name) if pair.area.major < 17 else ()


def write_wal(pair, segments):
    for _ in range(segments):
        pair.primary.rows("SELECT pg_logical_emit_message(false, 'test', 'x')")
        pair.primary.rows("SELECT pg_switch_wal()")


@contextmanager
def reader(pair, slot):
    """Somebody who reads a slot; he has let it go when this ends."""
    directory = pair.area.path / f"wal_{slot}"
    directory.mkdir()
    shutil.chown(directory, pair.area.user)
    program = [*pair.area.as_user(), str(pair.area.bin / "pg_receivewal"), "-D", str(directory), "-S", slot, "-w"]
    conninfo = f"host={pair.area.path} port={pair.primary.port} user=postgres application_name=archiver"
    hba = pair.primary.data / "pg_hba.conf"
    kept = hba.read_bytes()
    hba.write_text("local replication all trust\n" + kept.decode())
    pair.primary.rows("SELECT pg_reload_conf()")
    process = subprocess.Popen([*program, "-d", conninfo], cwd="/", env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    pair.processes.append(process)
    try:
        pair.wait(lambda: pair.primary.rows("SELECT active FROM pg_replication_slots WHERE slot_name = %s", slot)[0][0])
        yield process
    finally:
        process.terminate()
        process.wait()
        pair.wait(lambda: not pair.primary.rows("SELECT FROM pg_replication_slots WHERE active"))
        hba.write_bytes(kept)
        pair.primary.rows("SELECT pg_reload_conf()")


@pytest.mark.sample
def test_a_limit_a_slot_and_wal_that_is_kept_come_and_go_and_leave_nothing_behind(pair):
    before, facts = pair.raw(), pair.facts()
    done = slots(pair, "create", "db3", status=1)
    assert "CODE: S315" in words(done)
    assert pair.raw() == before

    assert "-1 (no limit) -> 1GB" in words(slots(pair, "cap", "1GB"))
    assert in_force(pair, "max_slot_wal_keep_size") == "1GB"
    assert "Nothing to do" in words(slots(pair, "cap", "1GB"))
    slots(pair, "create", "db3")
    assert pair.primary.rows("SELECT slot_type, restart_lsn IS NOT NULL FROM pg_replication_slots") == [
        ("physical", True)
    ]
    assert "Nothing to do" in words(slots(pair, "create", "db3"))
    slots(pair, "keep", "96MB")
    assert in_force(pair, "wal_keep_size") == "96MB"

    assert "BACK" in words(slots(pair, "keep", "--back"))
    # It was made a moment ago, and nobody has read it: that is no reader who may come back (17 and later).
    if pair.area.major < 17:
        assert "CODE: S313" in words(slots(pair, "drop", "db3", status=4))
    done = words(slots(pair, "drop", "db3", *anyhow(pair, "db3")))
    assert done.index("point of no return") < done.index("pg_drop_replication_slot")
    assert "Nothing to do" in words(slots(pair, "drop", "db3"))
    slots(pair, "cap", "--back")
    assert "Nothing to give back" in words(slots(pair, "cap", "--back"))
    assert pair.raw() == before
    assert pair.facts() == facts


def test_what_is_only_shown_changes_nothing_and_machines_read_what_people_see(pair):
    before = pair.raw()
    where = ("-p", pair.primary.conninfo)
    done = pair.tool("slots", "cap", "1GB", *where, "-n", status=0)
    assert "ALTER SYSTEM SET max_slot_wal_keep_size = '1GB';" in words(done)
    plan = json.loads(pair.tool("slots", "create", "db3", "--no-cap", *where, "--json", status=0).stdout)
    assert (plan["schema"], plan["action"], plan["verdict"]) == ("standbyctl.slots/1", "create", "planned")
    assert (plan["slot"], plan["irreversible"], plan["impact"]) == ("db3", False, "NONE")
    assert pair.raw() == before
    assert "Give --yes" in words(pair.tool("slots", "create", "db3", "--no-cap", *where, status=2))
    assert pair.raw() == before
    made = json.loads(slots(pair, "create", "db3", "--no-cap", "--json").stdout)
    assert (made["verdict"], there(pair)) == ("created", ["db3"])
    gone = json.loads(slots(pair, "drop", "db3", "--json", *anyhow(pair, "db3")).stdout)
    assert (gone["verdict"], gone["irreversible"], gone["undo"], there(pair)) == ("dropped", True, None, [])
    assert json.loads(slots(pair, "drop", "db3", "--json").stdout)["verdict"] == "nothing to do"


def test_a_name_that_is_taken_or_cannot_be_is_refused(pair):
    configure(pair, "wal_level = logical", CAPPED)
    make(pair, "one")
    before = pair.raw()
    assert "S310" in words(slots(pair, "create", "one", "--logical", "pgoutput", "--database", "postgres", status=1))
    assert "C108" in words(slots(pair, "create", "One", status=2))
    assert "go together" in words(slots(pair, "create", "two", "--logical", "pgoutput", status=2))
    with pair.primary.connect() as conn:
        conn.execute("SELECT pg_create_physical_replication_slot('passing', true, true)")
        assert "belongs to a session" in words(slots(pair, "create", "passing", status=1))
        assert "S311" in words(slots(pair, "drop", "passing", status=4))
    assert pair.raw() == before


def test_a_logical_slot_is_made_in_its_database_and_dropped_again(pair):
    configure(pair, "wal_level = logical", CAPPED)
    pair.primary.rows('CREATE DATABASE "o\'d d"')
    before = pair.raw()
    options = ("--logical", "pgoutput", "--database", "o'd d")
    newer = pair.area.major >= 17
    slots(pair, "create", "sub", *options, *(("--failover",) if newer else ()))
    assert pair.primary.rows("SELECT plugin::text, database::text FROM pg_replication_slots") == [("pgoutput", "o'd d")]
    assert "Nothing to do" in words(slots(pair, "create", "sub", *options))
    assert "S310" in words(slots(pair, "create", "sub", "--logical", "pgoutput", "--database", "postgres", status=1))
    assert "holds back vacuum" in words(slots(pair, "drop", "sub", *anyhow(pair, "sub")))
    assert pair.raw() == before
    if not newer:
        assert "S319" in words(slots(pair, "create", "sub", *options, "--failover", status=1))


def test_what_only_a_restart_brings_is_said(pair):
    configure(pair, "max_replication_slots = 1", CAPPED)
    done = slots(pair, "create", "sub", "--logical", "pgoutput", "--database", "postgres", status=1)
    assert "P102" in words(done)
    assert "--stage-restart --wal-level logical" in words(done)
    make(pair, "one")
    assert "1 of 1 replication slots are in use" in words(slots(pair, "create", "two", status=1))


def test_a_slot_that_is_read_is_never_dropped_and_one_just_let_go_only_by_its_name(pair):
    make(pair, "archive")
    started = pair.started_at()
    with reader(pair, "archive"):
        done = words(slots(pair, "drop", "archive", "--abandon", "archive", status=4))
        assert "CODE: S311" in done
        assert "application_name archiver; from local; pid" in done
        # What is evaluated where it acts: whoever comes between the plan and the deed.
        conform(pair, DropSlot("db1", "archive", "physical", "", True, False), drops=False)
        assert there(pair) == ["archive"]
    refused = words(slots(pair, "drop", "archive", status=4))
    assert "CODE: S313" in refused
    assert (f"cannot be known on PostgreSQL {pair.area.major}" in refused) == (pair.area.major < 17)
    conform(pair, DropSlot("db1", "archive", "physical", "", False, False), drops=False)
    # Nor what was planned for one that was lost: this one was made anew.
    conform(pair, DropSlot("db1", "archive", "physical", "", True, True, lost=True), drops=False)
    assert there(pair) == ["archive"]
    slots(pair, "drop", "archive", "--abandon", "archive")
    assert there(pair) == []
    assert pair.started_at() == started


def conform(pair, step, drops):
    """The effects alone, again and again, with no engine between."""
    from standbyctl.nodes.libpq import LibpqServer

    server = LibpqServer("db1", {**dict(part.split("=") for part in pair.primary.conninfo.split()),
                                 "password": pair.primary.password})  # fmt: skip
    world = World({"db1": Door(None, server)}, SystemClock(), lambda said: None)
    for _ in range(2):
        for effect in step.effects():
            perform(effect, world)
        assert drops == (step.slot not in there(pair))


def test_the_effects_of_a_step_done_twice_are_as_done_once(pair):
    configure(pair, "wal_level = logical")
    conform(pair, CreateLogicalSlot("db1", "sub", "pgoutput", "postgres", False), drops=False)
    assert there(pair) == ["sub"]
    conform(pair, DropSlot("db1", "sub", "physical", "", True, False), drops=False)
    conform(pair, DropSlot("db1", "sub", "logical", "postgres", True, False), drops=True)


@pytest.mark.majors(17, NEWEST_KNOWN)
def test_a_slot_that_failover_slots_wait_for_goes_only_by_its_own_name(pair):
    configure(pair, "wal_level = logical", CAPPED)
    slots(pair, "create", "old")
    options = ("--logical", "pgoutput", "--database", "postgres")
    slots(pair, "create", "sub", *options)
    refused = words(slots(pair, "create", "sub", *options, "--failover", status=1))
    assert "CODE: S310" in refused
    assert "no failover slot" in refused
    pair.primary.rows("""ALTER SYSTEM SET synchronized_standby_slots = 'other, OLD'""")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: in_force(pair, "synchronized_standby_slots") != "")
    refused = words(slots(pair, "drop", "old", status=4))
    assert "CODE: S312" in refused
    assert "synchronized_standby_slots = " in refused
    # What is evaluated where it acts: whoever names it there between the plan and the deed.
    conform(pair, DropSlot("db1", "old", "physical", "", True, True), drops=False)
    assert there(pair) == ["old", "sub"]
    slots(pair, "drop", "sub")
    assert "names it: until it is taken out there" in words(slots(pair, "drop", "old", "--abandon", "old"))
    assert there(pair) == []
    pair.primary.rows("ALTER SYSTEM RESET synchronized_standby_slots")
    pair.primary.rows("SELECT pg_reload_conf()")


def test_whoever_begins_to_read_after_the_plan_was_seen_stops_the_run(pair, monkeypatch):
    make(pair, "archive")
    monkeypatch.setenv("PGPASSFILE", str(passfile(pair.primary)))
    asked = OldSlot("archive", ("archive",))

    def late(do):
        def deed(effect):
            with reader(pair, "archive"):
                do(effect)

        return deed

    work = open_work(pair.primary.conninfo, "", asked, State(pair.state), silent, late)
    seen = []
    try:
        plan = work.plan(work.look())
        with pytest.raises(StoppedError) as stopped:
            work.follow(lambda event: None, plan, seen.append)
    finally:
        work.close()
    assert isinstance(seen[0], Run)
    assert stopped.value.code == "A205"
    assert there(pair) == ["archive"]
    slots(pair, "drop", "archive", "--abandon", "archive")


@pytest.mark.seldom
def test_the_slot_of_a_standby_that_is_away_goes_only_with_its_name(pair):
    pair.attach("--wal-cap", "1GB")
    held = words(pair.tool("slots", "drop", "db2", "--yes", status=4))
    assert "S311" in held
    assert "standbyctl detach db2" in held
    # The standby itself can have slots, and a limit of its own; it is known by its name.
    where = ("-p", "db2", "--yes")
    pair.tool("slots", "cap", "2GB", *where, status=0)
    pair.tool("slots", "create", "below", *where, status=0)
    logical = ("--logical", "pgoutput", "--database", "postgres")
    assert "S319" in words(pair.tool("slots", "create", "sub", *logical, *where, status=1))
    with pair.standby() as conn:
        [(cap, names)] = conn.execute(
            "SELECT current_setting('max_slot_wal_keep_size'), array(SELECT slot_name::text FROM pg_replication_slots)"
        ).fetchall()
    assert (cap, names) == ("2GB", ["below"])
    assert (in_force(pair, "max_slot_wal_keep_size"), there(pair)) == ("1GB", ["db2"])
    pair.tool("slots", "drop", "below", *anyhow(pair, "below"), *where, status=0)
    by_conninfo = ("-p", f"host=127.0.0.1 port={pair.port} user=postgres dbname=postgres", "--yes")
    assert "= 1GB is in force then" in words(pair.tool("slots", "cap", "--back", *by_conninfo, status=0))

    started = pair.started_at()
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")
    pair.wait(lambda: not pair.primary.rows("SELECT FROM pg_replication_slots WHERE active"))
    done = words(pair.tool("slots", "drop", "db2", "--yes", status=4))
    assert "CODE: S312" in done
    assert "it is away for the moment" in done
    assert "S312" in words(pair.tool("slots", "drop", "db2", "--yes", "--abandon", "db9", status=4))
    assert "db2 is abandoned" in words(pair.tool("slots", "drop", "db2", "--yes", "--abandon", "db2", status=0))
    assert (there(pair), pair.started_at()) == ([], started)
    pair.detach()


@pytest.mark.majors(17, NEWEST_KNOWN)
@pytest.mark.seldom
def test_a_slot_that_a_standby_has_from_its_primary_is_not_dropped_there(pair):
    configure(pair, "wal_level = logical", CAPPED, "hot_standby_feedback = on")
    pair.attach()
    slots(pair, "create", "sub", "--logical", "pgoutput", "--database", "postgres", "--failover")
    hba = pair.primary.data / "pg_hba.conf"
    hba.write_text("host all,replication postgres 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
    pair.primary.rows("SELECT pg_reload_conf()")
    conninfo = f"{pair.primary.conninfo} password={pair.primary.password} application_name=db2"
    with pair.standby() as conn:
        conn.execute(f"ALTER SYSTEM SET primary_conninfo = '{conninfo}'")
        conn.execute("ALTER SYSTEM SET sync_replication_slots = on")
        conn.execute("SELECT pg_reload_conf()")
    query = "SELECT 1 FROM pg_replication_slots WHERE synced AND NOT temporary"

    def synced():
        # It is kept there only once it is no further back than the standby's own WAL.
        pair.primary.rows("SELECT pg_log_standby_snapshot()")
        pair.primary.rows("SELECT pg_replication_slot_advance('sub', pg_current_wal_lsn())")
        with pair.standby() as conn:
            return conn.execute(query).fetchall()

    pair.wait(synced, 40)
    where = ("-p", f"host=127.0.0.1 port={pair.port} user=postgres dbname=postgres", "--yes")
    assert "CODE: S314" in words(pair.tool("slots", "drop", "sub", *where, "--abandon", "sub", status=1))


def test_a_limit_that_would_lose_a_slot_is_refused_until_it_is_named(pair):
    make(pair, "old")
    write_wal(pair, 6)
    before, started = pair.raw(), pair.started_at()
    done = words(slots(pair, "cap", "64MB", status=4))
    assert "CODE: S316" in done
    assert "--lose old" in done
    least = done.split("The smallest that keeps them all is ")[1].split()[0]
    assert "S316" in words(slots(pair, "cap", "64MB", "--lose", "other", status=4))
    assert pair.raw() == before
    slots(pair, "cap", least)
    pair.primary.rows("CHECKPOINT")
    assert pair.primary.rows("SELECT wal_status FROM pg_replication_slots")[0][0] != "lost"
    assert "old keeps" in words(slots(pair, "cap", "64MB", "--lose", "old"))
    pair.primary.rows("CHECKPOINT")
    assert pair.primary.rows("SELECT wal_status FROM pg_replication_slots") == [("lost",)]
    assert "S310" in words(slots(pair, "create", "old", status=1))
    assert "it is lost already" in words(slots(pair, "drop", "old"))
    slots(pair, "cap", "--back")
    assert (in_force(pair, "max_slot_wal_keep_size"), pair.started_at()) == ("-1", started)


def test_what_is_too_little_too_much_or_no_size_is_refused(pair):
    before = pair.raw()
    assert "S317" in words(slots(pair, "cap", "32MB", status=1))
    assert "C107" in words(slots(pair, "cap", "20", status=2))
    assert "C107" in words(slots(pair, "keep", "1MB", status=2))
    assert "S318" in words(slots(pair, "keep", "1000TB", status=1))
    assert "give either" in words(slots(pair, "cap", status=2))
    assert "give either" in words(slots(pair, "keep", "1GB", "--back", status=2))
    assert pair.raw() == before
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("max_slot_wal_keep_size = 900MB\n")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: in_force(pair, "max_slot_wal_keep_size") == "900MB")
    done = words(slots(pair, "cap", "none"))
    assert "ALTER SYSTEM overrides that" in done
    assert "nothing bounds what a slot keeps then" in done
    assert in_force(pair, "max_slot_wal_keep_size") == "-1"
    assert "= 900MB is in force then" in words(slots(pair, "cap", "--back"))
    assert in_force(pair, "max_slot_wal_keep_size") == "900MB"


def test_what_somebody_has_set_since_survives_and_what_was_theirs_before_comes_back(pair):
    pair.primary.rows("ALTER SYSTEM SET max_slot_wal_keep_size = '3GB'")
    pair.primary.rows("SELECT pg_reload_conf()")
    before = pair.raw()
    slots(pair, "cap", "1GB")
    slots(pair, "cap", "2GB")
    slots(pair, "cap", "--back")
    assert pair.raw() == before
    slots(pair, "cap", "1GB")
    pair.primary.rows("ALTER SYSTEM SET max_slot_wal_keep_size = '5GB'")
    pair.primary.rows("SELECT pg_reload_conf()")
    done = words(slots(pair, "cap", "--back"))
    assert "is 5GB: not as it was set from here, so it is kept" in done
    assert in_force(pair, "max_slot_wal_keep_size") == "5GB"


def test_a_file_that_waits_to_be_loaded_or_that_others_keep_is_not_reloaded_behind_their_backs(pair):
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("synchronous_standby_names = '*'\n")
    before = pair.raw()
    assert "P110" in words(slots(pair, "cap", "1GB", status=1))
    assert pair.raw() == before
    slots(pair, "create", "db3", "--no-cap")  # which reloads nothing
    slots(pair, "drop", "db3", *anyhow(pair, "db3"))
    assert pair.raw() == before


@pytest.mark.majors(15, NEWEST_KNOWN)
def test_what_is_printed_is_enough_for_a_role_with_no_other_rights(pair):
    before, given = pair.raw(), 0
    pair.primary.rows(f"CREATE ROLE tool LOGIN PASSWORD '{pair.primary.password}'")
    entry = pair.area.path / "weak.pgpass"
    entry.write_text(f"*:*:*:*:{pair.primary.password}\n")
    entry.chmod(0o600)
    where = ("-p", pair.primary.conninfo.replace("user=postgres", "user=tool"), "--yes")

    def weak(*args, status=0):
        return pair.tool("slots", *args, *where, status=status, env={"PGPASSFILE": str(entry)})

    for args in (("create", "db3", "--no-cap"), ("cap", "1GB"), ("keep", "96MB")):
        refused = weak(*args, status=1)
        assert "CODE: P116" in words(refused)
        lines = [line.strip() for line in refused.stderr.splitlines() if line.strip().endswith(";")]
        given += len(lines)
        for line in lines:
            pair.primary.rows(line)
        weak(*args)
    assert given == 6
    for args in (("drop", "db3", *anyhow(pair, "db3")), ("cap", "--back"), ("keep", "--back")):
        weak(*args)
    for line in ("DROP OWNED BY tool", "DROP ROLE tool"):
        pair.primary.rows(line)
    assert pair.raw() == before


def test_the_server_is_found_by_what_is_known_here(pair):
    done = pair.tool("slots", "cap", "1GB", "--yes", status=2)
    assert "C113" in words(done)
    slots(pair, "cap", "1GB")
    pair.tool("slots", "cap", "--back", "--yes", status=0)
    assert in_force(pair, "max_slot_wal_keep_size") == "-1"


def test_the_list_shows_who_uses_each_and_what_it_holds(pair):
    pair.attach()
    pair.primary.rows("SELECT pg_create_physical_replication_slot('old_dr', true)")
    pair.primary.rows("SELECT pg_logical_emit_message(false, 'x', repeat('x', 2000000))")
    said = pair.tool("slots", "list", status=0).stdout
    assert re.search(r"(?m)^db2 +\| physical \| db2 +\| reserved \| ", said)
    assert re.search(r"(?m)^old_dr +\| physical \| nobody.* \| reserved \| +\d+(\.\d)? MB \| ", said)
    assert "db2 " not in pair.tool("slots", "list", "--unused", status=0).stdout
    found = json.loads(pair.tool("slots", "list", "--json", status=0).stdout)
    assert [(slot["name"], slot["used_by"], slot["active"]) for slot in found["slots"]] == [
        ("db2", "db2", True),
        ("old_dr", None, False),
    ]
