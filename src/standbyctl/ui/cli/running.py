"""A run as it goes on: a line a step; on a terminal the copy moves in place, elsewhere it speaks every 10 s."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

import click

from standbyctl.domain.message import msg
from standbyctl.domain.progress import FINISHING, Answer, Note, Progress, Said, Trial
from standbyctl.domain.size import format_seconds, format_size
from standbyctl.engine.events import Event, StepBegun, StepDone
from standbyctl.ui.i18n import language
from standbyctl.ui.render import text
from standbyctl.ui.width import pad

if TYPE_CHECKING:
    from rich.live import Live

SPEAK_SECONDS = 10
# What the server counts goes on for a few seconds after the receiver has stopped: the socket's buffers fill.
STALL_SECONDS = 8
DONE = msg("done")
# Columns of a step's title.
_TITLE = {"en": 15, "ja": 18}
# PostgreSQL's own words for them (pg_stat_progress_basebackup), and one of ours.
_PHASES = {
    "initializing": msg("initializing"),
    "waiting for checkpoint to finish": msg("waiting for checkpoint to finish"),
    "estimating backup size": msg("estimating backup size"),
    "streaming database files": msg("streaming database files"),
    "waiting for wal archiving to finish": msg("waiting for wal archiving to finish"),
    "transferring wal files": msg("transferring wal files"),
    FINISHING: msg("receiving the last WAL and writing all of it to disk"),
}
_WAITING = ("waiting for checkpoint to finish", "waiting for wal archiving to finish", FINISHING)


class Running:
    """What is shown between the first step and the last."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._began = time.monotonic()
        self._spoke = 0.0
        self._state = ("", False)
        self._live: Live | None = None
        self._step_began = 0.0

    @property
    def took(self) -> str:
        """Since it began, in words."""
        return format_seconds(time.monotonic() - self._began)

    def __enter__(self) -> Running:
        self._began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    def tell(self, said: Said) -> None:
        """What a deed says."""
        if not isinstance(said, Trial | Answer):
            self.report(said)

    def report(self, event: Event) -> None:
        """What the engine, or a deed, says."""
        if self._quiet:
            return
        match event:
            case StepBegun():
                self._spoke, self._state, self._step_began = time.monotonic(), ("", False), time.monotonic()
            case StepDone(number, total, step):
                self._clear()
                took = time.monotonic() - self._step_began
                shown = f"  {format_seconds(took)}" if took >= 1 else ""
                title = pad(text(step.title), _TITLE[language()])
                self._say(f"  {number:>2}/{total} {title} {text(DONE)}{shown}")
            case Note(message):
                self._clear()
                self._say(f"        {text(message)}")
            case Progress():
                self._progress(event)

    def _say(self, line: str) -> None:
        """Neither a reader that has gone away (head, a closed pager) nor a full disk may stop a run half-way."""
        try:
            click.echo(line)
        except (OSError, ValueError):
            self._quiet = True

    def _progress(self, progress: Progress) -> None:
        line = render_progress(progress)
        if sys.stdout is not None and sys.stdout.isatty():
            self._show(line)
            return
        now = time.monotonic()
        due = now - self._spoke >= SPEAK_SECONDS
        state = (progress.phase, stalled(progress))
        if due or (state != self._state and progress.phase):
            self._say(f"        {line}")
            self._spoke, self._state = now, state

    def _show(self, line: str) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        shown = Text(f"        {line}", no_wrap=True, overflow="ellipsis")
        if self._live is None:
            self._live = Live(shown, console=Console(highlight=False), transient=True, auto_refresh=False)
            self._live.start()
        self._live.update(shown, refresh=True)

    def _clear(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def stalled(progress: Progress) -> bool:
    """Whether bytes should move and do not. Waiting for a checkpoint is waiting, and is said as that."""
    return progress.stalled_seconds >= STALL_SECONDS and progress.phase not in _WAITING


def render_progress(progress: Progress) -> str:
    """One line: what it waits for or how far it is, the WAL held meanwhile, and whether it stands still."""
    seconds = int(progress.stalled_seconds)
    if stalled(progress):
        phase = _PHASES.get(progress.phase, progress.phase) or msg("no answer")
        return text(msg("STALLED: nothing has moved for {n} s ({phase})", n=seconds, phase=phase))
    held = "" if progress.held_bytes is None else msg(", slot holds {size}", size=format_size(progress.held_bytes))
    phase = _PHASES.get(progress.phase, progress.phase) or msg("starting")
    if progress.phase in _WAITING:
        return text(msg("{phase}, {n} s{held}", phase=phase, n=seconds, held=held))
    if not progress.done_bytes or not progress.total_bytes:
        return text(msg("{phase}{held}", phase=phase, held=held))
    share = f"{min(progress.done_bytes / progress.total_bytes, 1.0):.0%}"
    copied = msg("copying {share} of {total}", share=share, total=format_size(progress.total_bytes))
    if not progress.rate_bytes:
        return text(msg("{copied}{held}", copied=copied, held=held))
    left = format_seconds(max(progress.total_bytes - progress.done_bytes, 0) / progress.rate_bytes)
    rate = format_size(progress.rate_bytes)
    return text(msg("{copied}, {rate}/s, {left} left{held}", copied=copied, rate=rate, left=left, held=held))
