"""The pause: a primary stops, its standby is proven to have everything, and is promoted; or all is taken back.

Between the signal and the promotion there is one answer of a script and one statement; everything else is done before.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NoReturn

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import StandbyctlError, StoppedError
from standbyctl.domain.message import Message, msg
from standbyctl.domain.progress import Note, Unrun
from standbyctl.domain.record import dataclass, field
from standbyctl.nodes.hooks import hook_by_hand, run_hook
from standbyctl.nodes.ports import Session
from standbyctl.nodes.unstopped import why_not_stopped
from standbyctl.nodes.waiting import wait
from standbyctl.nodes.world import World

# Every row takes a millisecond, and rows are made as they are asked for; no language has to be there for it.
UNTIL = """
SELECT g.n FROM generate_series(1, {ms}) AS g(n)
 WHERE CASE WHEN {condition} THEN true ELSE pg_sleep(0.001)::text IS NULL END LIMIT 1
"""
# Who receives another timeline follows somebody who was promoted meanwhile.
_PROVEN = (
    "pg_last_wal_replay_lsn() {op} '{lsn}'::pg_lsn"
    " AND NOT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE received_tli > {timeline})"
)
PROMOTE = """
WITH proven AS MATERIALIZED ({proven}), asked AS MATERIALIZED (SELECT pg_promote(false) AS sent FROM proven)
SELECT (SELECT count(*) FROM proven)::int AS proven, coalesce((SELECT sent FROM asked), false) AS sent,
       EXISTS (SELECT FROM asked CROSS JOIN LATERAL ({primary}) AS seen WHERE asked.sent) AS promoted
"""
# A session waits for a hook and for a stop, and one statement for the promotion, whatever the server has for others
# (idle sessions: 14+, transactions: 17+). Where we are gone it goes on with nothing (14+).
_PATIENT = """
SELECT set_config(name, CASE name WHEN 'client_connection_check_interval' THEN '1000' ELSE '0' END, false)
  FROM pg_settings
 WHERE name IN ('statement_timeout', 'idle_session_timeout', 'transaction_timeout', 'client_connection_check_interval')
"""
_READY = (
    "SELECT pg_is_in_recovery(), pg_is_wal_replay_paused(), (SELECT system_identifier::text FROM pg_control_system())"
)
# A standby that waits for more has replayed all that it has.
_AT_END = """
SELECT pg_last_wal_replay_lsn()::text, EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'startup'
   AND wait_event IN ('RecoveryWalStream', 'RecoveryRetrieveRetryInterval', 'RecoveryWalAll'))
