"""Twelve refusals: each message whole, each exit code, and proof that nothing was changed."""

import os
import shutil

import pytest

from standbyctl.domain.version import NEWEST_KNOWN
from standbyctl.lab.server import free_port
from tests.conftest import mount_namespace_argv
from tests.live.stages import reload, restarted

pytestmark = [pytest.mark.live, pytest.mark.sample, pytest.mark.one_version]


def test_a_wrong_password(pair, refuse):
    wrong = pair.area.path / "wrong.pgpass"
    wrong.write_text("*:*:*:*:wrong\n")
    wrong.chmod(0o600)
    refuse("wrong-password", 3, *pair.where, env={"PGPASSFILE": str(wrong)})


@pytest.mark.majors(15, NEWEST_KNOWN)  # before, fewer rights can be granted
def test_a_role_without_the_right_to_look(pair, refuse):
    pair.primary.rows(f"CREATE ROLE weak LOGIN PASSWORD '{pair.primary.password}'")
    weak = pair.primary.conninfo.replace("user=postgres", "user=weak")
    entry = pair.area.path / "weak.pgpass"
    entry.write_text(f"*:*:*:weak:{pair.primary.password}\n")
    entry.chmod(0o600)
    refuse("no-right-to-look", 3, "-p", weak, *pair.where[2:], env={"PGPASSFILE": str(entry)})


def test_no_such_host(pair, refuse):
    refuse("no-such-host", 3, "-p", "host=nowhere.invalid user=postgres", *pair.where[2:])


def test_a_primary_that_is_a_standby(pair, refuse):
    pair.attach()
    shutil.rmtree(pair.state)
    conninfo = pair.primary.conninfo.replace(str(pair.primary.port), str(pair.port))
    where = ["-p", conninfo, "-D", str(pair.area.path / "db3"), "--name", "db3", "--port", str(free_port())]
    refuse("primary-is-a-standby", 1, *where)


def test_wal_level_minimal(pair, refuse):
    restarted(pair, wal_level="minimal", max_wal_senders="0")
    refuse("wal-level-minimal", 1, *pair.where)


def test_files_that_say_less_than_what_runs_for_the_next_restart(pair, refuse):
    for name, value in (("wal_level", "minimal"), ("max_wal_senders", "0"), ("max_replication_slots", "0")):
        pair.primary.rows(f"ALTER SYSTEM SET {name} = {value}")
    reload(pair)
    refuse("files-that-say-less", 1, *pair.where)
    before = pair.raw()
    done = pair.tool("preflight", *pair.where, status=1)
    assert "See       standbyctl explain P102 P103 P104" in done.stdout
    assert pair.raw() == before


def test_one_walsender_left(pair, refuse):
    restarted(pair, max_wal_senders="1")
    refuse("one-walsender-left", 1, *pair.where)


def test_no_slot_left(pair, refuse):
    restarted(pair, max_replication_slots="1")
    pair.primary.rows("SELECT pg_create_physical_replication_slot('other')")
    refuse("no-slot-left", 1, *pair.where)


def test_a_slot_name_that_is_taken(pair, refuse):
    pair.primary.rows("SELECT pg_create_physical_replication_slot('db2')")
    refuse("slot-name-taken", 1, *pair.where)


def test_commits_that_would_wait(pair, refuse):
    pair.primary.rows("ALTER SYSTEM SET synchronous_commit = local")
    pair.primary.rows("ALTER SYSTEM SET synchronous_standby_names = '*'")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SHOW synchronous_standby_names") == [("*",)])
    refuse("synchronous-standby-names", 1, *pair.where)


def test_a_directory_with_a_stray_file(pair, refuse):
    pair.data.mkdir(mode=0o700)
    (pair.data / "notes.txt").write_text("mine\n")
    shutil.chown(pair.data, pair.area.user)
    refuse("stray-file", 4, *pair.where)
    assert (pair.data / "notes.txt").read_text() == "mine\n"


@pytest.mark.parametrize("how", ["itself", "through-a-symlink"])
def test_the_primarys_own_directory(pair, refuse, how):
    path = pair.primary.data
    if how == "through-a-symlink":
        path = pair.area.path / "innocent"
        path.symlink_to(pair.primary.data)
    where = ["-p", pair.primary.conninfo, "-D", str(path), "--name", "db2", "--port", str(pair.port)]
    refuse(f"primarys-own-directory-{how}", 4, *where)


@pytest.mark.needs("mount namespace")
def test_a_disk_that_is_too_small(pair, refuse):
    argv = mount_namespace_argv()
    small = pair.area.path / "small"
    small.mkdir()
    shutil.chown(small, pair.area.user)
    own = f'mount -t tmpfs -o size=64m,mode=777 tmpfs {small} && exec "$@"'
    where = ["-p", pair.primary.conninfo, "-D", str(small / "db2"), "--name", "db2", "--port", str(pair.port)]
    refuse("disk-too-small", 1, *where, prefix=[*argv, "sh", "-c", own, "sh"])
    assert os.listdir(small) == []
