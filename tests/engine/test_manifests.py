"""A verifier of a copy is waited for as long as it reads, and no longer."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from standbyctl.app.session import silent
from standbyctl.domain.effects import CheckManifest
from standbyctl.domain.errors import StoppedError
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.libpq import LibpqServer
from standbyctl.nodes.local import LocalHost
from standbyctl.nodes.manifests import check_manifest
from standbyctl.nodes.ports import Door
from standbyctl.nodes.world import World

NAME = pwd.getpwuid(os.geteuid()).pw_name
WORLD = World({"db2": Door(LocalHost(NAME), LibpqServer("db2", {}))}, SystemClock(), silent)


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    (tmp_path / "draft" / "data").mkdir(parents=True)
    (tmp_path / "draft" / "whole").touch()
    return tmp_path / "draft"


def effect(draft: Path, program: str) -> CheckManifest:
    """A program of our making in the place of pg_verifybackup."""
    (draft.parent / "pg_verifybackup").write_text(f"#!/bin/sh\n{program}\n")
    (draft.parent / "pg_verifybackup").chmod(0o755)
    return CheckManifest("db2", str(draft), str(draft.parent))


def check(wanted: CheckManifest) -> None:
    check_manifest(wanted, WORLD, speak_seconds=0.1, stalled_seconds=1.0)


def test_one_that_reads_nothing_any_more_is_ended_and_the_copy_is_kept(draft: Path) -> None:
    with pytest.raises(StoppedError) as stopped:
        check(effect(draft, "exec sleep 1000"))
    assert stopped.value.code == "V813"
    assert "could not verify" in str(stopped.value)
    assert "read nothing for 1.0 s, and was ended" in str(stopped.value)
    assert (draft / "whole").exists()
    assert not (draft / "verified").exists()


def test_one_that_reads_is_waited_for(draft: Path) -> None:
    reads = "for each in 1 2 3 4 5 6 7 8 9; do read -r line </proc/version; sleep 0.3; done"
    check(effect(draft, reads))
    assert (draft / "verified").exists()
