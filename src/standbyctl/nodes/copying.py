"""Run pg_basebackup under our eyes: say what it waits for, how far it is, and when nothing moves."""

from __future__ import annotations

from typing import Any

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import CannotTellError, StoppedError
from standbyctl.domain.message import msg
from standbyctl.domain.progress import FINISHING, Answer, Progress
from standbyctl.domain.record import dataclass
from standbyctl.domain.size import format_seconds
from standbyctl.nodes.replaying import check_source
from standbyctl.nodes.world import World, script_text

# As often as pg_basebackup says how far it is: each question is felt by a primary with few cores.
ASK_SECONDS = 1.0
# Until the first byte nothing is copied, and the pace is told from when that has come.
FIRST_ASK_SECONDS, SOON_SECONDS = 0.25, 10
ANSWER_SECONDS = 3
# What the server has sent of a copy is not what has arrived: over a line that is slower than it, so much waits in the
# socket's buffer (Linux: net.ipv4.tcp_wmem). Of a fast line it is nothing; a --max-rate leaves it empty.
SENT_AHEAD_BYTES = 4 << 20
_WATCH_SECONDS = 0.03
_PROGRESS = """
SELECT coalesce(max(p.phase), ''), max(p.backup_streamed), max(p.backup_total){held}
  FROM pg_stat_progress_basebackup AS p JOIN pg_stat_activity AS a USING (pid) WHERE a.application_name = %s
"""
# A standby has no current WAL.
_HELD = """
(SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                        restart_lsn)::bigint FROM pg_replication_slots WHERE slot_name = %s)
"""


def copy_cluster(effect: fx.CopyCluster, world: World) -> None:
    """Copy; end the copy whatever ends us."""
    lent = (effect.passfile, effect.entry, effect.lent_entry)
    elsewhere = "\n".join(f"{each.link} {each.path}" for each in effect.volumes)
    child = world.doors[effect.node].host.start(
        script_text("volumes.sh") + script_text("copy.sh"),
        effect.draft,
        effect.node,
        *lent,
        elsewhere,
        *effect.argv(),
    )
    meter, begun = _Meter(effect, world), world.clock.monotonic()
    try:
        while (status := child.poll()) is None:
            meter.tick()
            world.clock.sleep(_WATCH_SECONDS)
    finally:
        child.end()
    if effect.keeper:
        check_source(effect.source, effect.keeper, world)
    if status != 0:
        said = " | ".join(child.errors().splitlines()[-3:])
        raise StoppedError(
            "A204",
            msg("the base backup failed"),
            detail=msg("{e}", e=said) if said else msg("exit status {n}", n=status),
            hint=msg("Mend the cause, then run the same command again: it copies anew."),
        )
    took = format_seconds(world.clock.monotonic() - begun)
    world.tell(Answer(msg("answer: pg_basebackup has ended with exit status 0, after {took}", took=took)))


@dataclass(slots=True)
class _Meter:
    """Asks the source now and then, and knows how long nothing has moved."""

    effect: fx.CopyCluster
    world: World
    asked: float = float("-inf")
    began: float | None = None
    moved: float | None = None
    last: tuple[str, int | None] = ("", None)

    def tick(self) -> None:
        now = self.world.clock.monotonic()
        # A spread checkpoint takes minutes: then it is asked no more often than later.
        soon = self.began is None and (self.moved is None or now - self.moved < SOON_SECONDS)
        if now - self.asked < (FIRST_ASK_SECONDS if soon else ASK_SECONDS):
            return
        self.asked = now
        phase, done, total, held = self._seen()
        now = self.world.clock.monotonic()
        # No answer is no movement.
        if self.moved is None or (phase and (phase, done) != self.last):
            self.moved, self.last = now, (phase, done)
        if done and self.began is None:
            self.began = now
        arrived = done and max(done - (0 if self.effect.max_rate else SENT_AHEAD_BYTES), 0)
        rate = arrived / (now - self.began) if arrived and self.began and now > self.began + 1 else None
        self.world.tell(Progress(phase, arrived, total, rate, held, now - self.moved))

    def _seen(self) -> tuple[str, int | None, int | None, int | None]:
        """Phase, bytes sent, bytes in all, WAL held; an empty phase and None where nobody answers."""
        app, slot = f"{self.effect.name}_copy", self.effect.slot
        apart = bool(self.effect.keeper) and self.effect.keeper != self.effect.source
        query = _PROGRESS.format(held="" if apart else f", {_HELD}")
        try:
            [(phase, done, total, *rest)] = self._ask(self.effect.source, query, *([] if apart else [slot]), app)
        except CannotTellError:
            phase, done, total, rest = "", None, None, [None]
        else:
            phase = phase or (FINISHING if self.began is not None else "")
        if not apart:
            return phase, done, total, rest[0]
        try:
            [(held,)] = self._ask(self.effect.keeper, f"SELECT {_HELD}", slot)
        except CannotTellError:
            held = None
        return phase, done, total, held

    def _ask(self, node: str, query: str, *params: str) -> list[tuple[Any, ...]]:
        return self.world.doors[node].server.observe(query, *params, timeout_seconds=ANSWER_SECONDS)
