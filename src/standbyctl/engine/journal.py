"""A write-ahead journal: what was there before each step, made durable before the step is taken.

One JSON object a line, appended and fsynced. A line that a crash cut short is no line: what it would have
announced has not been begun.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from standbyctl.domain.codec import decode, decode_tagged, encode, encode_tagged
from standbyctl.domain.facts import Facts
from standbyctl.domain.target import Target
from standbyctl.planner.plan import Memory, Remembered
from standbyctl.steps.base import GiveBack, Step

SCHEMA = "standbyctl.journal/1"


class Journal:
    """Everything that was done for one standby since it was first attached."""

    def __init__(self, path: Path, kinds: Iterable[type[Step]], now: Callable[[], str]) -> None:
        self._path, self._kinds, self._now = path, tuple(kinds), now

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return self._path

    def open(self, target: Target, conninfo: str, system_identifier: str) -> None:
        """Begin a run: what was asked, so that detach knows whom to talk to. No secret is in it."""
        self._append(
            event="run",
            schema=SCHEMA,
            target=encode(target),
            conninfo=conninfo,
            system_identifier=system_identifier,
        )

    def begin(self, step: Step, before: Facts) -> None:
        """Remember the facts before a step, then it may be taken. An earlier memory of it stays the true one."""
        inner, event = (step.step, "giving back") if isinstance(step, GiveBack) else (step, "begun")
        self._append(event=event, step=encode_tagged(inner), before=encode(before))

    def done(self, step: Step) -> None:
        """A fresh look has shown the step."""
        inner = step.step if isinstance(step, GiveBack) else step
        self._append(event="done", step=encode_tagged(inner))

    def proven(self) -> None:
        """What an interrupted run left unproven was proven later."""
        self._append(event="done", step=None)

    def close(self) -> None:
        """Everything was given back: nothing is remembered from here on."""
        self._append(event="closed")

    def memory(self) -> Memory:
        """The steps begun since the journal was last closed, oldest first; the first memory of each wins."""
        found: dict[Step, Remembered] = {}
        for line in self._lines():
            if line["event"] == "closed":
                found = {}
            elif line["event"] == "begun":
                step: Step = decode_tagged(self._kinds, line["step"])
                found.setdefault(step.gist, Remembered(step, decode(Facts, line["before"])))
        return tuple(found.values())

    def unproven(self) -> bool:
        """Whether the last step that was begun was never seen done."""
        last = [line["event"] for line in self._lines() if line["event"] in {"begun", "done", "closed"}]
        return bool(last) and last[-1] == "begun"

    def run(self) -> tuple[Target, str, str] | None:
        """What was last asked (target, conninfo, system identifier), or None where nothing is attached."""
        found: tuple[Target, str, str] | None = None
        for line in self._lines():
            if line["event"] == "closed":
                found = None
            elif line["event"] == "run":
                found = decode(Target, line["target"]), line["conninfo"], line["system_identifier"]
        return found

    def _lines(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        whole = self._path.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in whole if line]

    def _append(self, **record: Any) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = not self._path.exists()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            if torn:
                os.ftruncate(descriptor, self._path.read_bytes().rfind(b"\n") + 1)
            line = json.dumps({"at": self._now(), **record}, ensure_ascii=False)
            os.write(descriptor, line.encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
