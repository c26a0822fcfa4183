"""What was done, as the journal tells it: runs, the steps they took, and how they ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from standbyctl.domain.codec import decode, decode_tagged
from standbyctl.domain.effects import Effect
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass, field
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.target import Target
from standbyctl.engine.journal import Outcome
from standbyctl.steps.base import Step
from standbyctl.steps.server import StopStandby


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was done or said, when, and on which node (empty where that is not known)."""

    at: str
    node: str
    said: Message


@dataclass(slots=True)
class Taken:
    """A step that was begun; `back`: it was given back. `done_at`: when a fresh look has shown it, empty where none."""

    step: Step
    back: bool
    begun_at: str
    before: Facts
    done_at: str = ""
    did: list[Line] = field(default_factory=list)
    heard: list[Line] = field(default_factory=list)

    @property
    def undone(self) -> tuple[Effect, ...]:
        """Effects that have not come to their end; the first of them may have been begun."""
        effects = self.step.undo(self.before) if self.back else self.step.effects()
        return () if self.done_at else effects[len(self.did) :]


@dataclass(frozen=True, slots=True)
class Stop:
    """The error that ended a run."""

    code: str
    what: Message
    detail: Message | None


@dataclass(slots=True)
class Told:
    """One run. `planned`: what it was to do, and whether by giving it back; `notes`: what was left as it is, and why.
    `outcome`: None where it was killed, or lost power, or still goes on.

    Times are RFC 3339 with a zone; `by`: user and host; `plan_digest`: sha256 of the plan file, empty without one.
    `target`, or of a change of roles `change`: what was asked; `verb`: by which verb, where the journal's kind does not
    say it. What an earlier release has not written down is empty.
    """

    undoing: bool
    at: str
    by: str = ""
    version: str = ""
    plan_digest: str = ""
    verb: str = ""
    target: Target | None = None
    change: RoleChange | None = None
    planned: tuple[tuple[Step, bool], ...] = ()
    notes: tuple[Message, ...] = ()
    taken: list[Taken] = field(default_factory=list)
    outcome: Outcome | None = None
    ended_at: str = ""
    stop: Stop | None = None
    after: Facts | None = None

    @property
    def before(self) -> Facts | None:
        """The facts before its first step."""
        return self.taken[0].before if self.taken else None


def tell(history: Iterable[dict[str, Any]], kinds: Iterable[type[Step]]) -> tuple[Told, ...]:
    """Read a journal's records. KeyError, TypeError or ValueError where one is not what we write."""
    known = tuple(kinds)
    runs: list[Told] = []
    for record in history:
        event = record["event"]
        if event in {"run", "undo"}:
            runs.append(_opened(record, known))
        elif event == "giving back" or (event == "begun" and runs):
            step: Step = decode_tagged(known, record["step"])
            # Releases before did not announce a detach.
            if not runs or (not runs[-1].undoing and (event == "giving back" or _unannounced(step, runs[-1]))):
                runs.append(Told(undoing=True, at=record["at"]))
            back = event == "giving back"
            runs[-1].taken.append(Taken(step, back, record["at"], decode(Facts, record["before"])))
        elif event == "done" and record["step"] is None:
            _proven(runs, record["at"])
        elif runs:
            _went_on(runs[-1], record, known)
    return tuple(runs)


def _unannounced(step: Step, run: Told) -> bool:
    return isinstance(step, StopStandby) and not run.version


def _proven(runs: list[Told], at: str) -> None:
    """What an interrupted run left unproven was proven by the last one."""
    left = next((taken for run in reversed(runs) for taken in reversed(run.taken) if not taken.done_at), None)
    if left is not None:
        runs[-1].taken.append(Taken(left.step, left.back, runs[-1].at, left.before, at))


def _opened(record: dict[str, Any], known: tuple[type[Step], ...]) -> Told:
    asked = record.get("target")
    of_roles = asked is not None and "followers" in asked
    return Told(
        undoing=record["event"] == "undo",
        at=record["at"],
        by=record.get("by", ""),
        version=record.get("version", ""),
        plan_digest=record.get("plan_digest", ""),
        verb=record.get("verb", ""),
        target=None if asked is None or of_roles else decode(Target, asked),
        change=decode(RoleChange, asked) if of_roles else None,
        planned=tuple((decode_tagged(known, each["step"]), each["back"]) for each in record.get("steps", ())),
        notes=decode(tuple[Message, ...], record.get("notes", [])),
    )


def _went_on(run: Told, record: dict[str, Any], known: tuple[type[Step], ...]) -> None:
    at, last = record["at"], run.taken[-1] if run.taken else None
    match record["event"]:
        case "did" if last:
            last.did.append(Line(at, record["node"], decode(Message, record["said"])))
        case "heard" if last:
            last.heard.append(Line(at, "", decode(Message, record["said"])))
        case "done" if last and record["step"] and decode_tagged(known, record["step"]) == last.step:
            last.done_at = at
        case "closed" if run.outcome is None:
            run.outcome, run.ended_at = Outcome.DONE, at
        case "ended":
            run.outcome, run.ended_at = Outcome(record["outcome"]), at
            run.after = decode(Facts | None, record["facts"])
            if error := record["error"]:
                detail = error["detail"] and decode(Message, error["detail"])
                run.stop = Stop(error["code"], decode(Message, error["what"]), detail)
