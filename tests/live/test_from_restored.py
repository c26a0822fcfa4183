"""A copy that something else has put in place becomes the standby where it is; or is refused, and stays as it was."""

import hashlib
import re
import shutil
import subprocess

import pytest

from standbyctl import steps
from standbyctl.lab.load import passfile
from tests.conforming import Stage
from tests.live.stages import reload, restarted
from tests.live.test_ways import killed, words

pytestmark = [pytest.mark.live, pytest.mark.one_version, pytest.mark.settled]


class Restored:
    """A primary, and ways of putting a copy of it where its standby is to be."""

    def __init__(self, pair):
        self.pair, self.data = pair, pair.data
        path = pair.primary.data / "pg_hba.conf"
        path.write_text(f"host replication postgres 127.0.0.1/32 scram-sha-256\n{path.read_text()}")
        reload(pair)

    @property
    def where(self):
        return ["-p", self.pair.primary.conninfo, "--name", "db2", "--port", str(self.pair.port)]

    def args(self, *more):
        return (*self.where, "--from-restored", str(self.data), *more)

    def attach(self, *more, status=0):
        return self.pair.tool("attach", *self.args(*more), "--yes", status=status)

    def refused(self, code, *more, status=4):
        """What preflight, plan and attach say, which is the same; nothing is changed, in the copy neither."""
        before, kept, journal = self.pair.raw(), digest(self.data), self.pair.journal()
        planned = self.pair.tool("plan", *self.args(*more))
        done = self.attach(*more, status=status)
        assert planned.returncode == status
        # An idle primary writes, too.
        assert moving(planned.stderr) == moving(done.stderr)
        asked = self.pair.tool("preflight", *self.args(*more), status=status)
        assert re.search(rf"BLOCK +{code}|{code}.*BLOCK", asked.stdout), asked.stdout
        assert f"CODE:   {code}" in done.stderr
        assert (self.pair.raw(), digest(self.data)) == (before, kept)
        assert self.pair.journal() == journal
        return words(done)

    # --- how a copy comes there

    def basebackup(self, *more):
        env = {"PGPASSFILE": str(passfile(self.pair.primary)), "LC_ALL": "C"}
        where = ["-d", self.pair.primary.conninfo, "-D", str(self.data), "--checkpoint=fast"]
        self.pair.area.run("pg_basebackup", *where, *more, env=env)

    def low_level(self):
        """Every file of the running server, and a backup_label: what a volume snapshot within a backup is."""
        new = self.pair.area.major >= 15
        start = "pg_backup_start('x', true)" if new else "pg_start_backup('x', true, false)"
        stop = "pg_backup_stop(false)" if new else "pg_stop_backup(false, false)"
        with self.pair.primary.connect() as conn:
            conn.execute(f"SELECT {start}")
            self.copy()
            [(label,)] = conn.execute(f"SELECT labelfile FROM {stop}").fetchall()
        (self.data / "backup_label").write_text(label)
        shutil.chown(self.data / "backup_label", self.pair.area.user)

    def copy(self):
        subprocess.run(["cp", "-a", str(self.pair.primary.data), str(self.data)], check=True)

    def run_alone(self, *statements, mode="fast"):
        """Somebody starts the copy as it is, and writes, or only reads."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        log = str(self.pair.area.path / "alone.log")
        options = f"-p {self.pair.port}"
        self.pair.area.run("pg_ctl", "start", "-w", "-s", "-D", str(self.data), "-l", log, "-o", options)
        with self.pair.standby() as conn:
            for statement in statements:
                conn.execute(statement)
        self.pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(self.data), "-m", mode)


def moving(said):
    """What was said, but for where the primary writes just now."""
    return re.sub(r"(it writes at|is at) \S+", r"\1 LSN", " ".join(said.split()))


def digest(path):
    """Every file, to the byte."""
    return {
        str(each.relative_to(path)): hashlib.sha256(each.read_bytes()).hexdigest()
        for each in sorted(path.rglob("*"))
        if each.is_file()
    }


@pytest.fixture
def restored(pair):
    return Restored(pair)


def rows_arrive(pair):
    pair.primary.rows("CREATE TABLE later AS SELECT 7 AS n")

    def there():
        with pair.standby() as conn:
            found = conn.execute("SELECT to_regclass('later')::text").fetchone()
            return found == ("later",)

    pair.wait(there)


@pytest.mark.parametrize("how", [("-X", "none"), ("-X", "fetch")], ids=" ".join)
def test_a_base_backup_made_by_hand_becomes_the_standby(pair, restored, how):
    restored.basebackup(*how)
    born, before = pair.started_at(), pair.data.stat().st_ino
    done = restored.attach()
    assert "set up the copy" in done.stdout
    assert "nothing is copied" in words(done)
    streams_restored(pair)
    rows_arrive(pair)
    assert (pair.started_at(), pair.data.stat().st_ino) == (born, before)
    again = restored.attach()
    assert again.stdout.startswith("Nothing to do")


def streams_restored(pair):
    place = pair.facts(from_restored=True).place("db2")
    assert place.upstream
    assert place.covered
    assert pair.plan(from_restored=True).plan.steps == ()


def test_a_snapshot_within_a_backup_becomes_the_standby_and_brings_no_slots(pair, restored):
    pair.primary.rows("SELECT pg_create_physical_replication_slot('other', true)")
    restored.low_level()
    assert (pair.data / "postmaster.pid").exists()
    original = (pair.data / "postgresql.auto.conf").read_bytes()
    raw = pair.raw()
    restored.attach()
    streams_restored(pair)
    rows_arrive(pair)
    with pair.standby() as conn:
        assert conn.execute("SELECT count(*) FROM pg_replication_slots").fetchone() == (0,)
    [kept] = pair.data.glob("standbyctl.before-*")
    assert (kept / "postgresql.auto.conf").read_bytes() == original
    assert (kept / "pg_replslot" / "other").is_dir()
    assert (kept / "postmaster.pid").exists()
    # detach stops it, and the directory stays.
    done = pair.detach()
    assert "cannot start as a primary" in words(done)
    assert (pair.data / "standby.signal").exists()
    now = pair.raw()
    assert {key: now[key] for key in now if key != "auto"} == {key: raw[key] for key in raw if key != "auto"}


def test_a_snapshot_of_one_moment_becomes_the_standby_without_a_label(pair, restored):
    pair.primary.rows("CHECKPOINT")
    pair.primary.rows("CREATE TABLE since AS SELECT generate_series(1, 1000) AS n")
    restored.copy()
    asked = words(pair.tool("preflight", *restored.args()))
    assert "its WAL is that of" in asked
    restored.attach()
    streams_restored(pair)
    rows_arrive(pair)


def test_a_cold_copy_of_a_stopped_primary_becomes_the_standby(pair, restored):
    pair.primary.stop("fast")
    restored.copy()
    pair.primary.start()
    pair.primary.rows("CREATE TABLE since AS SELECT generate_series(1, 1000) AS n")
    restored.attach()
    streams_restored(pair)
    rows_arrive(pair)


def test_what_a_restore_has_asked_for_does_not_stay(pair, restored):
    restored.basebackup("-X", "fetch")
    with (pair.data / "postgresql.auto.conf").open("a") as conf:
        conf.write("restore_command = 'false %f %p'\nrecovery_target_time = '2001-01-01 00:00:00+00'\n")
    (pair.data / "recovery.signal").touch()
    shutil.chown(pair.data / "recovery.signal", pair.area.user)
    planned = words(pair.tool("plan", *restored.args(), status=0))
    assert "restore_command = 'false %f %p': it is taken out" in planned
    restored.attach()
    streams_restored(pair)
    with pair.standby() as conn:
        assert conn.execute("SHOW restore_command").fetchone() == ("",)
        assert conn.execute("SHOW recovery_target_time").fetchone() == ("",)


@pytest.mark.seldom
def test_a_slot_that_was_made_before_the_backup_is_used_and_detach_keeps_it(pair, restored):
    pair.primary.rows("SELECT pg_create_physical_replication_slot('db2', true)")
    restored.basebackup("-X", "none")
    age(pair)
    done = restored.attach()
    assert 'the slot "db2" is there already' in words(done)
    streams_restored(pair)
    done = pair.detach()
    assert 'the slot "db2" is kept' in words(done)
    assert pair.primary.rows("SELECT slot_name FROM pg_replication_slots") == [("db2",)]


def age(pair):
    """Time passes: WAL is written, and what nobody keeps is removed."""
    pair.primary.rows("CREATE TABLE IF NOT EXISTS much (n int)")
    for _ in range(3):
        pair.primary.rows("INSERT INTO much VALUES (1)")
        pair.primary.rows("SELECT pg_switch_wal()")
        pair.primary.rows("CHECKPOINT")


def files(pair):
    return sorted(name for (name,) in pair.primary.rows("SELECT name FROM pg_ls_waldir() WHERE length(name) = 24"))


def test_a_copy_whose_wal_is_gone_is_refused_with_the_numbers(pair, restored):
    pair.primary.rows("ALTER SYSTEM SET max_wal_size = '32MB'")
    pair.primary.rows("ALTER SYSTEM SET min_wal_size = '32MB'")
    reload(pair)
    restored.basebackup("-X", "none")
    lsn, file = outlive(pair, restored)
    said = restored.refused("P221", status=1)
    assert f"The copy needs WAL from {short(lsn)} on, in {file}; the oldest file" in said
    assert "--restore-command COMMAND" in said
    assert re.search(r"--wal-keep-size \d+MB or more", said)


def outlive(pair, restored):
    """Until the primary has removed what the copy needs first: the LSN, and the file."""
    label = (restored.data / "backup_label").read_text()
    lsn, file = re.search(r"START WAL LOCATION: (\S+) \(file (\S+)\)", label).groups()
    for _ in range(20):
        age(pair)
        if file not in files(pair):
            return lsn, file
    raise AssertionError(f"{file} is kept")


def short(lsn):
    """PostgreSQL 19 and pg_controldata may pad what others do not."""
    high, low = lsn.split("/")
    return f"{int(high, 16):X}/{int(low, 16):X}"


@pytest.mark.seldom
def test_wal_that_is_gone_comes_from_an_archive(pair, restored):
    archive = pair.area.path / "archive"
    archive.mkdir(mode=0o755)
    shutil.chown(archive, pair.area.user)
    restarted(pair, archive_mode="on", archive_command=f"cp %p {archive}/%f", max_wal_size="32MB", min_wal_size="32MB")
    restored.basebackup("-X", "none")
    outlive(pair, restored)
    restored.refused("P221", status=1)
    done = restored.attach("--restore-command", f"cp {archive}/%f %p")
    assert "is not checked" in words(done)
    streams_restored(pair)
    rows_arrive(pair)


# --- refused, and left as it is


def test_a_copy_of_another_cluster_is_refused(pair, restored):
    pair.area.run("initdb", "-D", str(pair.data), "-U", "postgres", "--no-sync", "-A", "trust")
    said = restored.refused("P219")
    assert "It is the copy of another cluster" in said


def test_a_copy_that_was_started_as_a_primary_is_refused(pair, restored):
    restored.copy()
    restored.run_alone("CREATE TABLE own AS SELECT 1 AS n", "CHECKPOINT")
    # The primary goes on too, and is ahead by now: that alone shows nothing.
    pair.primary.rows("CREATE TABLE much AS SELECT generate_series(1, 100000) AS n")
    said = restored.refused("P220")
    assert "It was started as a primary, and has written for itself" in said


def label_of_a_backup(pair):
    """What a backup now would be labelled with."""
    with pair.primary.connect() as conn:
        conn.execute("SELECT pg_backup_start('x', true)")
        [(label,)] = conn.execute("SELECT labelfile FROM pg_backup_stop(false)").fetchall()
    return label


@pytest.mark.majors(15, 18)
@pytest.mark.turns
@pytest.mark.parametrize(("mode", "label"), [("fast", "fitting"), ("immediate", "fitting"), ("immediate", "late")])
def test_nor_does_a_backup_label_or_a_signal_file_make_it_one_that_was_not(pair, restored, mode, label):
    pair.primary.rows("ALTER SYSTEM SET wal_keep_size = '1GB'")
    reload(pair)
    fitting = label_of_a_backup(pair)
    restored.copy()
    restored.run_alone("CREATE TABLE own AS SELECT 1 AS n", "CHECKPOINT", mode=mode)
    pair.primary.rows("CREATE TABLE much AS SELECT generate_series(1, 100000) AS n")
    there = restored.data / "backup_label"
    there.write_text(fitting if label == "fitting" else label_of_a_backup(pair))
    shutil.chown(there, pair.area.user)
    why = {"fast": "a server has run on it and was stopped", "immediate": "has written for itself"}
    said = restored.refused("P220")
    assert ("it is the label of another backup" if label == "late" else why[mode]) in said
    there.unlink()
    (restored.data / "standby.signal").touch()
    shutil.chown(restored.data / "standby.signal", pair.area.user)
    restored.run_alone()
    assert "has written for itself" in restored.refused("P220")


def test_a_copy_that_is_ahead_of_its_primary_is_refused(pair, restored):
    restored.copy()
    restored.run_alone("CREATE TABLE own AS SELECT generate_series(1, 300000) AS n", "CHECKPOINT")
    said = restored.refused("P220")
    assert "is at" in said


def test_a_copy_that_was_promoted_is_refused(pair, restored):
    restored.basebackup("-X", "fetch")
    (pair.data / "standby.signal").touch()
    shutil.chown(pair.data / "standby.signal", pair.area.user)
    log, options = str(pair.area.path / "alone.log"), f"-p {pair.port}"
    pair.area.run("pg_ctl", "start", "-w", "-s", "-D", str(pair.data), "-l", log, "-o", options)
    pair.area.run("pg_ctl", "promote", "-w", "-s", "-D", str(pair.data))
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")
    said = restored.refused("P220")
    assert "timeline 2" in said


def promoted(pair, data, port):
    """Somebody makes a primary of a copy; stopped again."""
    (data / "standby.signal").touch()
    shutil.chown(data / "standby.signal", pair.area.user)
    options = f"-p {port} -c primary_conninfo=''"
    pair.area.run("pg_ctl", "start", "-w", "-s", "-D", str(data), "-l", str(pair.area.path / "x.log"), "-o", options)
    pair.area.run("pg_ctl", "promote", "-w", "-s", "-D", str(data))
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(data), "-m", "fast")


@pytest.mark.seldom
def test_a_copy_from_before_a_promotion_follows_and_one_of_another_promotion_is_refused(pair, restored):
    other = pair.area.path / "other"
    pair.primary.rows("ALTER SYSTEM SET wal_keep_size = '1GB'")
    reload(pair)
    restored.basebackup("-X", "fetch")
    subprocess.run(["cp", "-a", str(pair.data), str(other)], check=True)
    pair.primary.rows("CREATE TABLE since AS SELECT 1 AS n")
    pair.primary.stop("fast")
    promoted(pair, pair.primary.data, pair.primary.port)
    pair.primary.start()
    assert pair.primary.rows("SELECT timeline_id FROM pg_control_checkpoint()") == [(2,)]
    # The copy is of timeline 1, which the primary left later.
    restored.attach()
    streams_restored(pair)
    rows_arrive(pair)
    pair.detach("--remove-data-dir", pair.data, "--delete")
    # The same copy, promoted for itself: timeline 2 as well.
    other.rename(pair.data)
    promoted(pair, pair.data, pair.port)
    said = restored.refused("P220")
    assert "both were promoted, each for itself" in said


def test_a_copy_that_runs_is_refused(pair, restored):
    restored.basebackup("-X", "fetch")
    log, options = str(pair.area.path / "alone.log"), f"-p {pair.port}"
    pair.area.run("pg_ctl", "start", "-w", "-s", "-D", str(pair.data), "-l", log, "-o", options)
    done = restored.attach(status=4)
    assert "A server runs on it" in words(done)
    with pair.standby() as conn:
        assert conn.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)


def test_half_a_copy_or_somebody_elses_is_refused(pair, restored):
    restored.basebackup("-X", "fetch")
    control = pair.data / "global" / "pg_control"
    control.rename(pair.area.path / "away")
    assert "global/pg_control is not there" in restored.refused("P219")
    (pair.area.path / "away").rename(control)
    shutil.chown(pair.data / "base", "root")
    assert "does not own" in restored.refused("P219")


def test_nothing_there_is_no_copy(pair, restored):
    assert "It is absent" in words(restored.attach(status=1))


def test_a_copy_that_leads_to_the_wal_of_its_primary_is_refused(pair, restored):
    restored.basebackup("-X", "fetch")
    shutil.rmtree(pair.data / "pg_wal")
    (pair.data / "pg_wal").symlink_to(pair.primary.data / "pg_wal")
    done = restored.attach(status=4)
    assert "db2/pg_wal is that of" in words(done)


@pytest.mark.seldom
def test_tablespaces_must_be_the_copys_own_by_its_links_and_by_its_map(pair, restored):
    space, own = pair.area.path / "fast", pair.area.path / "own"
    space.mkdir(mode=0o700)
    shutil.chown(space, pair.area.user)
    pair.primary.rows(f"CREATE TABLESPACE fast LOCATION '{space}'")
    pair.primary.rows("CREATE TABLE quick TABLESPACE fast AS SELECT generate_series(1, 1000) AS n")
    pair.primary.rows("CHECKPOINT")
    restored.low_level()
    assert f"{space} is that of" in restored.refused("P219")
    [link] = (pair.data / "pg_tblspc").iterdir()
    link.unlink()
    link.symlink_to(own)
    assert f"{own} is not there" in restored.refused("P219")
    subprocess.run(["cp", "-a", str(space), str(own)], check=True)
    # With a backup_label the server makes the links anew, as the map says.
    (pair.data / "tablespace_map").write_text(f"{link.name} {space}\n")
    assert f"{space} is that of" in restored.refused("P219")
    (pair.data / "tablespace_map").unlink()
    restored.attach()
    rows_arrive(pair)
    with pair.standby() as conn:
        assert conn.execute("SELECT count(*) FROM quick").fetchone() == (1000,)
    done = pair.detach("--remove-data-dir", str(pair.data), "--delete")
    assert f"{own} is left as it is" in words(done)
    assert list(own.iterdir())
    assert pair.primary.rows("SELECT count(*) FROM quick") == [(1000,)]


@pytest.mark.seldom
def test_setting_a_copy_up_in_part_and_whole_again_is_as_doing_it_once(pair, restored):
    restored.low_level()
    planned = pair.plan(from_restored=True).plan.steps
    stage = Stage(pair.session(from_restored=True))
    try:
        for step in planned:
            effects = step.effects()
            stage.do(effects)
            if isinstance(step, steps.SetUpRestored):
                seen = digest(pair.data)
                for count in range(1, len(effects) + 1):
                    stage.do(effects[:count])
                    assert digest(pair.data) == seen
            assert step.satisfied(pair.facts(from_restored=True))
    finally:
        stage.session.close()
    streams_restored(pair)


# --- killed


@pytest.mark.sample
@pytest.mark.seldom
@pytest.mark.parametrize(
    ("when", "kind"),
    [
        ("before", "CheckWal"),
        ("before", "AdoptCopy"),
        ("after", "AdoptCopy"),
        ("after", "SetConf"),
        ("after", "StartServer"),
    ],
)
def test_killed_anywhere_the_same_command_finishes(pair, restored, when, kind):
    restored.basebackup("-X", "none")
    killed(pair, when, kind, "attach", *restored.args(), "--yes")
    restored.attach()
    streams_restored(pair)
    rows_arrive(pair)


@pytest.mark.seldom
@pytest.mark.parametrize(("when", "kind"), [("before", "AdoptCopy"), ("after", "SetConf")])
def test_killed_and_detached_the_primary_has_everything_back_and_the_copy_is_there(pair, restored, when, kind):
    restored.basebackup("-X", "none")
    raw = pair.raw()
    killed(pair, when, kind, "attach", *restored.args(), "--yes")
    pair.detach()
    now = pair.raw()
    assert now == raw
    assert (pair.data / "backup_label").exists()
    # And it can be attached again.
    restored.attach()
    streams_restored(pair)


def test_a_copy_that_was_started_between_plan_and_set_up_is_not_touched(pair, restored):
    restored.copy()
    killed(pair, "before", "AdoptCopy", "attach", *restored.args(), "--yes")
    restored.run_alone("CREATE TABLE own AS SELECT 1 AS n", "CHECKPOINT")
    kept = digest(pair.data)
    assert "P220" in words(restored.attach(status=4))
    assert digest(pair.data) == kept


@pytest.mark.seldom
def test_what_was_begun_with_a_restored_copy_goes_on_with_it_without_the_option_too(pair, restored):
    restored.basebackup("-X", "none")
    killed(pair, "after", "SetConf", "attach", *restored.args(), "--yes")
    identity = pair.data.stat().st_ino
    done = pair.attach()
    assert "pg_basebackup" not in done.stdout
    streams_restored(pair)
    assert pair.data.stat().st_ino == identity
