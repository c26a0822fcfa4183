"""A verifier of a copy is waited for as long as it reads, and no longer."""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path

import pytest

from standbyctl.app.session import silent
from standbyctl.domain.effects import CheckManifest
from standbyctl.domain.errors import StoppedError
from standbyctl.nodes import manifests
from standbyctl.nodes.libpq import LibpqServer
from standbyctl.nodes.local import LocalHost
from standbyctl.nodes.ports import Door
from standbyctl.nodes.world import World

NAME = pwd.getpwuid(os.geteuid()).pw_name


class Hurried:
    """A clock on which ten minutes are a second."""

    def monotonic(self) -> float:
        return time.monotonic() * 600

    def sleep(self, _: float) -> None:
        time.sleep(0.02)


WORLD = World({"db2": Door(LocalHost(NAME), LibpqServer("db2", {}))}, Hurried(), silent)


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


def test_one_that_reads_nothing_any_more_is_ended_and_the_copy_is_kept(draft: Path) -> None:
    with pytest.raises(StoppedError) as stopped:
        manifests.check_manifest(effect(draft, "exec sleep 1000 # $1"), WORLD)
    assert stopped.value.code == "V813"
    assert "could not verify" in str(stopped.value)
    assert "read nothing for 10 min 0 s, and was ended" in str(stopped.value)
    assert (draft / "whole").exists()
    assert not (draft / "verified").exists()


def test_one_that_reads_is_waited_for(draft: Path) -> None:
    reads = "for each in 1 2 3 4 5 6 7 8 9; do read -r line </proc/version; sleep 0.3; done"
    manifests.check_manifest(effect(draft, reads), WORLD)
    assert (draft / "verified").exists()