"""
_AT_END_SECONDS = 20
_SPARE_SECONDS = 30
_START_SECONDS = 660


def checkpoint(effect: fx.Checkpoint, world: World) -> None:
    """As long as it takes: a large one is spread over nothing when it is asked for."""
    session = world.doors[effect.node].server.session()
    try:
        session.rows(_PATIENT)
        session.rows("CHECKPOINT", timeout_seconds=effect.timeout_seconds)
    finally:
        session.close()


def hand_over(effect: fx.HandOver, world: World) -> None:
    """Whatever fails before the promotion is asked for is taken back; after that nothing is."""
    session = world.doors[effect.node].server.session()
    try:
        session.rows(_PATIENT)
        _Handing(effect, world, session).run()
    finally:
        session.close()


@dataclass(slots=True)
class _Handing:
    effect: fx.HandOver
    world: World
    session: Session
    said: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        effect, clock = self.effect, self.world.clock
        self._check()
        try:
            self._hook("before")
        except (StoppedError, KeyboardInterrupt):
            self._hook_back()
            raise
        begun, proven = clock.monotonic(), "SELECT 1"
        try:
            self._demote()
            stopped = clock.monotonic()
            lsn, op = self._everything()
            if effect.hooks.at:
                self._prove(lsn, op)
                self._hook("at")
            else:
                proven = self._until_proven(lsn, op)
        except StandbyctlError as error:
            self._take_back(error.what, error.detail)
        except KeyboardInterrupt:
            self._take_back(msg("interrupted"), None)
        self._promote(lsn, proven)
        paused = int(self.said.get("ms", 0)) / 1000 + clock.monotonic() - stopped
        self.world.tell(Note(self._told(lsn, min(paused, clock.monotonic() - begun) * 1000)))
        try:
            self._hook("after")
        except StoppedError as error:
            # Nothing is taken back for it, and everybody waits for what comes next.
            why = error.detail or msg("")
            by_hand = hook_by_hand("after", self.effect.hooks.after, self._roles())
            self.world.tell(Unrun(msg("WARNING: {what}: {why}", what=error.what, why=why), error.what, why, by_hand))

    def _told(self, lsn: str, pause_ms: float) -> Message:
        names = {"node": self.effect.node, "old": self.effect.old, "lsn": lsn}
        if (stop := self.said.get("stop_ms")) is None:
            return msg("{node} has all the WAL ({lsn}) of {old}, which was stopped before; it is the primary", **names)
        return msg(
            "{old} stopped after {stop} ms; {node} has all of its WAL ({lsn}) and is the primary: nobody took"
            " writes for {pause} ms",
            stop=stop,
            pause=f"{pause_ms:.0f}",
            **names,
        )

    def _check(self) -> None:
        """What was looked at before a person was asked may have changed since."""
        [(in_recovery, paused, system)] = self.session.rows(_READY)
        if not in_recovery or system != self.effect.system_identifier:
            raise self._stopped("R402", msg("{node} is not a standby any more", node=self.effect.node))
        if paused:
            raise self._stopped("R404", msg("replay is paused on {node}", node=self.effect.node))

    def _demote(self) -> None:
        effect = self.effect
        lines = "".join(f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in effect.settings)
        done = self.world.run(
            effect.old,
            "demote.sh",
            effect.old_directory,
            effect.old_bin,
            effect.system_identifier,
            str(effect.stop_seconds),
            data=lines.encode(),
            timeout_seconds=effect.stop_seconds + 2 * _SPARE_SECONDS,  # one that was started again is waited for
            after=("alive.sh", "unseal.sh"),
        )
        self.said = dict(line.split("=", 1) for line in done.stdout.decode().splitlines() if "=" in line)

    def _everything(self) -> tuple[str, str]:
        """Where the old primary's WAL ends: its shutdown checkpoint begins there, or it has replayed as far as that."""
        effect, state = self.effect, self.said.get("state")
        if state == "stopped":
            if int(self.said["timeline"]) != effect.timeline:
                raise self._stopped("R406", msg("{old} has another timeline", old=effect.old))
            return self.said["checkpoint"], ">"
        if state == "standby":
            return self._end_of_standby(), ">="
        raise self._stopped(*why_not_stopped(effect, self.said))

    def _end_of_standby(self) -> str:
        """Of an old primary that was made one by an earlier attempt, and was started since."""
        server = self.world.doors[self.effect.old].server
        # A session of before its stop has ended with it.
        server.close()
        found: list[str] = []

        def at_end() -> bool:
            [(lsn, waits)] = server.observe(_AT_END)
            found[:] = [str(lsn)]
            return bool(waits)

        late = self._stopped("R409", msg("{old} is still replaying its own WAL", old=self.effect.old))
        wait(self.world, at_end, _AT_END_SECONDS, 0.05, lambda: late)
        return found[0]

    def _until_proven(self, lsn: str, op: str) -> str:
        condition = _PROVEN.format(op=op, lsn=lsn, timeline=self.effect.timeline)
        return UNTIL.format(ms=self.effect.prove_seconds * 1000, condition=condition)

    def _prove(self, lsn: str, op: str) -> None:
        seconds = self.effect.prove_seconds * 3 + _SPARE_SECONDS
        if not self.session.rows(self._until_proven(lsn, op), timeout_seconds=seconds):
            raise self._stopped("R409", *self._unproven_words(lsn))

    def _promote(self, lsn: str, proven: str) -> None:
        """From the moment that this is sent nothing is taken back: it may have been heard."""
        effect = self.effect
        primary = UNTIL.format(ms=effect.promote_seconds * 1000, condition="NOT pg_is_in_recovery()")
        statement = PROMOTE.format(proven=proven, primary=primary)
        seconds = (effect.prove_seconds + effect.promote_seconds) * 3 + _SPARE_SECONDS
        try:
            [(found, sent, promoted)] = self.session.rows(statement, timeout_seconds=seconds)
        except StandbyctlError as error:
            raise self._stopped(
                "R410",
                msg("not known whether {node} was promoted", node=effect.node),
                msg("The connection was lost when that was asked for: {e}", e=error.detail or error.what),
            ) from error
        if not found:
            self._take_back(*self._unproven_words(lsn))
        if not sent or not promoted:
            raise self._stopped(
                "R410",
                msg("{node} is being promoted, and is not yet a primary", node=effect.node),
                msg("It was asked to {n} s ago.", n=effect.promote_seconds),
            )

    def _unproven_words(self, lsn: str) -> tuple[Message, Message]:
        return (
            msg("{node} has not got all the WAL of {old}", node=self.effect.node, old=self.effect.old),
            msg("It has not replayed {lsn}, where the WAL of {old} ends.", lsn=lsn, old=self.effect.old),
        )

    def _take_back(self, what: Message, detail: Message | None) -> NoReturn:
        """The old primary is one again. (Where an earlier run has stopped it, that may have asked for a promotion.)"""
        effect = self.effect
        if self.said.get("state") == "stopped" and "stop_ms" not in self.said:
            self._hook_back()
            raise self._not_taken_back(what, detail)
        self.world.tell(Note(msg("{what}: {old} is made the primary again", what=what, old=effect.old)))
        service = effect.service
        try:
            done = self.world.run(
                effect.old,
                "reinstate.sh",
                effect.old_directory,
                effect.old_bin,
                effect.system_identifier,
                service.unit if service.as_root else "",
                *service.cluster,
                service.log_path(effect.old_directory),
                "".join(f"{name}|" for name, _ in effect.settings),
                timeout_seconds=_START_SECONDS,
                as_root=service.as_root,
                after=("alive.sh", "unseal.sh", "run_again.sh"),
            )
        except StandbyctlError as error:
            raise self._stopped(
                "R411",
                msg("{what}, and {old} could not be started again", what=what, old=effect.old),
                msg("{why} Then: {e}", why=detail or "", e=error.detail or error.what),
            ) from error
        finally:
            self._hook_back()
        if b"came=standby" in done.stdout:
            raise self._stopped(
                "R411",
                msg("{what}, and {old} runs as a standby", what=what, old=effect.old),
                msg("{why} It was started after it was sealed; {node} was not promoted.", why=detail or "",
                    node=effect.node),
            )  # fmt: skip
        raise self._stopped(
            "R409",
            msg("the change of roles was taken back: {what}", what=what),
            msg("{why} {old} is the primary again; {node} was not promoted.", why=detail or "", old=effect.old,
                node=effect.node),
        )  # fmt: skip

    def _hook(self, stage: str) -> None:
        hooks = self.effect.hooks
        run_hook(stage, getattr(hooks, stage), self._roles(), hooks.timeout_seconds)

    def _roles(self) -> dict[str, str]:
        return {"STANDBYCTL_OLD_PRIMARY": self.effect.old, "STANDBYCTL_NEW_PRIMARY": self.effect.node}

    def _hook_back(self) -> None:
        with suppress(StoppedError):
            self._hook("back")

    def _stopped(self, code: str, what: Message, detail: Message | None = None) -> StoppedError:
        return StoppedError(
            code,
            what,
            detail=detail,
            hint=msg("Mend the cause, then run the same command again: it looks anew, and proves everything anew."),
        )

    def _not_taken_back(self, what: Message, detail: Message | None) -> StoppedError:
        effect = self.effect
        return StoppedError(
            "R412",
            msg("{old} stays stopped: {what}", old=effect.old, what=what),
            detail=msg(
                "{why} An earlier run has stopped {old}, and may have asked {node} to be the primary.",
                why=detail or "",
                old=effect.old,
                node=effect.node,
            ),
            hint=msg(
                "Mend the cause, then run the same command again. To give up: see that {node} stays in recovery, then"
                " take standby.signal out of {path} and start {old}.",
                node=effect.node,
                path=effect.old_directory,
                old=effect.old,
            ),
        )
