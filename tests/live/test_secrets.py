"""The password is in its passfile, and nowhere else."""

import threading
from pathlib import Path

import pytest

pytestmark = [pytest.mark.live, pytest.mark.sample, pytest.mark.one_version]


class Watch:
    """Every command line and environment on this machine, sampled for as long as a run takes."""

    def __init__(self):
        self.seen, self.samples = set(), 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()

    def _sample(self):
        while not self._ending.wait(0.002):
            self.samples += 1
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit():
                    for name in ("cmdline", "environ"):
                        try:
                            self.seen.add((entry / name).read_bytes())
                        except OSError:
                            continue


def test_the_password_is_in_no_argv_environment_log_journal_plan_or_debug_output(pair):
    pair.primary.rows("ALTER SYSTEM SET log_statement = 'all'")
    pair.primary.rows("ALTER SYSTEM SET log_min_messages = 'debug1'")
    pair.primary.rows("SELECT pg_reload_conf()")
    plan = pair.area.path / "state" / "plan.json"
    plan.parent.mkdir()
    planned = pair.tool("plan", *pair.where, "-o", plan, status=0)
    with Watch() as watch:
        done = pair.attach("--debug")
    password = (pair.area.path / "db2.pgpass").read_text().splitlines()[1].rsplit(":", 1)[1]
    assert len(password) == 43
    places = {
        "plan": planned.stdout + plan.read_text(),
        "output": done.stdout + done.stderr,
        "journal": (pair.state / "db2" / "journal.jsonl").read_text(),
        "log of the primary": (pair.area.path / "db1.log").read_text(),
        "log of the standby": (pair.data / "startup.log").read_text(),
        "configuration": (pair.data / "postgresql.auto.conf").read_text(),
        "comment": str(pair.primary.rows("SELECT description FROM pg_shdescription")),
    }
    assert "CREATE ROLE" in places["log of the primary"], "the log must show statements, or this proves nothing"
    assert "MakeRole" in places["output"]
    assert [name for name, text in places.items() if password in text] == []
    assert watch.samples > 20
    assert any(b"pg_basebackup" in line for line in watch.seen)
    assert [line for line in watch.seen if password.encode() in line] == []


def test_a_password_in_the_conninfo_is_refused(pair):
    done = pair.tool("plan", "-p", f"{pair.primary.conninfo} password=x", *pair.where[2:], status=2)
    assert "the conninfo contains a password" in done.stderr


def test_an_existing_role_is_used_with_its_passfile_and_never_altered(pair):
    pair.primary.rows("CREATE ROLE theirs LOGIN REPLICATION PASSWORD 'known'")
    before = pair.raw()
    done = pair.attach("--role", "theirs", status=1)
    assert "is not ours, and is not altered" in done.stderr
    passfile = pair.area.path / "theirs.pgpass"
    passfile.write_text("*:*:*:theirs:known\n")
    passfile.chmod(0o644)
    assert "cannot be used" in pair.attach("--role", "theirs", "--passfile", passfile, status=1).stderr
    passfile.chmod(0o600)
    import shutil

    shutil.chown(passfile, pair.area.user)
    pair.attach("--role", "theirs", "--passfile", passfile)
    assert pair.facts(role="theirs", passfile=str(passfile)).place("db2").upstream
    pair.detach()
    assert pair.raw() == before
    assert passfile.read_text() == "*:*:*:theirs:known\n"
