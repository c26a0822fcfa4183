"""What attackers did to attach and detach once, and what is kept from happening again."""

import shutil
import subprocess

import pytest

from standbyctl.lab.server import stop_server

pytestmark = [pytest.mark.live, pytest.mark.one_version, pytest.mark.settled]


def text(done):
    return " ".join((done.stdout + done.stderr).split())


def configure(pair, *lines, reload=True):
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("".join(f"{line}\n" for line in lines))
    if reload:
        pair.primary.stop("fast")
        pair.primary.start()


@pytest.mark.every_version
def test_the_standby_does_not_clean_archive_delay_or_log_where_its_primary_does(pair):
    archive, logs = pair.area.path / "archive", pair.area.path / "logs"
    for place in (archive, logs):
        place.mkdir()
        shutil.chown(place, pair.area.user)
    trigger = [f"promote_trigger_file = '{archive}/go'"] if pair.area.major < 16 else []
    configure(
        pair, "archive_mode = always", f"archive_command = 'cp %p {archive}/%f'",
        f"archive_cleanup_command = 'rm -f {archive}/*'", "recovery_min_apply_delay = '5min'",
        f"log_directory = '{logs}'", "logging_collector = on", *trigger,
    )  # fmt: skip
    (archive / "go").touch()
    pair.attach()
    with pair.standby() as conn:
        shown = {name: conn.execute(f"SHOW {name}").fetchone()[0] for name in (
            "archive_cleanup_command", "recovery_min_apply_delay", "archive_mode", "log_directory")}  # fmt: skip
        assert conn.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
    assert shown == {
        "archive_cleanup_command": "", "recovery_min_apply_delay": "0", "archive_mode": "on", "log_directory": "log",
    }  # fmt: skip


def test_synchronous_standby_names_that_wait_for_a_reload_are_not_put_into_force(pair):
    configure(pair, "synchronous_standby_names = 'ghost'", reload=False)
    before = pair.raw()
    done = pair.attach(status=1)
    assert "a reload of" in text(done)
    assert "would make its commits wait" in text(done)
    assert pair.raw() == before


def test_an_error_in_the_configuration_is_found_before_anything_is_begun(pair):
    configure(pair, "nonsense_setting = 1", reload=False)
    assert "P114" in text(pair.attach(status=1))
    assert pair.journal() == []


