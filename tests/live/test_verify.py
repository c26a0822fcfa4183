"""Each condition staged on a real pair, and seen to change exactly its line."""

import json
import os
import pwd
import shutil
import signal
import time

import psycopg
import pytest

from standbyctl.app import trial
from standbyctl.app.session import silent
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.version import NEWEST_KNOWN
from standbyctl.lab.load import passfile
from standbyctl.lab.server import Primary
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.libpq import LibpqServer, parse_conninfo
from standbyctl.nodes.local import LocalHost
from standbyctl.nodes.perform import perform
from standbyctl.nodes.ports import Door
from standbyctl.nodes.world import World

pytestmark = [pytest.mark.live, pytest.mark.one_version]
SOON = ("--for", "300ms")
EVERY = ["V805", "V801", "V802", "V803", "V804", "V806", "V807", "V808", "V809"]


def lets_nobody_in(pair):
    try:
        pair.standby().close()
    except psycopg.OperationalError:
        return True
    return False


def verify(pair, *args, status, **options):
    """The checks that are not OK, as {code: (status, what was seen)}; and that the codes are as they always are."""
    name = () if "-s" in args else ("db2",)
    done = pair.tool("verify", *name, "--json", *SOON, *args, status=status, **options)
    record = json.loads(done.stdout)
    assert record["schema"] == "standbyctl.verify/1"
    assert record["verdict"] == {0: "verified", 1: "not verified", 3: "unknown"}[status]
    assert [each["code"] for each in record["checks"]][: len(EVERY) - 1] == EVERY[:-1]
    return {each["code"]: (each["status"], each["seen"]) for each in record["checks"] if each["status"] != "OK"}


def statuses(found):
    return {code: status for code, (status, _) in found.items()}


@pytest.fixture
def attached(pair):
    pair.attach()
    return pair


def reload(pair, statement, port=None):
    with pair.primary.connect(port) as conn:
        conn.execute(statement)
        conn.execute("SELECT pg_reload_conf()")


def databases(pair):
    return [row[0] for row in pair.primary.rows("SELECT datname FROM pg_database ORDER BY 1")]


def as_role(pair, *grants):
    """Connection parameters of a role without a superuser's rights."""
    pair.primary.rows(f"CREATE ROLE mon LOGIN PASSWORD '{pair.primary.password}'")
    for grant in grants:
        pair.primary.rows(f"GRANT {grant} TO mon")
    entry = pair.area.path / "mon.pgpass"
    entry.write_text(f"*:*:*:mon:{pair.primary.password}\n")
    entry.chmod(0o600)
    return ("-p", pair.primary.conninfo.replace("user=postgres", "user=mon")), {"PGPASSFILE": str(entry)}


@pytest.mark.sample
def test_a_healthy_pair_is_verified_and_nothing_is_left_behind(attached):
    pair, before = attached, attached.raw()
    done = pair.tool("verify", *SOON, status=0)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("VERIFIED  db2 is a true, current copy of ")
    assert lines[-1] == "VERIFIED  9 checks: 9 OK"
    assert verify(pair, status=0) == {}
    assert verify(pair, "--test-table", status=0) == {}
    assert pair.raw() == before
    effects = [pair.tool("verify", *SOON, *more, "--debug", status=0).stderr for more in ([], ["--no-mark"])]
    assert effects[0].count("debug:") == effects[0].count("pg_logical_emit_message") == 1
    assert effects[1] == "", "reads only"


def test_a_standby_attached_by_hand_is_verified_as_well(attached):
    pair = attached
    standby = pair.primary.conninfo.replace(str(pair.primary.port), str(pair.port))
    shutil.rmtree(pair.state)
    assert verify(pair, "-p", pair.primary.conninfo, "-s", standby, status=0) == {}
    assert "which primary?" in pair.tool("verify", "-s", standby, status=2).stderr
    assert "nothing is known here" in pair.tool("verify", "db2", "-s", standby, status=2).stderr
    # The other way about, and one for the other: both are seen.
    assert statuses(verify(pair, "-p", standby, "-s", standby, status=1))["V801"] == "FAIL"
    swapped = verify(pair, "-p", standby, "-s", pair.primary.conninfo, status=1)
    assert "are they swapped?" in swapped["V801"][1]
    assert {seen for code, (_, seen) in swapped.items() if code != "V801"} == {"not looked at: see V801"}


