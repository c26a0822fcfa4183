"""What somebody else changes between attach and detach survives both."""

import shutil
import subprocess

import pytest

pytestmark = [pytest.mark.live, pytest.mark.sample, pytest.mark.one_version]


def words(done):
    return " ".join(done.stdout.split())


def test_a_role_that_was_changed_stays(pair):
    pair.attach()
    pair.primary.rows("ALTER ROLE repl_db2 CONNECTION LIMIT 3")
    done = pair.detach()
    assert pair.primary.rows("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'repl_db2'") == [(3,)]
    assert "role: not as we left it, so it is kept as it is" in words(done)


def test_a_password_that_was_changed_stays(pair):
    pair.attach()
    pair.primary.rows("ALTER ROLE repl_db2 PASSWORD 'theirs'")
    before = pair.primary.rows("SELECT rolpassword FROM pg_authid WHERE rolname = 'repl_db2'")
    pair.attach(status=1)
    assert pair.primary.rows("SELECT rolpassword FROM pg_authid WHERE rolname = 'repl_db2'") == before
    pair.detach()
    assert pair.primary.rows("SELECT rolpassword FROM pg_authid WHERE rolname = 'repl_db2'") == before


def test_other_lines_and_an_edited_line_of_pg_hba_conf_stay(pair):
    pair.attach()
    hba = pair.primary.data / "pg_hba.conf"
    text = hba.read_text()
    edited = text.replace("# standbyctl: db2", "# ours now") + "host app app 10.0.0.0/8 scram-sha-256\n"
    hba.write_text(edited)
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.detach()
    assert hba.read_text() == edited


def test_a_line_that_was_added_beside_ours_stays(pair):
    hba = pair.primary.data / "pg_hba.conf"
    original = hba.read_text()
    pair.attach()
    hba.write_text(hba.read_text() + "host app app 10.0.0.0/8 scram-sha-256\n")
    pair.detach()
    assert hba.read_text() == original + "host app app 10.0.0.0/8 scram-sha-256\n"


def test_a_setting_that_was_changed_stays(pair):
    pair.attach()
    pair.primary.rows("ALTER SYSTEM SET max_slot_wal_keep_size = '3GB'")
    pair.primary.rows("SELECT pg_reload_conf()")
    done = pair.detach()
    assert pair.primary.rows("SHOW max_slot_wal_keep_size") == [("3GB",)]
    assert "max_slot_wal_keep_size is 3GB: not as attach left it, so it is kept" in words(done)


def test_other_settings_stay(pair):
    pair.attach()
    pair.primary.rows("ALTER SYSTEM SET work_mem = '7MB'")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.detach()
    pair.wait(lambda: pair.primary.rows("SHOW max_slot_wal_keep_size") == [("-1",)])
    assert pair.primary.rows("SHOW work_mem") == [("7MB",)]


def test_a_slot_that_was_made_anew_as_something_else_stays(pair):
    pair.attach()
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")
    pair.primary.rows("SELECT pg_drop_replication_slot('db2')")
    pair.primary.rows("SELECT pg_create_physical_replication_slot('db2')")
    done = pair.detach()
    assert pair.primary.rows("SELECT slot_name::text FROM pg_replication_slots") == [("db2",)]
    assert 'the slot "db2" is kept' in words(done)


def test_a_passfile_that_was_changed_stays(pair):
    pair.attach()
    passfile = pair.area.path / "db2.pgpass"
    text = passfile.read_text() + "other:5432:*:me:secret\n"
    passfile.write_text(text)
    pair.detach()
    assert passfile.read_text() == text


def test_the_cap_stays_while_a_later_slot_relies_on_it(pair):
    pair.attach()
    pair.primary.rows("SELECT pg_create_physical_replication_slot('db3', true)")
    done = pair.detach()
    assert pair.primary.rows("SHOW max_slot_wal_keep_size") != [("-1",)]
    assert "slots made since then rely on it (db3)" in words(done)


def test_a_setting_that_was_there_before_is_given_back(pair):
    pair.primary.rows("ALTER SYSTEM SET max_slot_wal_keep_size = '900MB'")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SHOW max_slot_wal_keep_size") == [("900MB",)])
    before = pair.raw()
    pair.attach("--wal-cap", "2GB")
    assert pair.primary.rows("SHOW max_slot_wal_keep_size") == [("2GB",)]
    pair.detach()
    assert pair.raw() == before


def test_a_promoted_standby_is_not_touched(pair):
    pair.attach()
    with pair.standby() as conn:
        conn.execute("SELECT pg_promote()")
    before = pair.raw()
    done = pair.detach(status=4)
    assert "db2 is not a standby any more" in done.stderr
    assert pair.raw() == before
    with pair.standby() as conn:
        assert conn.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)


def test_a_standby_that_somebody_uses_is_not_stopped(pair):
    pair.attach()
    with pair.standby(application_name="report"):
        done = pair.detach(status=4)
    assert "Sessions of others that are connected to it: 1" in " ".join(done.stderr.split())
    with pair.standby() as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_standby_that_somebody_else_started_is_not_stopped(pair):
    pair.attach()
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")
    pair.area.run("pg_ctl", "start", "-w", "-s", "-D", str(pair.data), "-l", str(pair.area.path / "db2.log"))
    done = pair.detach(status=4)
    assert "attach did not start it as it runs now" in " ".join(done.stderr.split())
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")
    pair.detach()


def test_a_standby_with_a_standby_is_not_stopped(pair):
    pair.attach()
    copy = pair.area.path / "db3"
    with pair.standby() as conn:
        conn.execute("SELECT 1")
    copy.mkdir()
    shutil.chown(copy, pair.area.user)

    line = pair.data / "pg_hba.conf"
    line.write_text(line.read_text() + "host replication postgres 127.0.0.1/32 scram-sha-256\n")
    with pair.standby() as conn:
        conn.execute("SELECT pg_reload_conf()")
    argv = [*pair.area.as_user(), str(pair.area.bin / "pg_basebackup"), "-D", str(copy / "x"), "-X", "none",
            "-h", "127.0.0.1", "-p", str(pair.port), "-U", "postgres", "-w", "--max-rate", "32k"]  # fmt: skip
    backup = subprocess.Popen(argv, env={"PGPASSFILE": str(pair.area.path / ".db1.pgpass"), "PGAPPNAME": "db3"})
    try:
        with pair.standby() as conn:
            pair.wait(lambda: conn.execute("SELECT count(*) FROM pg_stat_replication").fetchone() == (1,))
        done = pair.detach(status=4)
        assert "db2 has standbys of its own" in done.stderr
    finally:
        backup.terminate()
        backup.wait()
