"""What every runbook has: its head, what is looked at first, steps by hand and by standbyctl, columns to be signed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from standbyctl.app.procedure import Procedure
from standbyctl.domain.hand import Hand, Kind
from standbyctl.domain.message import Message, msg
from standbyctl.planner.runbook import Row, Runbook, impact
from standbyctl.steps.base import Step
from standbyctl.ui.papers.blocks import Block, Code, Heading, Items, Paragraph, Table
from standbyctl.ui.papers.subject import when
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
_HERE = msg("Where standbyctl runs:")


class Writer(ABC):
    """One runbook; `of`: what is in its plan file."""

    def __init__(self, of: Procedure, runbook: Runbook) -> None:
        self.of = of
        self.runbook = runbook
        self.desks = {desk.node: desk for desk in of.desks}

    @property
    @abstractmethod
    def title(self) -> Message:
        """What is done to whom."""

    @property
    @abstractmethod
    def at_once(self) -> Message:
        """What the command does that does it all, and where it stops."""

    @abstractmethod
    def about(self) -> Iterator[tuple[str, str]]:
        """Rows of the first table: what is felt where, and which servers it is about."""

    @abstractmethod
    def way_back(self) -> Iterator[Block]:
        """Below its heading."""

    @abstractmethod
    def afterwards(self) -> Iterator[Block]:
        """Below its heading."""

    def undo(self, step: Step) -> Message:
        """The way back of one step, in a line."""
        return step.undo_text

    def warning(self, step: Step) -> Message:
        """Of one that is past the point of no return."""
        return msg("This cannot be undone.")

    def write(self) -> Iterator[Block]:
        """All of it."""
        yield Heading(1, text(self.title))
        yield Table(
            (text(msg("Item")), text(msg("Content"))),
            (
                (text(msg("Plan")), f"sha256 {self.of.digest}"),
                (text(msg("Made")), f"{when(self.of.made_at)}, standbyctl {self.of.version}"),
                *self.about(),
                *((text(field), "") for field in _FIELDS),
            ),
        )
        yield from self._before()
        yield Heading(2, text(msg("Steps")))
        yield self.overview(self.runbook.rows)
        for row in self.runbook.rows:
            yield from self.step(row, self.of.command)
        yield Heading(2, text(msg("Way back")))
        yield from self.way_back()
        yield Heading(2, text(msg("When to stop and go back")))
        yield Items(tuple(text(stop) for stop in self.runbook.stops))
        yield Heading(2, text(msg("Afterwards")))
        yield from self.afterwards()

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
        rows = tuple((desk.node, desk.host, desk.user, Code(desk.psql)) for desk in self.of.desks)
        yield Table((text(msg("Node")), text(msg("Host")), text(msg("OS user of the server")), "psql"), rows)
        yield Paragraph(text(self.at_once))
        yield Code(self.of.command)
        if self.runbook.notes:
            yield Paragraph(text(msg("To be known before:")))
            yield Items(tuple(text(note) for note in self.runbook.notes))
        yield Paragraph(
            text(
                msg(
                    "By hand, look first. psql takes its password from ~/.pgpass or PGPASSFILE, where one is asked for:"
                )
            )
        )
        for hand in self.runbook.look:
            yield from self.hand(hand)

    def overview(self, rows: tuple[Row, ...]) -> Block:
        """Steps as a table, with columns for a pen."""
        columns = (msg("No."), msg("Node"), msg("Work"), msg("Expected result"), msg("Impact"), msg("Way back"),
                   msg("Operator, time"), msg("Checked by"))  # fmt: skip
        return Table(
            tuple(map(text, columns)),
            tuple(
                (
                    str(row.number), row.step.place, f"{text(row.step.title)}\n{text(row.step.text)}",
                    text(_expected(row)), text(_impact(row.step)), text(self.undo(row.step)), "", "",
                )
                for row in rows
            ),
        )  # fmt: skip

    def step(self, row: Row, command: str) -> Iterator[Block]:
        """One by hand. `command`: what does it with all the others; empty where nothing does."""
        title = msg("{n}. {title} ({node})", n=row.number, title=row.step.title, node=row.step.place)
        yield Heading(3, text(title))
        if row.step.irreversible:
            yield Paragraph(text(self.warning(row.step)))
        for hand in row.hands:
            yield from self.hand(hand)
        if command:
            yield Paragraph(text(msg("By standbyctl, with all the others:")))
            yield Code(command)

    def hand(self, hand: Hand) -> Iterator[Block]:
        """Where, what, and what is seen then."""
        yield Paragraph(text(_where(hand, self.desks[hand.node].user) if hand.node else _HERE))
        yield Code(hand.text, {Kind.SHELL: "sh", Kind.SQL: "sql"}.get(hand.kind, "text"))
        if hand.expected:
            yield Paragraph(text(msg("Expected: {what}", what=hand.expected)))


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