def test_another_cluster_is_never_taken_for_the_primary_and_nothing_is_written_there(attached):
    pair = attached
    other = Primary.create(pair.area, "other")
    standby = pair.primary.conninfo.replace(str(pair.primary.port), str(pair.port))
    entries = pair.area.path / "both.pgpass"
    entries.write_text(
        f"*:{other.port}:*:postgres:{other.password}\n*:{pair.port}:*:postgres:{pair.primary.password}\n"
    )
    entries.chmod(0o600)
    env = {"PGPASSFILE": str(entries)}
    args = ("-p", other.conninfo, "-s", standby, "--test-table", "--debug")
    for name, said in (("db2", "another cluster than at the attach"), ("", "is no copy of")):
        done = pair.tool("verify", *([name] if name else []), *args, *SOON, status=1, env=env)
        assert said in " ".join(done.stdout.split())
        assert "debug:" not in done.stderr, "no effect at all"


def test_a_receiver_that_is_cut_off_changes_streaming_slot_lag_and_commit(attached):
    pair = attached
    pair.primary.rows("ALTER ROLE repl_db2 NOLOGIN")
    pair.primary.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    pair.wait(lambda: not pair.primary.rows("SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"))
    pair.wait(lambda: pair.primary.rows("SELECT active FROM pg_replication_slots") == [(False,)])
    found = verify(pair, status=1)
    assert statuses(found) == {"V803": "FAIL", "V805": "FAIL", "V808": "FAIL", "V809": "FAIL"}
    assert "has no walsender for db2" in found["V803"][1]
    # The commit that was marked is what it is behind by now; without one, and idle, it still is not current.
    idle = verify(pair, "--no-mark", status=1)
    assert idle["V808"][0] == "FAIL"


def test_a_replay_that_is_paused_changes_lag_and_commit(attached):
    pair = attached
    with pair.standby() as conn:
        conn.execute("SELECT pg_wal_replay_pause()")
    assert statuses(verify(pair, "--no-mark", status=1)) == {"V808": "FAIL"}, "also while there is nothing to replay"
    found = verify(pair, status=1)
    assert statuses(found) == {"V808": "FAIL", "V809": "FAIL"}
    assert found["V808"][1].startswith("replay is paused")
    with pair.standby() as conn:
        conn.execute("SELECT pg_wal_replay_resume()")
    pair.wait(lambda: statuses(verify(pair, status=0)) == {})


def test_a_lag_above_its_bound_is_seen_by_the_lsn(attached):
    pair = attached
    reload(pair, "ALTER SYSTEM SET recovery_min_apply_delay = '2s'", pair.port)
    ledger = pair.ledger()
    ledger.start()
    try:
        time.sleep(3)
        found = verify(pair, "--for", "2500ms", "--max-lag", "1s", status=1)
        assert statuses(found) == {"V808": "FAIL"}
        assert "at worst" in found["V808"][1]
        assert verify(pair, "--for", "2500ms", "--max-lag", "4s", status=0) == {}
    finally:
        ledger.stop()


