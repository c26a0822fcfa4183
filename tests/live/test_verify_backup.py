"""attach --verify-backup: nothing is started its manifest does not vouch for."""

import signal

import pytest

from standbyctl.planner.attach import plan_attach
from standbyctl.steps.clone.manifest import VerifyCopy

pytestmark = [pytest.mark.live, pytest.mark.settled]


@pytest.fixture
def verifier(pair):
    """Whether pg_verifybackup runs here: that of one wheel dies when it is loaded."""
    return pair.area.run("pg_verifybackup", "--version", check=False).returncode == 0


def spoiled(pair, how, *args):
    done = pair.tool(
        "attach", *pair.where, "--yes", *args, module="tests.faults.spoiling", env={"SPOILING": how}, timeout=180
    )
    return done.returncode, " ".join(done.stderr.split()), done.stdout


def drafts(pair):
    """What each draft is marked as."""
    return {
        path.name: sorted(each.name for each in path.iterdir() if each.name in {"whole", "verified"})
        for path in pair.area.path.glob(".db2.standbyctl-*")
    }


def program(pair, text):
    """A program of somebody's making in the place of pg_verifybackup."""
    place = pair.area.path / "state" / "bin"
    place.mkdir(parents=True)
    (place / "pg_verifybackup").write_text(f"#!/bin/sh\n{text}\n")
    (place / "pg_verifybackup").chmod(0o755)
    return f"program {place}"


def test_a_verifier_that_dies_is_said_before_the_copy_begins_and_a_good_one_finds_a_good_copy_good(pair, verifier):
    raw = pair.raw()
    if not verifier:
        done = pair.attach("--verify-backup", status=1)
        said = " ".join(done.stderr.split())
        assert "could not verify a copy on the standby's host" in said
        assert "pg_verifybackup died by signal 11" in said
        assert "P202" in said
        assert pair.tool("preflight", *pair.where, "--verify-backup", status=1).stdout.count("BLOCK ") == 1
        assert pair.raw() == raw
        assert pair.beside() == []
        pair.attach()
        return
    done = pair.attach("--verify-backup")
    assert "verify backup   done" in done.stdout
    pair.tool("verify", "db2", "--for", "200ms", status=0)


@pytest.mark.parametrize("file", ["global/1262", "PG_VERSION", "backup_manifest", "pg_wal"])
def test_a_copy_that_differs_from_its_manifest_is_not_started_and_the_next_is_made_anew(pair, verifier, file):
    if not verifier:
        return
    status, said, _ = spoiled(pair, f"corrupt {file}", "--verify-backup")
    assert status == 5
    assert "the copy does not pass pg_verifybackup: it is not started" in said
    assert "V813" in said
    assert list(drafts(pair).values()) == [[]], "sealed no more"
    assert not pair.data.exists()
    again = pair.attach("--verify-backup")
    assert "old draft" in again.stdout
    assert "ATTACHED" in again.stdout


def test_a_verifier_that_dies_at_its_work_says_nothing_bad_of_the_copy_which_is_kept(pair, verifier):
    if not verifier:
        return
    dead = program(pair, "kill -SEGV $$")
    status, said, _ = spoiled(pair, dead, "--verify-backup")
    assert status == 5
    assert "could not verify the copy: it is not started" in said
    assert "died by signal 11. That says nothing about the copy" in said
    assert "without --verify-backup" in said
    assert drafts(pair) == {".db2.standbyctl-1": ["whole"]}
    assert not pair.data.exists()
    # Again with it, the same copy is verified; and without, the same copy is started.
    assert spoiled(pair, dead, "--verify-backup")[0] == 5
    done = pair.attach()
    assert "base backup" not in done.stdout
    assert "ATTACHED" in done.stdout


def test_killed_while_it_verifies_it_verifies_again_and_copies_nothing_anew(pair, verifier):
    if not verifier:
        return
    status, _, _ = spoiled(pair, "kill 0", "--verify-backup")
    assert status == -signal.SIGKILL
    done = pair.attach("--verify-backup")
    assert "verify backup   done" in done.stdout
    assert "base backup" not in done.stdout
    pair.detach("--remove-data-dir", pair.data, "--delete")
    assert pair.beside() == []


def test_the_step_conforms(pair, verifier):
    from tests.live.test_steps import Stage

    if not verifier:
        return
    stage = Stage(pair, verify_backup=True)
    session, target = stage.session, stage.session.target
    try:
        for step in plan_attach(session.look(), session.sample, target, ()).steps:
            if type(step).__name__ == "InstallCopy":
                return
            before = session.look()
            assert not step.satisfied(before)
            stage.do(step.effects())
            assert step.satisfied(session.look())
            if isinstance(step, VerifyCopy):
                stage.do(step.effects())
                assert step.satisfied(session.look())
    finally:
        session.close()


def test_a_plan_file_keeps_the_wish(pair, verifier):
    plan = pair.area.path / "state" / "plan.json"
    plan.parent.mkdir()
    done = pair.tool("plan", *pair.where, "--verify-backup", "-o", plan, status=0 if verifier else 1)
    if verifier:
        assert "pg_verifybackup" in done.stdout
        assert "verify backup   done" in pair.tool("attach", plan, "--yes", status=0).stdout
