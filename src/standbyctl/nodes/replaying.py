"""Wait until a standby that is to be copied has all that the copy must have."""

from __future__ import annotations

from typing import Any

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import CannotTellError, StoppedError
from standbyctl.domain.message import Message, msg
from standbyctl.domain.progress import Note
from standbyctl.domain.record import dataclass
from standbyctl.domain.size import format_size
from standbyctl.nodes.world import World

# Soon enough to say why nothing happens, then not too often.
FIRST_WORD_SECONDS = 1.5
SPEAK_SECONDS = 10
SILENT_SECONDS = 60
_ANSWER_SECONDS = 10
_PAUSE_SECONDS = 0.1
# A slot begins with the REDO of the checkpoint that is the last one, or is under way (RedoRecPtr moves at its start).
_WRITTEN = """
SELECT pg_current_wal_flush_lsn()::text, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int,
       coalesce((SELECT restart_lsn <= redo_lsn FROM pg_replication_slots, pg_control_checkpoint()
                  WHERE slot_name = %s), true)
"""
_REPLAYED = """
SELECT pg_is_in_recovery(), (SELECT system_identifier::text FROM pg_control_system()),
       coalesce((SELECT received_tli FROM pg_stat_wal_receiver WHERE status = 'streaming'),
                (SELECT timeline_id FROM pg_control_checkpoint())),
       pg_wal_lsn_diff(%s::pg_lsn, pg_last_wal_replay_lsn())::bigint,
       CASE WHEN pg_is_in_recovery() THEN
         pg_get_wal_replay_pause_state() -- 14+
         CASE WHEN pg_is_wal_replay_paused() THEN 'paused' ELSE 'not paused' END -- <14
         END,
       current_setting('recovery_min_apply_delay')
"""


def await_replay(effect: fx.AwaitReplay, world: World) -> None:
    """Ask both until it is so; say what is waited for, and why it takes its time."""
    _Waiting(effect, world, world.clock.monotonic()).run()


def check_source(node: str, primary: str, world: World) -> None:
    """Raise StoppedError where it was promoted; that it cannot be asked any more is nothing against its copy."""
    try:
        rows = world.doors[node].server.observe("SELECT pg_is_in_recovery()", timeout_seconds=_ANSWER_SECONDS)
    except CannotTellError:
        return
    if rows == [(False,)]:
        raise promoted(node, primary)


def promoted(node: str, primary: str, *, for_copy: bool = True) -> StoppedError:
    """It is a primary by now: a copy of it would be on its own timeline."""
    what = msg("{node} is not in recovery any more", node=node)
    return _no_source(what, primary) if for_copy else _no_upstream(what, primary)


def _no_source(what: Message, primary: str) -> StoppedError:
    return StoppedError(
        "P137",
        what,
        detail=msg("It was to be the source of the copy; no copy of it is used."),
        hint=msg(
            "Run the same command with another standby in --copy-from, or without it: then {primary} is copied.",
            primary=primary,
        ),
    )


def _no_upstream(what: Message, primary: str) -> StoppedError:
    return StoppedError(
        "P139",
        what,
        detail=msg("The new standby was to stream from it."),
        hint=msg(
            "Take back what was begun with detach; then attach to another standby of {primary}, or to {primary}"
            " itself.",
            primary=primary,
        ),
    )


@dataclass(slots=True)
class _Waiting:
    effect: fx.AwaitReplay
    world: World
    began: float
    spoke: float = 0.0

    def run(self) -> None:
        clock = self.world.clock
        self.spoke, heard = self.began + FIRST_WORD_SECONDS - SPEAK_SECONDS, self.began
        wanted, timeline = self._written()
        while True:
            try:
                why = self._behind(wanted, timeline)
                heard = clock.monotonic()
            except CannotTellError:
                if clock.monotonic() - heard > SILENT_SECONDS:
                    raise
                why = msg("no answer")
            if why is None:
                return
            self._go_on(msg("{node} has replayed {lsn} ({why})", node=self.effect.node, lsn=wanted, why=why))

    def _written(self) -> tuple[str, int]:
        """What the primary has written, once no checkpoint is under way that the slot begins with."""
        server = self.world.doors[self.effect.primary].server
        while True:
            [(lsn, timeline, finished)] = server.observe(_WRITTEN, self.effect.slot)
            if finished:
                return str(lsn), int(timeline)
            self._go_on(msg("{node} has finished the checkpoint that is under way", node=self.effect.primary))

    def _behind(self, wanted: str, timeline: int) -> Message | None:
        """Why it is not there yet; None where it is. Raises StoppedError where it never will be."""
        server = self.world.doors[self.effect.node].server
        [row] = server.observe(_REPLAYED, wanted, timeout_seconds=_ANSWER_SECONDS)
        in_recovery, system, found, behind, pause, delay = row
        self._check(in_recovery, system, found, timeline)
        if behind <= 0:
            return None
        to_go = format_size(behind)
        if pause != "not paused":
            return msg("{n} to go; replay is paused: SELECT pg_wal_replay_resume() there goes on", n=to_go)
        if delay not in {"0", "0ms"}:
            return msg("{n} to go; recovery_min_apply_delay is {delay} there", n=to_go, delay=delay)
        return msg("{n} to go", n=to_go)

    def _check(self, in_recovery: Any, system: Any, found: Any, timeline: int) -> None:
        if not in_recovery:
            raise promoted(self.effect.node, self.effect.primary, for_copy=self.effect.for_copy)
        if self.effect.system_identifier not in {"", system}:
            raise self._stopped(msg("{node} is another cluster by now", node=self.effect.node))
        if found != timeline:
            raise self._stopped(msg("{node} is on timeline {n} by now", node=self.effect.node, n=found))

    def _stopped(self, what: Message) -> StoppedError:
        return (_no_source if self.effect.for_copy else _no_upstream)(what, self.effect.primary)

    def _go_on(self, what: Message) -> None:
        """Speak now and then; raise StoppedError where it has taken too long."""
        clock = self.world.clock
        now = clock.monotonic()
        if now - self.began > self.effect.timeout_seconds:
            raise StoppedError(
                "A206",
                msg("still waiting after {n} s until {what}", n=self.effect.timeout_seconds, what=what),
                hint=msg("Run the same command again to go on waiting, or without --copy-from.")
                if self.effect.for_copy
                else msg("Run the same command again to go on waiting."),
            )
        if now - self.spoke >= SPEAK_SECONDS:
            self.spoke = now
            self.world.tell(Note(msg("waiting until {what}", what=what)))
        clock.sleep(_PAUSE_SECONDS)