def test_a_wrong_slot_changes_streaming_and_slot(attached):
    pair = attached
    pair.primary.rows("SELECT pg_create_physical_replication_slot('wrong', true)")
    reload(pair, "ALTER SYSTEM SET primary_slot_name = 'wrong'", pair.port)
    pair.wait(lambda: pair.primary.rows("SELECT 1 FROM pg_replication_slots WHERE active AND slot_name = 'wrong'"))
    pair.wait(lambda: pair.primary.rows("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))
    found = verify(pair, status=1)
    assert statuses(found) == {"V803": "FAIL", "V805": "FAIL"}
    assert 'not slot "db2"' in found["V803"][1]


def test_a_passfile_that_libpq_would_not_use_changes_its_line(attached):
    pair = attached
    path = pair.area.path / "db2.pgpass"
    text, secret = path.read_text(), path.read_text().splitlines()[1].rsplit(":", 1)[1]
    path.chmod(0o644)
    assert "mode 0644" in verify(pair, status=1)["V806"][1]
    path.chmod(0o600)
    path.write_text(text.replace("*:*:*:", "*:1:*:"))
    assert "has no line for" in verify(pair, status=1)["V806"][1]
    path.write_text(text)
    shutil.chown(path, "root")
    if os.geteuid() == 0:
        assert "cannot be read" in verify(pair, status=1)["V806"][1]
    path.unlink()
    found = verify(pair, "--debug", status=1)
    assert statuses(found) == {"V806": "FAIL"}
    assert "is not there" in found["V806"][1]
    done = pair.tool("verify", "db2", *SOON, "--debug", status=1)
    assert secret not in done.stdout + done.stderr


def test_a_standby_that_was_promoted_is_no_copy_any_more(attached):
    pair = attached
    with pair.standby() as conn:
        conn.execute("SELECT pg_promote()")
    pair.wait(lambda: pair.primary.rows("SELECT active FROM pg_replication_slots") == [(False,)])
    found = verify(pair, status=1)
    unlooked = {"V809": "UNKNOWN"}  # nothing is written beside a second primary
    assert statuses(found) == dict.fromkeys(["V801", "V802", "V803", "V805", "V808"], "FAIL") | unlooked
    assert "it was promoted" in found["V801"][1]
    assert found["V802"][1].startswith("db2 is on 2")


def test_a_cap_that_is_gone_is_a_warning_and_a_slot_that_is_gone_is_not(attached):
    pair = attached
    reload(pair, "ALTER SYSTEM RESET max_slot_wal_keep_size")
    pair.wait(lambda: pair.primary.rows("SHOW max_slot_wal_keep_size") == [("-1",)])
    found = verify(pair, status=0)
    assert statuses(found) == {"V805": "WARN"}
    reload(pair, "ALTER SYSTEM SET primary_slot_name = ''", pair.port)
    pair.wait(lambda: pair.primary.rows("SELECT active FROM pg_replication_slots") == [(False,)])
    pair.primary.rows("SELECT pg_drop_replication_slot('db2')")
    pair.wait(lambda: pair.primary.rows("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))
    assert statuses(verify(pair, status=1)) == {"V803": "FAIL", "V805": "FAIL"}


def test_a_setting_below_the_primarys_that_waits_for_a_restart_changes_its_line(attached):
    pair = attached
    reload(pair, "ALTER SYSTEM SET max_connections = 50", pair.port)
    with pair.standby() as conn:
        pending = "SELECT pending_restart FROM pg_settings WHERE name = 'max_connections'"
        pair.wait(lambda: conn.execute(pending).fetchone() == (True,))
    found = verify(pair, status=1)
    assert statuses(found) == {"V804": "FAIL"}
    assert "will not start with less than the 100" in found["V804"][1]
    reload(pair, "ALTER SYSTEM SET max_connections = 150", pair.port)
    pair.wait(lambda: statuses(verify(pair, status=0)) == {"V804": "WARN"})


def give_more(pair):
    """The primary gets more connections than its standby has, and is restarted."""
    pair.primary.rows("ALTER SYSTEM SET max_connections = 300")
    found = verify(pair, status=0)
    assert statuses(found) == {"V804": "WARN"}, "in a file is enough: a restart needs no reload"
    assert "brings max_connections = 300, and db2 has 100" in found["V804"][1]
    pair.primary.stop("fast")
    pair.primary.start()


@pytest.mark.majors(13, 13)
def test_a_primary_that_was_given_more_ends_its_standby(attached):
    pair = attached
    give_more(pair)
    pair.primary.rows("CREATE TABLE other (n int)")
    pair.wait(lambda: "unreachable" in pair.tool("status").stdout)
    found = verify(pair, status=1)
    assert "has no walsender for db2, and db2 does not answer" in found["V803"][1]


@pytest.mark.majors(14, NEWEST_KNOWN)
def test_a_primary_that_was_given_more_pauses_its_standby(attached):
    pair = attached
    give_more(pair)
    pair.primary.rows("CREATE TABLE other (n int)")
    with pair.standby() as conn:
        pair.wait(lambda: conn.execute("SELECT pg_is_wal_replay_paused()").fetchone() == (True,))
    found = verify(pair, status=1)
    assert statuses(found) == {"V804": "FAIL", "V808": "FAIL", "V809": "FAIL"}
    assert "max_connections is 100, less than the 300" in found["V804"][1]


def test_a_standby_that_does_not_answer_is_a_finding_and_one_that_only_refuses_us_is_not(attached):
    pair = attached
    (pair.data / "pg_hba.conf").write_text("host replication all all scram-sha-256\n")
    with pair.standby() as conn:
        conn.execute("SELECT pg_reload_conf()")
    pair.wait(lambda: lets_nobody_in(pair))
    found = verify(pair, status=3)
    assert found["V801"][0] == found["V803"][0] == found["V809"][0] == "UNKNOWN"
    assert "V805" not in found
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")
    found = verify(pair, status=1)
    assert statuses(found)["V803"] == statuses(found)["V805"] == "FAIL"
    assert "has no walsender for db2, and db2 does not answer" in found["V803"][1]
    assert {status for status, _ in found.values()} == {"FAIL", "UNKNOWN"}


def test_a_primary_that_does_not_answer_is_not_the_standbys_fault(attached):
    pair = attached
    nobody = ("-p", "host=127.0.0.1 port=1 user=postgres dbname=postgres")
    standby = ("-s", pair.primary.conninfo.replace(str(pair.primary.port), str(pair.port)))
    found = verify(pair, *nobody, *standby, status=3)
    assert {code for code, (status, _) in found.items() if status == "UNKNOWN"} >= {"V801", "V803", "V805", "V809"}
    assert "FAIL" not in statuses(found).values()


def test_a_standby_is_looked_at_even_where_its_primary_is_down(attached):
    pair = attached
    pair.primary.stop("immediate")
    found = verify(pair, status=1)
    assert found["V801"][0] == "UNKNOWN"
    assert found["V803"] == ("FAIL", "db2 has no WAL receiver")
    assert "V806" not in found


def test_a_standby_that_is_frozen_is_not_known_to_be_current(attached):
    pair = attached
    pid = int((pair.data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        found = verify(pair, status=3)
        assert time.monotonic() - began < 40
        assert found["V801"][0] == "UNKNOWN"
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_role_with_pg_monitor_is_enough_and_without_it_nothing_is_guessed(attached):
    pair = attached
    where, env = as_role(pair, "pg_monitor")
    pair.wait(lambda: verify(pair, *where, status=0, env=env) == {})
    assert statuses(verify(pair, *where, "--test-table", status=3, env=env)) == {"V810": "UNKNOWN"}
    pair.primary.rows("REVOKE pg_monitor FROM mon")
    pair.wait(lambda: verify(pair, *where, status=3, env=env))
    found = verify(pair, *where, status=3, env=env)
    assert statuses(found) == {"V803": "UNKNOWN", "V806": "UNKNOWN"}
    assert "pg_monitor" in found["V803"][1]
    assert "pg_monitor" in found["V806"][1]


@pytest.mark.every_version
@pytest.mark.majors(15, NEWEST_KNOWN)  # a database has no version of its own before
def test_collations_made_with_another_version_are_named(attached):
    pair = attached
    if not pair.primary.rows("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'"):
        assert verify(pair, status=0) == {}, "built without ICU, as wheels are: nothing to compare"
        return
    pair.primary.rows("CREATE DATABASE words TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
    assert verify(pair, status=0) == {}
    pair.primary.rows("UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'words'")
    found = verify(pair, status=0)
    assert statuses(found) == {"V807": "WARN"}, (
        "here both servers have one library: the primary's indexes are no better"
    )
    assert "words (en-US 1.0, here " in found["V807"][1]
    pair.primary.rows("UPDATE pg_database SET datcollversion = NULL WHERE datname = 'words'")
    assert statuses(verify(pair, status=0)) == {"V807": "UNKNOWN"}


@pytest.mark.seldom
@pytest.mark.every_version
def test_damage_on_the_standby_is_found_by_deep_where_amcheck_is(attached):
    pair = attached
    if not pair.primary.rows("SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'"):
        assert statuses(verify(pair, "--deep", status=3)) == {"V811": "UNKNOWN"}
        return
    assert statuses(verify(pair, "--deep", status=3)) == {"V811": "UNKNOWN"}, "nowhere installed, and not by us"
    verdict = pair.tool("verify", "db2", "--deep", *SOON, status=3).stdout.split("\n\n")[0]
    assert "indexes (amcheck) (V811)" in " ".join(verdict.split()), "wherever it was folded"
    pair.primary.rows("CREATE EXTENSION amcheck")
    [(path,)] = pair.primary.rows("SELECT pg_relation_filepath('pgbench_accounts_pkey')")
    pair.wait(lambda: verify(pair, "--deep", status=0) == {})
    assert "then the time was up" in pair.tool("verify", "db2", "--deep", "--deep-for", "1ms", *SOON).stdout
    with pair.primary.connect() as conn, conn.transaction():
        conn.execute("LOCK TABLE pgbench_accounts")
        found = verify(pair, "--deep", status=0)
        assert found["V811"][0] == "WARN"
        assert "could not be checked: postgres: public.pgbench_accounts_pkey (55P03)" in found["V811"][1]
        assert "time was up" not in found["V811"][1]
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")
    with (pair.data / path).open("r+b") as file:
        file.seek(8192 * 3 + 4000)
        file.write(b"\xff" * 200)
    pair.area.run("pg_ctl", "start", "-w", "-s", "-D", str(pair.data), "-l", str(pair.area.path / "x.log"))
    pair.wait(lambda: pair.primary.rows("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))
    found = verify(pair, "--deep", status=1)
    assert found["V811"][0] == "FAIL"
    assert "pgbench_accounts_pkey" in found["V811"][1]
    assert verify(pair, "--deep", status=1)["V812"][0] == "FAIL", "and the server has counted it"


# --- the test table


def dying(pair, point, delay=0.0):
    note = pair.state / "note"
    env = {"DYING_POINT": point, "DYING_DELAY": str(delay), "DYING_NOTE": str(note)}
    done = pair.tool("verify", "db2", *SOON, "--test-table", module="tests.faults.dying", env=env)
    assert done.returncode == -signal.SIGKILL
    return note.read_text().splitlines()[-1]


PLAIN = ["postgres", "template0", "template1"]


def test_a_killed_test_table_is_known_as_ours_and_removed_by_the_next(attached):
    pair = attached
    assert dying(pair, "after:3") == "MakeTestDatabase died"
    assert databases(pair) == ["postgres", "replication_test", "template0", "template1"]
    found = verify(pair, status=0)
    assert statuses(found) == {"V810": "WARN"}
    assert "verify --test-table removes it" in found["V810"][1]
    assert verify(pair, "--test-table", status=0) == {}
    assert databases(pair) == PLAIN


@pytest.mark.seldom
def test_wherever_a_test_table_is_killed_the_next_one_removes_it(attached):
    pair, seen = attached, set()
    for n in range(1, 13):
        dying(pair, "during:3", n * 0.03)
        seen |= {re_named(name) for name in databases(pair)} - set(PLAIN)
        pair.wait(lambda: not pair.primary.rows("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE%'"))
        assert verify(pair, "--test-table", status=0) == {}
        assert databases(pair) == PLAIN
    print("left behind by a kill, and removed:", sorted(seen))


def re_named(name):
    return "standbyctl_test_HEX" if name.startswith("standbyctl_test_") else name


def test_a_database_of_that_name_that_is_not_ours_is_neither_used_nor_dropped(attached):
    pair = attached
    pair.primary.rows("CREATE DATABASE replication_test")
    pair.primary.rows("COMMENT ON DATABASE replication_test IS 'mine'")
    done = pair.tool("verify", "db2", "--test-table", status=4)
    assert "V810" in done.stderr
    assert "replication_test" in databases(pair)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_test_table_is_dropped(attached, number):
    pair = attached
    process = pair.start_tool("verify", "db2", *SOON, "--test-table")
    with pair.standby() as conn:
        pair.wait(lambda: any(name not in PLAIN for name in databases(pair)))
        conn.execute("SELECT pg_wal_replay_pause()")
        pair.wait(lambda: "replication_test" in databases(pair))
        process.send_signal(number)
        assert process.wait(30) == 130
        assert databases(pair) == PLAIN
        conn.execute("SELECT pg_wal_replay_resume()")
    assert "leaves nothing behind" in process.stdout.read()


@pytest.mark.seldom
def test_a_test_table_that_the_standby_never_shows_is_dropped_too(attached):
    pair = attached
    with pair.standby() as conn:
        conn.execute("SELECT pg_wal_replay_pause()")
    found = verify(pair, "--test-table", status=1)
    assert statuses(found) == {"V808": "FAIL", "V809": "FAIL", "V810": "FAIL"}
    assert databases(pair) == PLAIN


def test_a_test_table_that_cannot_be_dropped_is_named_and_removed_later(attached):
    pair = attached
    with pair.standby() as conn:
        process = pair.start_tool("verify", "db2", *SOON, "--test-table")
        pair.wait(lambda: any(name not in PLAIN for name in databases(pair)))
        conn.execute("SELECT pg_wal_replay_pause()")
        pair.wait(lambda: "replication_test" in databases(pair))
        pair.primary.stop("immediate")
        assert process.wait(60) == 5
        said = process.stdout.read()
        assert 'the test database "replication_test" may be left on' in said
        assert "V810" in said
        pair.primary.start()
        conn.execute("SELECT pg_wal_replay_resume()")
    pair.wait(lambda: pair.primary.rows("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))
    assert verify(pair, "--test-table", status=0) == {}
    assert databases(pair) == PLAIN


def test_two_test_tables_at_once_are_one_too_many(attached):
    pair = attached
    from standbyctl.nodes.locks import LOCK_DATABASE, TEST_LOCK_KEY

    with pair.primary.connect(dbname=LOCK_DATABASE) as conn:
        conn.execute(f"SELECT pg_advisory_lock({TEST_LOCK_KEY})")
        assert "another standbyctl run is at work" in pair.tool("verify", "db2", "--test-table", status=4).stderr
        assert verify(pair, status=0) == {}


@pytest.mark.parametrize(("lost_at", "made"), [("DropTestDatabases", False), ("MakeTestDatabase", True)])
def test_whoever_loses_the_lock_makes_nothing_more_and_drops_what_was_made(attached, monkeypatch, lost_at, made):
    pair, done = attached, []
    monkeypatch.setenv("PGPASSFILE", str(passfile(pair.primary)))
    primary = LibpqServer("db1", parse_conninfo(pair.primary.conninfo))
    standby = primary.at("db2", port=str(pair.port))
    world = World({"db1": Door(LocalHost(pwd.getpwuid(os.geteuid()).pw_name), primary)}, SystemClock(), silent)

    def do(effect):
        perform(effect, world)
        if type(effect).__name__ == lost_at and lost_at not in done:
            pair.primary.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        done.append(type(effect).__name__)

    try:
        if made:
            assert trial.run(primary, standby, do, SystemClock()).rows == 2, "it was read by then"
        else:
            with pytest.raises(StoppedError) as lost:
                trial.run(primary, standby, do, SystemClock())
            assert lost.value.code == "A203"
    finally:
        primary.close()
        standby.close()
    assert done == ["DropTestDatabases", *(["MakeTestDatabase", "DropTestDatabases"] if made else [])]
    assert databases(pair) == PLAIN


def test_a_database_of_somebody_else_is_not_dropped_whatever_its_name(pair):
    pair.attach()
    name = "standbyctl_test_0123456789abcdef"
    pair.primary.rows(f"CREATE DATABASE {name}")
    with pair.primary.connect(dbname=name) as conn:
        conn.execute("CREATE TABLE theirs (n int)")
    pair.tool("verify", "db2", "--test-table", "--for", "500ms", status=0)
    assert pair.primary.rows(f"SELECT 1 FROM pg_database WHERE datname = '{name}'") == [(1,)]


def test_nothing_is_written_beside_a_second_primary(pair):
    pair.attach()
    with pair.standby() as conn:
        conn.execute("SELECT pg_promote()")
    lsn = pair.primary.rows("SELECT pg_current_wal_insert_lsn()")
    pair.tool("verify", "db2", "--test-table", "--for", "500ms", status=1)
    assert not pair.primary.rows("SELECT 1 FROM pg_database WHERE datname = 'replication_test'")
    written = pair.primary.rows("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", lsn[0][0])[0][0]
    assert written < 100_000
