"""The deeds of a change of roles. Together they are the pause in which nobody takes writes."""

from __future__ import annotations

import shlex

from standbyctl.domain.deed import Deed, literally
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, field
from standbyctl.domain.service import PG_CTL, Service


@dataclass(frozen=True, slots=True)
class Hooks:
    """Programs of the operator's, run on this machine: argv, no shell. Empty for none.

    `before`: while the old primary still takes writes (a pooler's PAUSE); where it fails nothing is changed.
    `at`: once the old primary has stopped, before the new one is promoted (an address that moves).
    `after`: once the new primary takes writes (RESUME). `back`: where the change is taken back after `before`.
    """

    before: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    timeout_seconds: int = 10

    def lines(self, *stages: str) -> list[str]:
        """Those of these stages, as people type them."""
        return [f"{stage}: {shlex.join(getattr(self, stage))}" for stage in stages if getattr(self, stage)]


NO_HOOKS = Hooks()


@dataclass(frozen=True, slots=True)
class Checkpoint(Deed):
    """Write a checkpoint, so that the next one, in a shutdown, has little left to write."""

    node: str
    timeout_seconds: int

    @property
    def said(self) -> Message:
        return literally("CHECKPOINT;")


@dataclass(frozen=True, slots=True)
class HandOver(Deed):
    """Stop a primary, prove that its standby has all of its WAL, and promote that one; else start it again.

    `node`: who is promoted; `old`: who is stopped, and left with a standby.signal and `settings` that have it follow
    the new one. One script on the host of the old primary, one statement on the new one.
    """

    node: str
    old: str
    old_directory: str
    old_bin: str
    system_identifier: str
    timeline: int
    settings: tuple[tuple[str, str], ...]
    service: Service = PG_CTL
    stop_seconds: int = 60
    prove_seconds: int = 10
    promote_seconds: int = 60
    hooks: Hooks = field(default=NO_HOOKS)

    @property
    def said(self) -> Message:
        conf = [f"  {name} = '{value}'" for name, value in self.settings]
        before, at, after = (self.hooks.lines(stage) for stage in ("before", "at", "after"))
        return msg("as one deed:").followed_by(
            [
                *before,
                f"{self.old}: kill -INT $(head -n 1 {shlex.quote(self.old_directory)}/postmaster.pid)",
                f"{self.old}: {self.old_directory}/standby.signal, postgresql.auto.conf:",
                *conf,
                f"{self.node}: pg_last_wal_replay_lsn() > Latest checkpoint location of {self.old}",
                *at,
                f"{self.node}: SELECT pg_promote(false);",
                *after,
            ]
        )


@dataclass(frozen=True, slots=True)
class StartAgain(Deed):
    """Start a server that is to be a standby the way it was started before; it has a standby.signal."""

    node: str
    data_directory: str
    bin_directory: str
    service: Service = PG_CTL

    @property
    def said(self) -> Message:
        if self.service.managed:
            return literally(self.service.command("start"))
        # With no server to stop, this starts one with the options that the last one had.
        return literally(f"{self.bin_directory}/pg_ctl restart -D {shlex.quote(self.data_directory)}")