def test_a_standby_that_does_not_let_us_in_is_not_stopped(pair):
    pair.attach()
    session = pair.standby(application_name="report")
    hba = pair.data / "pg_hba.conf"
    hba.write_text("host all postgres 127.0.0.1/32 reject\n" + hba.read_text())
    session.execute("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.facts().place("db2").asked is False)
    done = pair.detach(status=4)
    assert "cannot be asked who uses it" in text(done)
    assert session.execute("SELECT 1").fetchone() == (1,)
    session.close()


def test_a_slot_that_another_receiver_uses_is_a_reason_to_stop_at_once(pair):
    pair.attach()
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")
    there = pair.area.path / "received"
    there.mkdir()
    shutil.chown(there, pair.area.user)
    conninfo = f"host=127.0.0.1 port={pair.primary.port} user=repl_db2 passfile={pair.data}.pgpass"
    argv = [*pair.area.as_user(), str(pair.area.bin / "pg_receivewal"), "-D", str(there), "-S", "db2", "-d", conninfo]
    receiver = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    try:
        pair.wait(lambda: pair.primary.rows("SELECT active FROM pg_replication_slots") == [(True,)])
        before = pair.raw()
        done = pair.detach(status=4)
        assert "uses what was made for db2" in text(done)
        assert pair.raw() == before
    finally:
        receiver.terminate()
        receiver.wait()


def test_a_standby_that_somebody_else_built_there_is_not_deleted(pair):
    pair.attach()
    stop_server(pair.area, pair.data, "fast")
    auto = pair.data / "postgresql.auto.conf"
    auto.write_text(auto.read_text().replace("application_name=db2", "application_name=reporting"))
    done = pair.detach("--remove-data-dir", pair.data, "--delete", status=4)
    assert "does not follow" in text(done)
    assert (pair.data / "PG_VERSION").exists()


def test_a_directory_that_only_looks_condemned_is_not_deleted(pair):
    pair.attach()
    other = pair.area.path / "db2.standbyctl-deleting"
    other.mkdir()
    (other / "mine").write_text("mine\n")
    pair.detach("--remove-data-dir", pair.data, "--delete", status=5)
    assert (other / "mine").read_text() == "mine\n"


def test_a_stopped_standby_that_was_promoted_once_is_kept(pair):
    pair.attach()
    with pair.standby() as conn:
        conn.execute("SELECT pg_promote()")
        conn.execute("CHECKPOINT")
    stop_server(pair.area, pair.data, "fast")
    (pair.data / "standby.signal").touch()
    done = pair.detach("--remove-data-dir", pair.data, "--delete", status=4)
    assert "has left the timeline" in text(done)
    assert (pair.data / "PG_VERSION").exists()


def test_a_stale_pid_of_another_process_is_neither_trusted_nor_signalled(pair):
    pair.attach()
    stop_server(pair.area, pair.data, "immediate")
    bystander = subprocess.Popen([*pair.area.as_user(), "sleep", "300"], cwd="/")
    try:
        lines = [bystander.pid, pair.data, "1", pair.port, pair.area.path, "127.0.0.1", "0 0", "ready"]
        (pair.data / "postmaster.pid").write_text("".join(f"{line}\n" for line in lines))
        shutil.chown(pair.data / "postmaster.pid", pair.area.user)
        assert not pair.facts().place("db2").running
        pair.detach()
        assert bystander.poll() is None
    finally:
        bystander.terminate()
        bystander.wait()


def test_a_role_locked_out_by_its_dba_stays_locked_out(pair):
    pair.attach()
    pair.primary.rows("ALTER ROLE repl_db2 NOLOGIN")
    before = pair.primary.rows("SELECT rolcanlogin, rolpassword FROM pg_authid WHERE rolname = 'repl_db2'")
    stop_server(pair.area, pair.data, "fast")
    pair.attach(status=1)
    assert pair.primary.rows("SELECT rolcanlogin, rolpassword FROM pg_authid WHERE rolname = 'repl_db2'") == before


def test_a_role_that_was_given_rights_stays_and_detach_comes_to_its_end(pair):
    pair.attach()
    pair.primary.rows("GRANT SELECT ON pgbench_branches TO repl_db2")
    done = pair.detach()
    assert "role: not as we left it" in text(done)


def test_the_same_name_from_another_state_directory_does_not_take_the_role_over(pair):
    pair.attach()
    before = pair.primary.rows("SELECT rolpassword FROM pg_authid WHERE rolname = 'repl_db2'")
    other = ["-p", pair.primary.conninfo, "-D", str(pair.area.path / "db3"), "--name", "db2", "--slot", "s3"]
    env = {"STANDBYCTL_STATE": str(pair.area.path / "state" / "other")}
    pair.tool("attach", *other, "--yes", status=1, env=env)
    assert pair.primary.rows("SELECT rolpassword FROM pg_authid WHERE rolname = 'repl_db2'") == before


def test_a_truncated_journal_does_not_hide_what_is_marked(pair):
    before = pair.raw()
    pair.attach("--wal-cap", "keep")
    path = pair.state / "db2" / "journal.jsonl"
    path.write_text("".join(path.read_text().splitlines(True)[:2]))
    pair.detach()
    assert pair.raw() == before


@pytest.mark.parametrize("name", ["with space", "it's", "100%", "ünï", "-dash"])
def test_odd_directory_names_work(pair, name):
    data = pair.area.path / name
    where = ["-p", pair.primary.conninfo, "-D", str(data), "--name", "db2", "--port", str(pair.port)]
    pair.tool("attach", *where, "--yes", status=0)
    pair.detach("--remove-data-dir", data, "--delete")
    assert not data.exists()


@pytest.mark.parametrize("name", ['a"b', "a$(id)b", "a`id`b"])
def test_what_a_shell_would_take_for_a_command_is_refused(pair, name):
    where = ["-p", pair.primary.conninfo, "-D", str(pair.area.path / name), "--name", "db2"]
    assert "a path must not contain" in text(pair.tool("attach", *where, "--yes", status=2))


def test_what_the_owner_of_a_database_sets_does_not_reach_our_sessions(pair):
    """A role to act as, another way to write times, an isolation that waits: all of them can be set for others."""
    pair.primary.rows("CREATE ROLE maker")
    pair.primary.rows("CREATE DATABASE app OWNER maker")
    for setting in (
        "role = 'maker'", "datestyle = 'SQL, DMY'", "timezone = 'Asia/Kolkata'", "intervalstyle = 'sql_standard'",
        "default_transaction_isolation = 'serializable'", "default_transaction_deferrable = on",
    ):  # fmt: skip
        pair.primary.rows(f"ALTER DATABASE app SET {setting}")
    where = ["-p", pair.primary.conninfo.replace("dbname=postgres", "dbname=app"), *pair.where[2:]]
    before = pair.raw()
    pair.tool("preflight", *where, status=0)
    pair.tool("attach", *where, "--yes", status=0)
    assert "VERIFIED" in pair.tool("verify", "db2", "--for", "500ms", status=0).stdout
    pair.detach()
    assert pair.raw() == before


def test_a_name_that_others_have_given_does_not_drive_the_terminal(pair):
    pair.primary.rows(f"""CREATE TABLESPACE "x\x1b]0;pwned\x07\x1b[2J" LOCATION '{space(pair)}'""")
    done = pair.tool("preflight", *pair.where, status=4)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x07" not in done.stdout + done.stderr
    assert "\\x1b[2J" in " ".join(done.stdout.split())


def space(pair):
    place = pair.area.path / "space"
    place.mkdir()
    shutil.chown(place, pair.area.user)
    return place
