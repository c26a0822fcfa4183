"""A runbook: what, where, what is seen then, what is felt, the way back, who signs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from standbyctl.app.planfile import ATTACH, DETACH, Procedure
from standbyctl.domain.hand import Hand, Kind
from standbyctl.domain.message import Message, msg
from standbyctl.planner.runbook import Row, Runbook, aside, impact, make_runbook
from standbyctl.steps.base import Step
from standbyctl.ui.papers.blocks import Block, Code, Heading, Items, Paper, Paragraph, Table
from standbyctl.ui.papers.subject import subject, when
from standbyctl.ui.render import FELT, text

# For a pen.
_FIELDS = (
    msg("Change number"),
    msg("Operator"),
    msg("Checked by"),
    msg("Approval"),
    msg("Planned begin and end"),
    msg("Actual begin and end"),
    msg("Give up at (time), decided by"),
    msg("Contacts"),
)
_TITLES = {
    ATTACH: msg("Runbook: attach the standby {name} to {primary}, no restart"),
    DETACH: msg("Runbook: detach the standby {name} from {primary}"),
}


def runbook_paper(procedure: Procedure) -> Paper:
    """The paper of a saved plan."""
    return tuple(_Writer(procedure).write())


class _Writer:
    def __init__(self, procedure: Procedure) -> None:
        self._of = procedure
        self._runbook: Runbook = make_runbook(procedure.plan, procedure.back, procedure.target, procedure.facts)
        self._desks = {desk.node: desk for desk in procedure.desks}

    def write(self) -> Iterator[Block]:
        target, title = self._of.target, _TITLES[self._of.verb]
        yield Heading(1, text(msg(title.template, name=target.name, primary=target.primary)))
        yield self._head()
        yield from self._before()
        yield Heading(2, text(msg("Steps")))
        yield self._overview(self._runbook.rows)
        for row in self._runbook.rows:
            yield from self._step(row, self._of.command)
        yield from self._way_back()
        yield Heading(2, text(msg("When to stop and go back")))
        yield Items(tuple(text(stop) for stop in self._runbook.stops))
        yield Heading(2, text(msg("Afterwards")))
        yield from self._afterwards()

    def _head(self) -> Block:
        of, target = self._of, self._of.target
        felt = of.plan.impact(target.primary)
        return Table(
            (text(msg("Item")), text(msg("Content"))),
            (
                (text(msg("Plan")), f"sha256 {of.digest}"),
                (text(msg("Made")), f"{when(of.made_at)}, standbyctl {of.version}"),
                (text(msg("Impact on {node}", node=target.primary)), text(FELT[felt])),
                *subject(target, of.facts.server(target.primary)),
                *((text(field), "") for field in _FIELDS),
            ),
        )

    def _before(self) -> Iterator[Block]:
        yield Heading(2, text(msg("Preparation")))
        yield Paragraph(
            text(
                msg(
                    "Every step can be done by hand, or all of them at once by standbyctl: the outcome is the same."
                    " Do not mix the two within one step. By hand, compare each result with the expected one before"
                    " you go on."
                )
            )
        )
        rows = tuple((desk.node, desk.host, desk.user, desk.psql) for desk in self._of.desks)
        yield Table((text(msg("Node")), text(msg("Host")), text(msg("OS user of the server")), "psql"), rows)
        yield Paragraph(
            text(
                msg("All at once by standbyctl (it stops where the servers are no longer as planned):")
                if self._of.verb == ATTACH
                else msg("All at once by standbyctl (it plans anew, shows that plan, and asks):")
            )
        )
        yield Code(self._of.command)
        if self._runbook.notes:
            yield Paragraph(text(msg("To be known before:")))
            yield Items(tuple(text(note) for note in self._runbook.notes))
        yield Paragraph(
            text(
                msg(
                    "By hand, look first. psql takes its password from ~/.pgpass or PGPASSFILE, where one is asked for:"
                )
            )
        )
        for hand in self._runbook.look:
            yield from self._hand(hand)

    def _overview(self, rows: tuple[Row, ...]) -> Block:
        columns = (msg("No."), msg("Node"), msg("Work"), msg("Expected result"), msg("Impact"), msg("Way back"),
                   msg("Operator, time"), msg("Checked by"))  # fmt: skip
        return Table(
            tuple(map(text, columns)),
            tuple(
                (
                    str(row.number), row.step.place, f"{text(row.step.title)}\n{text(row.step.text)}",
                    text(_expected(row)), text(_impact(row.step)), text(row.step.undo_text), "", "",
                )
                for row in rows
            ),
        )  # fmt: skip

    def _step(self, row: Row, command: str) -> Iterator[Block]:
        title = msg("{n}. {title} ({node})", n=row.number, title=row.step.title, node=row.step.place)
        yield Heading(3, text(title))
        if row.step.irreversible:
            yield Paragraph(text(msg("This cannot be undone.")))
        for hand in row.hands:
            yield from self._hand(hand)
        if command:
            yield Paragraph(text(msg("By standbyctl, with all the others: {command}", command=command)))

    def _hand(self, hand: Hand) -> Iterator[Block]:
        desk = self._desks[hand.node]
        yield Paragraph(text(_where(hand, desk.user)))
        yield Code(hand.text, {Kind.SHELL: "sh", Kind.SQL: "sql"}.get(hand.kind, "text"))
        if hand.expected:
            yield Paragraph(text(msg("Expected: {what}", what=hand.expected)))

    def _way_back(self) -> Iterator[Block]:
        yield Heading(2, text(msg("Way back")))
        if self._of.verb == DETACH:
            yield Paragraph(text(msg("Attach it again: standbyctl plan, then attach.")))
            return
        yield Paragraph(
            text(
                msg(
                    "From any step on: by standbyctl, which takes back what is there and as it was left; or by hand, in"
                    " this order, without what has not been done yet."
                )
            )
        )
        words = ["standbyctl", "detach", self._of.target.name]
        if aside(self._of.back):
            words += ["--remove-data-dir", self._of.target.data_directory]
        yield Code(shlex.join(words))
        if self._runbook.back_notes:
            yield Items(tuple(text(note) for note in self._runbook.back_notes))
        yield self._overview(self._runbook.back)
        for row in self._runbook.back:
            yield from self._step(row, "")
        if self._runbook.given_up:
            yield Heading(3, text(msg("Where the base backup was given up before its end")))
            yield Paragraph(text(msg("End it first (Ctrl-C); then remove what is left of it:")))
            for hand in self._runbook.given_up:
                yield from self._hand(hand)

    def _afterwards(self) -> Iterator[Block]:
        target, name = self._of.target, self._of.target.name
        if self._of.verb == ATTACH:
            ends = " ".join(
                f"{flag} {self._desks[node].conninfo}" for flag, node in (("-p", target.primary), ("-s", name))
            )
            yield Paragraph(text(msg("Is it a true, current copy? The second line is for one made by hand:")))
            yield Code(f"standbyctl verify {name}\nstandbyctl verify {ends}")
        yield Paragraph(
            text(
                msg(
                    "What standbyctl has done, with times, results and facts, as the same table filled in. By hand,"
                    " this paper with its columns filled in is the evidence, and the log of the terminal:"
                )
            )
        )
        yield Code(f"standbyctl export evidence {name} -o evidence-{name}.md")


def _impact(step: Step) -> Message:
    more = impact(step)
    return FELT[step.felt] if more is None else msg("{felt}; {more}", felt=FELT[step.felt], more=more)


def _where(hand: Hand, user: str) -> Message:
    user = hand.user or user
    if hand.kind is Kind.SHELL:
        return msg("On {node}, as {user}:", node=hand.node, user=user)
    if hand.kind is Kind.SQL:
        return msg("On {node}, in psql:", node=hand.node)
    who = {"node": hand.node, "user": user, "path": hand.path}
    if hand.kind is Kind.REMOVE:
        return msg("On {node}, as {user}, take this line out of {path}:", **who)
    if hand.before_line is None:
        return msg("On {node}, as {user}, put this line at the end of {path}:", **who)
    return msg("On {node}, as {user}, put this line into {path}, as its line {n}:", n=hand.before_line, **who)


def _expected(row: Row) -> Message:
    """The last thing that is seen tells whether the step has worked."""
    return next((hand.expected for hand in reversed(row.hands) if hand.expected), msg("no error"))
