"""Evidence: the runbook's table filled in by the journal, and what was not as it should be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from standbyctl.app.evidence import Evidence
from standbyctl.domain.difference import differences
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.roles import RoleChange
from standbyctl.engine.journal import Outcome
from standbyctl.engine.story import Taken, Told
from standbyctl.steps.base import Step
from standbyctl.ui.papers.blocks import Block, Heading, Items, Paper, Paragraph, Table
from standbyctl.ui.papers.subject import change_subject, subject, when
from standbyctl.ui.render import text

_OUTCOMES = {
    Outcome.DONE: msg("done"),
    Outcome.STOPPED: msg("stopped by an error"),
    Outcome.INTERRUPTED: msg("interrupted by the operator"),
    Outcome.FAILED: msg("stopped by a bug of standbyctl"),
}
_NOT_WRITTEN = msg("not known: the release of then wrote down no end")
_RUNS = {
    "switchover": msg("Run {n}: switchover"),
    "failover": msg("Run {n}: failover"),
    "resync": msg("Run {n}: resync"),
}
_RESUMED = msg("it was resumed: what a run had left was looked at anew, and gone on with")
_NO_END = msg("no end is written down: killed, power lost, or still running")


def evidence_paper(evidence: Evidence) -> Paper:
    """The paper."""
    return tuple(_write(evidence))


def _write(evidence: Evidence) -> Iterator[Block]:
    yield Heading(1, text(_title(evidence)))
    yield Table(
        (text(msg("Item")), text(msg("Content"))),
        (
            *(
                (text(msg("Journal")), f"{path}\nsha256 {digest}")
                for path, digest in ((evidence.path, evidence.digest), *evidence.more)
            ),
            (text(msg("Runs")), str(len(evidence.runs))),
            (text(msg("Outcome")), text(_verdict(evidence.runs))),
            *_about(evidence.runs),
            (text(msg("Checked by")), ""),
        ),
    )
    for number, run in enumerate(evidence.runs, 1):
        yield Heading(2, text(_headed(number, run)))
        yield from _run(run)
    yield Heading(2, text(msg("Deviations")))
    found = list(_deviations(evidence.runs))
    yield Items(tuple(map(text, found))) if found else Paragraph(text(msg("None.")))
    yield Heading(2, text(msg("Facts before and after")))
    yield from _facts(evidence.runs)


def _title(evidence: Evidence) -> Message:
    change = _change(evidence.runs)
    if change is None:
        return msg("Evidence: standby {name}", name=evidence.name)
    names = {"old": change.old, "new": change.new}
    if change.unplanned:
        return msg("Evidence: {new} takes the place of {old} (failover)", **names)
    return msg("Evidence: {new} becomes the primary, and {old} its standby (switchover)", **names)


def _headed(number: int, run: Told) -> Message:
    if run.verb == "ready" and run.target:
        return msg(
            "Run {n}: {name} made ready to follow {primary}", n=number, name=run.target.name, primary=run.target.primary
        )
    if run.verb == "kept":
        return msg("Run {n}: remembered after a change of roles, whose evidence is one of its own (--roles)", n=number)
    if run.verb in _RUNS:
        return msg(_RUNS[run.verb].template, n=number)
    return msg("Run {n}: detach", n=number) if run.undoing else msg("Run {n}: attach", n=number)


def _change(runs: tuple[Told, ...]) -> RoleChange | None:
    return next((run.change for run in runs if run.change), None)


def _about(runs: tuple[Told, ...]) -> Iterator[tuple[str, str]]:
    if change := _change(runs):
        facts = _first(runs)
        yield from change_subject(change, facts.member(change.new).system_identifier if facts else "-")
        return
    first, target = _first(runs), next((run.target for run in runs if run.target), None)
    if first and target:
        yield from subject(target, first.server(target.primary))


def _verdict(runs: tuple[Told, ...]) -> Message:
    if not runs:
        return msg("nothing was done")
    last, change = runs[-1], _change(runs)
    if last.outcome is Outcome.DONE:
        if change:
            return msg("{new} is the primary", new=change.new)
        if not last.undoing:
            return msg("attached")
        return msg("detached; what was left, see the deviations") if last.notes else msg("detached: all was given back")
    return msg("unfinished: {how}", how=_outcome(last))


def _outcome(run: Told) -> Message:
    if run.outcome is None:
        return _NO_END if run.version else _NOT_WRITTEN
    return _OUTCOMES[run.outcome]


def _run(run: Told) -> Iterator[Block]:
    yield Table(
        (text(msg("Item")), text(msg("Content"))),
        (
            (text(msg("By")), run.by or "-"),
            (text(msg("Begun")), when(run.at)),
            (text(msg("Ended")), when(run.ended_at)),
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
    lines = [line for taken in run.taken for line in _lines(taken)]
    if lines:
        yield Paragraph(text(msg("What was carried out and seen, with the time when it was done; secrets are masked:")))
        yield Table((text(msg("Time")), text(msg("Node")), text(msg("Statement, command or result"))), tuple(lines))


def _lines(taken: Taken) -> Iterator[tuple[str, str, str]]:
    """What an effect said while it was carried out comes below it."""
    heard = list(taken.heard)
    for did in taken.did:
        yield when(did.at), did.node, text(did.said)
        while heard and heard[0].at <= did.at:
            yield when(heard[0].at), taken.step.place, text(heard.pop(0).said)
    for line in heard:
        yield when(line.at), taken.step.place, text(line.said)
    for effect in taken.undone[:1]:
        yield "-", effect.node, text(msg("begun, and not seen done: {what}", what=effect.said))


def _rows(run: Told) -> Iterator[tuple[str, ...]]:
    number = 0
    for number, taken in enumerate(run.taken, 1):
        yield (
            str(number), taken.step.place, _work(taken.step, back=taken.back), text(_result(taken)),
            when(taken.begun_at), when(taken.done_at), "",
        )  # fmt: skip
    for step, back in _not_begun(run):
        number += 1
        yield str(number), step.place, _work(step, back=back), text(msg("not begun")), "-", "-", ""


def _not_begun(run: Told) -> list[tuple[Step, bool]]:
    """A plan that is made anew may propose something else in detail: what counts is the gist."""
    begun = [taken.step.gist for taken in run.taken]
    return [(step, back) for step, back in run.planned if step.gist not in begun]


def _work(step: Step, *, back: bool) -> str:
    return f"{text(step.title)}\n{text(step.undo_text if back else step.text)}"


def _result(taken: Taken) -> Message:
    if taken.done_at:
        return msg("done, and seen by a fresh look")
    return msg("begun, and not seen done")


def _deviations(runs: tuple[Told, ...]) -> Iterator[Message]:
    for number, run in enumerate(runs, 1):
        yield from _of_run(number, run)
    digests = [run.plan_digest for run in runs if not run.undoing]
    if any(digests) and not all(digests):
        for number, run in enumerate(runs, 1):
            if not run.undoing and not run.plan_digest:
                yield msg("run {n}: without the plan file that another run has followed", n=number)
    if _resumed(runs):
        yield _RESUMED
    first, last = _first(runs), _last(runs)
    for node in first.nodes if first and last else ():
        was = node.server and node.server.started_at
        seen = last.nodes if last else ()
        now = next((each.server.started_at for each in seen if each.name == node.name and each.server), was)
        if was != now:
            yield msg("{node} was restarted meanwhile: {was}, then {now}", node=node.name, was=was, now=now)


def _resumed(runs: tuple[Told, ...]) -> bool:
    """A change of roles is several runs anyway."""
    if _change(runs):
        return any(run.outcome is not Outcome.DONE for run in runs[:-1])
    return sum(not run.undoing for run in runs) > 1


def _of_run(number: int, run: Told) -> Iterator[Message]:
    if run.outcome is not Outcome.DONE:
        yield msg("run {n}: {how}", n=number, how=_outcome(run))
    for taken in run.taken:
        if not taken.done_at:
            yield msg("run {n}: begun, and not seen done: {step}", n=number, step=taken.step.title)
    for step, _ in _not_begun(run) if run.outcome is Outcome.DONE else ():
        yield msg("run {n}: planned, and done by somebody else meanwhile: {step}", n=number, step=step.title)
    yield from run.notes if run.undoing else ()


def _first(runs: tuple[Told, ...]) -> Facts | None:
    return next((run.before for run in _main(runs) if run.before), None)


def _last(runs: tuple[Told, ...]) -> Facts | None:
    """What the last run has seen last; nothing older is taken for it."""
    return _main(runs)[-1].after if runs else None


def _main(runs: tuple[Told, ...]) -> tuple[Told, ...]:
    """Without those that only made somebody ready: their facts are others."""
    return tuple(run for run in runs if run.change) or runs


def _facts(runs: tuple[Told, ...]) -> Iterator[Block]:
    first, last = _first(runs), _last(runs)
    if first is None or last is None:
        yield Paragraph(text(msg("Not known: the last run has written down no end.")))
        return
    a, b = when(_main(runs)[0].at), when(_main(runs)[-1].ended_at)
    yield Paragraph(text(msg("Before: {a}. After: {b}.", a=a, b=b)))
    for node in first.nodes:
        if node.server:
            at = node.server.started_at
            yield Paragraph(text(msg("{node} had been running since {at}.", node=node.name, at=at)))
    found = differences(first, last)
    if not found:
        yield Paragraph(text(msg("All facts are as they were before.")))
        return
    columns = (text(msg("Fact")), text(msg("Before")), text(msg("After")))
    yield Table(columns, tuple((_fact(each.path), _value(each.was), _value(each.is_)) for each in found))


# What a fact is called, by how its path ends; what is not here has the name that it has in the program.
_FACTS = {
    "contents": msg("data directory"),
    "running": msg("server runs"),
    "passfile": msg("passfile"),
    "password_set": msg("the role's password is that of the passfile"),
    "admitted": msg("a replication connection gets in"),
    "has_line": msg("line in pg_hba.conf"),
    "upstream": msg("streams from"),
    "started_by": msg("started by the attach of"),
    "timeline": msg("timeline"),
    "follows": msg("its configuration names the primary and the slot"),
}


# The same of a server in its cluster.
_MEMBER = {
    "power": msg("server"),
    "in_recovery": msg("in recovery"),
    "sealed": msg("has a standby.signal: cannot start as a primary"),
    "fenced": msg("kept from coming back as a primary"),
    "follows": msg("its configuration has it follow"),
}


def _fact(path: str) -> str:
    found = re.fullmatch(r"nodes\[(\w+)\]\.(server|place|member)\.(.*)", path)
    if found is None:
        return path
    node, kind, rest = found.groups()
    known = _FACTS | _MEMBER if kind == "member" else _FACTS
    what: Message | str = known.get(rest.rpartition(".")[2], rest)
    if kind == "member" and rest.startswith("slots["):
        what = msg("slot")
    elif named := re.fullmatch(r"(roles|slots|settings)\[([^]]+)\](.*)", rest):
        kinds = {"roles": msg("role"), "slots": msg("slot"), "settings": msg("parameter")}
        what = msg("{kind} {name}", kind=kinds[named[1]], name=f"{named[2]}{named[3]}")
    return text(msg("{node}: {what}", node=node, what=what))


def _value(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
