"""Twelve refusals: each message whole, each exit code, and proof that nothing was changed."""

import os
import re
import shutil
import subprocess

import pytest

from tests.conftest import mount_namespace_argv

pytestmark = [pytest.mark.live, pytest.mark.sample]


@pytest.fixture
def refuse(pair, golden):
    """Run attach, compare what it says with a golden file, and see that nothing has changed."""

    def run(name, status, *args, env=None, prefix=()):
        before, beside = pair.raw(), pair.beside()
        planned = call(pair, "plan", args, env, prefix)
        done = call(pair, "attach", (*args, "--yes"), env, prefix)
        assert done.returncode == status, done.stdout + done.stderr
        assert planned.returncode == status, planned.stdout + planned.stderr
        assert planned.stderr == done.stderr, "plan and attach must say the same"
        assert "Nothing was changed" in done.stderr
        assert pair.raw() == before
        assert pair.beside() == beside
        assert pair.journal() == []
        golden(f"{name}.txt", scrub(pair, done.stderr))

    return run


def call(pair, verb, args, env, prefix):
    if not prefix:
        return pair.tool(verb, *args, env=env)
    import sys

    return subprocess.run(
        [*prefix, sys.executable, "-m", "standbyctl", verb, *map(str, args)],
        env=pair.env | (env or {}), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def scrub(pair, text):
    """Take out what differs from run to run, and the line breaks that depend on it."""
    text = re.sub(r"\n {8}", " ", text)
    text = (
        text.replace(str(pair.area.path), "DIR").replace(str(pair.primary.port), "PORT").replace(str(pair.port), "PORT")
    )
    text = re.sub(r"\b[a-z0-9_]+_PORT\b", "HOST_PORT", text)
    text = re.sub(r"server at \"[^\"]*\", port", 'server at "ADDRESS", port', text)
    text = re.sub(r"PostgreSQL \d\d\b", "PostgreSQL NN", text)
    return re.sub(r"\d+(\.\d+)? [kMG]B", "SIZE", text)


def restart(pair, **settings):
    """Give the primary other settings; a restart by its owner, before the tool first runs."""
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("".join(f"{name} = '{value}'\n" for name, value in settings.items()))
    pair.primary.stop("fast")
    pair.primary.start()


def test_a_wrong_password(pair, refuse):
    wrong = pair.area.path / "wrong.pgpass"
    wrong.write_text("*:*:*:*:wrong\n")
    wrong.chmod(0o600)
    refuse("wrong-password", 3, *pair.where, env={"PGPASSFILE": str(wrong)})


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
    where = ["-p", conninfo, "-D", str(pair.area.path / "db3"), "--name", "db3", "--port", str(pair.port + 1)]
    refuse("primary-is-a-standby", 1, *where)


def test_wal_level_minimal(pair, refuse):
    restart(pair, wal_level="minimal", max_wal_senders="0")
    refuse("wal-level-minimal", 1, *pair.where)


def test_one_walsender_left(pair, refuse):
    restart(pair, max_wal_senders="1")
    refuse("one-walsender-left", 1, *pair.where)


def test_no_slot_left(pair, refuse):
    restart(pair, max_replication_slots="1")
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


def test_a_disk_that_is_too_small(pair, refuse):
    argv = mount_namespace_argv()
    if argv is None:
        return  # the summary says so: "full disk: NOT RUN"
    small = pair.area.path / "small"
    small.mkdir()
    shutil.chown(small, pair.area.user)
    own = f'mount -t tmpfs -o size=64m,mode=777 tmpfs {small} && exec "$@"'
    where = ["-p", pair.primary.conninfo, "-D", str(small / "db2"), "--name", "db2", "--port", str(pair.port)]
    refuse("disk-too-small", 1, *where, prefix=[*argv, "sh", "-c", own, "sh"])
    assert os.listdir(small) == []
