"""A write-ahead journal: what was there before each step, made durable before the step is taken.

One JSON object a line, appended and fsynced. A line that a crash cut short is no line: what it would have
announced has not been begun.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from standbyctl import __version__
from standbyctl.domain.codec import decode, decode_tagged, encode, encode_tagged
from standbyctl.domain.effects import Effect
from standbyctl.domain.errors import CannotTellError, StandbyctlError
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.slots import SlotsOf
from standbyctl.domain.staging import Staging
from standbyctl.domain.target import Target
from standbyctl.planner.plan import Memory, Remembered
from standbyctl.steps.base import GiveBack, Step

SCHEMA = "standbyctl.journal/1"
Asked = TypeVar("Asked", Target, Staging, SlotsOf, RoleChange)

_DID, _HEAD = b'"event": "did"', 80  # what such a line begins with, after the moment
_TOLD = {"undo", "did", "heard", "ended"}  # it changes nothing of what there is to remember


class Outcome(StrEnum):
    """How a run has ended. One that was killed has no end."""

    DONE = "done"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"  # by a bug of ours


class Journal:
    """Everything that was done for one standby since it was first attached, or for the next start of one primary."""

    def __init__(
        self, path: Path, kinds: Iterable[type[Step]], now: Callable[[], str], who: Callable[[], str] = str
    ) -> None:
        self._path, self._kinds, self._now, self._who = path, tuple(kinds), now, who

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return self._path

    def open(
        self,
        target: Target | Staging | SlotsOf | RoleChange,
        conninfo: str,
        system_identifier: str,
        steps: Iterable[Step] = (),
        plan_digest: str = "",
        verb: str = "",
    ) -> None:
        """Begin a run: what was asked, so that its undoing knows whom to talk to. No secret is in it.

        `steps`: what it is to do; `plan_digest`: sha256 of the plan file that it follows; `verb`: if not attach.
        """
        self._append(
            event="run",
            schema=SCHEMA,
            target=encode(target),
            conninfo=conninfo,
            system_identifier=system_identifier,
            plan_digest=plan_digest,
            verb=verb,
            **self._signed(steps),
        )

    def undo(self, steps: Iterable[Step], notes: Iterable[Message] = ()) -> None:
        """Begin to give back. `notes`: what is left as it is, and why."""
        self._append(event="undo", notes=[encode(note) for note in notes], **self._signed(steps))

    def _signed(self, steps: Iterable[Step]) -> dict[str, Any]:
        planned = [{"back": isinstance(step, GiveBack), "step": encode_tagged(_inner(step))} for step in steps]
        return {"by": self._who(), "version": __version__, "steps": planned}

    def did(self, effect: Effect) -> None:
        """An effect has come to its end. It is durable with the next thing that has to be."""
        self._append(durable=False, event="did", node=effect.node, said=encode(effect.said))

    def heard(self, message: Message) -> None:
        """What was said meanwhile, and is worth keeping."""
        self._append(durable=False, event="heard", said=encode(message))

    def ended(self, outcome: Outcome, facts: Facts | None, error: StandbyctlError | None = None) -> None:
        """A run has come to an end, with what the last look saw."""
        said = error and {"code": error.code, "what": encode(error.what), "detail": encode(error.detail)}
        self._append(event="ended", outcome=outcome.value, facts=encode(facts), error=said)

    def histories(self) -> tuple[tuple[dict[str, Any], ...], ...]:
        """What was written from each time that the standby was attached until it was detached; the last may go on."""
        found: list[list[dict[str, Any]]] = []
        with self._records(told=True) as records:
            for record in records:
                if not found or found[-1][-1]["event"] == "closed":
                    found.append([])
                found[-1].append(record)
        return tuple(map(tuple, found))

    def unended(self) -> bool:
        """Whether the last run has no end in it: it was killed."""
        with self._records() as records:
            last = [each["event"] for each in records if each["event"] in {"run", "undo", "ended", "closed"}]
        return bool(last) and last[-1] in {"run", "undo"}

    def begin(self, step: Step, before: Facts) -> None:
        """Remember the facts before a step, then it may be taken. An earlier memory of it stays the true one."""
        event = "giving back" if isinstance(step, GiveBack) else "begun"
        self._append(event=event, step=encode_tagged(_inner(step)), before=encode(before))

    def inherit(self, entry: Remembered) -> None:
        """Remember what another standby's attach has done, and this one still relies on."""
        self._append(event="inherited", step=encode_tagged(entry.step), before=encode(entry.before))

    def done(self, step: Step) -> None:
        """A fresh look has shown the step."""
        self._append(event="done", step=encode_tagged(_inner(step)))

    def proven(self) -> None:
        """What an interrupted run left unproven was proven later."""
        self._append(event="done", step=None)

    def put_back(self) -> None:
        """What was given back stands there again."""
        self._append(event="put back")

    def given_back(self) -> tuple[Step, ...]:
        """The steps that were being given back since anything else was done, in that order."""
        found: list[Step] = []
        with self._records() as records:
            for record in records:
                if record["event"] == "giving back":
                    found.append(decode_tagged(self._kinds, record["step"]))
                elif record["event"] in {"begun", "put back", "closed"}:
                    found = []
        return tuple(found)

    def close(self) -> None:
        """Everything was given back: nothing is remembered from here on."""
        self._append(event="closed")

    def memory(self) -> Memory:
        """The steps begun since the journal was last closed, oldest first, each with the first memory of before.

        An attempt that died may have left its work, so every one is remembered that differs from the others. What was
        inherited comes at the end.
        """
        first: dict[Step, Facts] = {}
        found: dict[Step, Remembered] = {}
        others: dict[Step, Remembered] = {}
        with self._records() as records:
            for record in records:
                if record["event"] == "closed":
                    first, found, others = {}, {}, {}
                elif record["event"] == "inherited":
                    given: Step = decode_tagged(self._kinds, record["step"])
                    others.setdefault(given, Remembered(given, _facts(json.dumps(record["before"])), inherited=True))
                elif record["event"] == "begun":
                    step: Step = decode_tagged(self._kinds, record["step"])
                    if step.gist not in first:
                        first[step.gist] = _facts(json.dumps(record["before"]))
                    found.setdefault(step, Remembered(step, first[step.gist]))
        return (*found.values(), *others.values())

    def closed(self) -> bool:
        """Whether there was an attach, and everything was given back since."""
        with self._records() as records:
            last = [each["event"] for each in records if each["event"] not in _TOLD]
        return bool(last) and last[-1] == "closed"

    def unproven(self) -> bool:
        """Whether the last step that was begun was never seen done."""
        with self._records() as records:
            last = [each["event"] for each in records if each["event"] in {"begun", "done", "closed"}]
        return bool(last) and last[-1] == "begun"

    def run(self) -> tuple[Target, str, str] | None:
        """What was last asked (target, conninfo, system identifier), or None where nothing is attached."""
        return self.asked(Target)

    def asked(self, kind: type[Asked]) -> tuple[Asked, str, str] | None:
        """The same, where what was asked is of another kind."""
        found: tuple[Asked, str, str] | None = None
        with self._records() as records:
            for record in records:
                if record["event"] == "closed":
                    found = None
                elif record["event"] == "run":
                    found = decode(kind, record["target"]), record["conninfo"], record["system_identifier"]
        return found

    def last(self, kind: type[Asked]) -> Asked | None:
        """What was ever asked last, closed or not: whose journal this is."""
        found: Asked | None = None
        with self._records() as records:
            for record in records:
                if record["event"] == "run":
                    found = decode(kind, record["target"])
        return found

    def times(self, kind: type[Step]) -> tuple[tuple[Step, str], ...]:
        """The steps of a kind that were seen done, and when, as long as they are remembered."""
        found: list[tuple[Step, str]] = []
        with self._records() as records:
            for record in records:
                if record["event"] == "closed":
                    found = []
                elif record["event"] == "done" and record["step"] and record["step"]["kind"] == kind.__name__:
                    found.append((decode_tagged(self._kinds, record["step"]), str(record["at"])))
        return tuple(found)

    @contextmanager
    def _records(self, *, told: bool = False) -> Iterator[Iterator[dict[str, Any]]]:
        """Every whole line; CannotTellError where one is not what we write, for nothing is guessed from the rest.

        `told`: those too that only tell what an effect did, which is half of them.
        """
        number = 0

        def each() -> Iterator[dict[str, Any]]:
            nonlocal number
            whole = self._path.read_bytes().split(b"\n")[:-1] if self._path.exists() else []
            for line in whole:
                number += 1
                if told or _DID not in line[:_HEAD]:
                    yield json.loads(line)

        try:
            yield each()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CannotTellError(
                "A210",
                msg("cannot read the journal {path}", path=self._path),
                detail=msg("Line {n}: {kind}: {e}", n=number, kind=type(error).__name__, e=error),
                hint=msg("Mend that line. Or move the file away: detach then goes by the marks on the servers."),
            ) from error

    def _append(self, *, durable: bool = True, **record: Any) -> None:
        line = json.dumps({"at": self._now(), **record}, ensure_ascii=False).encode() + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write(line, durable=durable)
        except OSError as error:
            raise CannotTellError(
                "A211",
                msg("cannot write the journal {path}", path=self._path),
                detail=msg("{e}", e=error),
                hint=msg("Nothing is done that cannot be remembered. Mend the cause, then run the same command again."),
            ) from error

    def _write(self, line: bytes, *, durable: bool) -> None:
        fresh = not self._path.exists()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # The detach of another standby may write here too (`inherit`); closing the file gives the lock up.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            if torn:
                os.ftruncate(descriptor, self._path.read_bytes().rfind(b"\n") + 1)
            # A disk that fills up takes a part, and says so only when asked to take the rest.
            while line:
                line = line[os.write(descriptor, line) :]
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)


def _inner(step: Step) -> Step:
    return step.step if isinstance(step, GiveBack) else step


@lru_cache(maxsize=256)
def _facts(encoded: str) -> Facts:
    """Facts are large, and each line of a journal is read again at every look."""
    facts: Facts = decode(Facts, json.loads(encoded))
    return facts
