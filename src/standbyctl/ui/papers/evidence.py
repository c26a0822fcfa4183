"""Evidence: the runbook's table filled in by the journal, and what was not as it should be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from standbyctl.app.evidence import Evidence
from standbyctl.domain.difference import differences
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.engine.journal import Outcome
from standbyctl.engine.story import Taken, Told
from standbyctl.steps.base import Step
from standbyctl.ui.papers.blocks import Block, Heading, Items, Paper, Paragraph, Table
from standbyctl.ui.render import text

_OUTCOMES = {
    Outcome.DONE: msg("done"),
    Outcome.STOPPED: msg("stopped by an error"),
    Outcome.INTERRUPTED: msg("interrupted by the operator"),
}
_NO_END = msg("no end is written down: killed, power lost, or still running")


def evidence_paper(evidence: Evidence) -> Paper:
    """The paper."""
    return tuple(_write(evidence))


def _write(evidence: Evidence) -> Iterator[Block]:
    yield Heading(1, text(msg("Evidence: standby {name}", name=evidence.name)))
    yield Table(
        (text(msg("Item")), text(msg("Content"))),
        (
            (text(msg("Journal")), f"{evidence.path}\nsha256 {evidence.digest}"),
            (text(msg("Runs")), str(len(evidence.runs))),
            (text(msg("Outcome")), text(_verdict(evidence.runs))),
            (text(msg("Checked by")), ""),
        ),
    )
    for number, run in enumerate(evidence.runs, 1):
        title = msg("Run {n}: detach", n=number) if run.undoing else msg("Run {n}: attach", n=number)
        yield Heading(2, text(title))
        yield from _run(run)
    yield Heading(2, text(msg("Deviations")))
    found = list(_deviations(evidence.runs))
    yield Items(tuple(map(text, found))) if found else Paragraph(text(msg("None.")))
    yield Heading(2, text(msg("Facts before and after")))
    yield from _facts(evidence.runs)


def _verdict(runs: tuple[Told, ...]) -> Message:
    if not runs:
        return msg("nothing was done")
    last = runs[-1]
    if last.outcome is Outcome.DONE:
        return msg("detached: everything was given back") if last.undoing else msg("attached")
    return msg("unfinished: {how}", how=_outcome(last))


def _outcome(run: Told) -> Message:
    return _NO_END if run.outcome is None else _OUTCOMES[run.outcome]


def _run(run: Told) -> Iterator[Block]:
    yield Table(
        (text(msg("Item")), text(msg("Content"))),
        (
            (text(msg("By")), run.by or "-"),
            (text(msg("Begun")), _when(run.at)),
            (text(msg("Ended")), _when(run.ended_at)),
            (text(msg("Outcome")), text(_outcome(run))),
            (text(msg("Plan")), f"sha256 {run.plan_digest}" if run.plan_digest else text(msg("no plan file"))),
            ("standbyctl", run.version or "-"),
        ),
    )
    if run.stop:
        detail = run.stop.detail or msg("")
        stop = msg("{code}: {what}. {detail}", code=run.stop.code, what=run.stop.what, detail=detail)
        yield Paragraph(text(stop))
    columns = (msg("No."), msg("Node"), msg("Work"), msg("Result"), msg("Begun"), msg("Done"), msg("Checked by"))
    yield Table(tuple(map(text, columns)), tuple(_rows(run)))
    lines = [(_when(line.at), line.node or taken.step.place, text(line.said)) for taken in run.taken
             for line in sorted([*taken.did, *taken.heard], key=lambda line: line.at)]  # fmt: skip
    if lines:
        yield Paragraph(text(msg("What was carried out and seen, in order; secrets are masked:")))
        yield Table((text(msg("Time")), text(msg("Node")), text(msg("Statement, command or result"))), tuple(lines))


def _when(at: str) -> str:
    return at.replace("T", " ", 1) or "-"


def _rows(run: Told) -> Iterator[tuple[str, ...]]:
    number = 0
    for number, taken in enumerate(run.taken, 1):
        yield (
            str(number), taken.step.place, _work(taken.step, undoing=run.undoing), text(_result(taken)),
            _when(taken.begun_at), _when(taken.done_at), "",
        )  # fmt: skip
    begun = [taken.step for taken in run.taken]
    for step in (step for step in run.planned if step not in begun):
        number += 1
        yield (
            str(number), step.place, _work(step, undoing=run.undoing), text(msg("not begun")), "-", "-", ""
        )  # fmt: skip


def _work(step: Step, *, undoing: bool) -> str:
    return f"{text(step.title)}\n{text(step.undo_text if undoing else step.text)}"


def _result(taken: Taken) -> Message:
    if taken.done_at:
        return msg("done, and seen by a fresh look")
    return msg("begun, and not seen done")


def _deviations(runs: tuple[Told, ...]) -> Iterator[Message]:
    for number, run in enumerate(runs, 1):
        if run.outcome is not Outcome.DONE:
            yield msg("run {n}: {how}", n=number, how=_outcome(run))
        for taken in run.taken:
            if not taken.done_at:
                yield msg("run {n}: begun, and not seen done: {step}", n=number, step=taken.step.title)
    if sum(not run.undoing for run in runs) > 1:
        yield msg("it was resumed: what a run had left was looked at anew, and gone on with")
    first, last = _first(runs), _last(runs)
    if first and last:
        for node in first.nodes:
            was = node.server and node.server.started_at
            is_ = next((each.server.started_at for each in last.nodes if each.name == node.name and each.server), was)
            if was != is_:
                yield msg("{node} was restarted meanwhile: {was}, then {now}", node=node.name, was=was, now=is_)


def _first(runs: tuple[Told, ...]) -> Facts | None:
    return next((run.before for run in runs if run.before), None)


def _last(runs: tuple[Told, ...]) -> Facts | None:
    return next((run.after for run in reversed(runs) if run.after), None)


def _facts(runs: tuple[Told, ...]) -> Iterator[Block]:
    first, last = _first(runs), _last(runs)
    if first is None or last is None:
        yield Paragraph(text(msg("Not known: no run has come to its end.")))
        return
    for node in first.nodes:
        if node.server:
            at = node.server.started_at
            yield Paragraph(text(msg("{node} had been running since {at}.", node=node.name, at=at)))
    found = differences(first, last)
    if not found:
        yield Paragraph(text(msg("All facts are as they were before.")))
        return
    columns = (text(msg("Fact")), text(msg("Before")), text(msg("After")))
    yield Table(columns, tuple((each.path, _value(each.was), _value(each.is_)) for each in found))


def _value(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
