"""A runbook: what, where, what is seen then, what is felt, the way back, who signs."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl import __version__
from standbyctl.app.planfile import ATTACH, DETACH
from standbyctl.app.planfile import Paper as Plan
from standbyctl.domain.hand import Hand, Kind
from standbyctl.domain.message import Message, msg
from standbyctl.planner.runbook import Row, Runbook, make_runbook
from standbyctl.ui.papers.blocks import Block, Code, Heading, Items, Paper, Paragraph, Table
from standbyctl.ui.render import FELT, text

_TITLES = {
    ATTACH: msg("Runbook: attach the standby {name} to {primary}, no restart"),
    DETACH: msg("Runbook: detach the standby {name} from {primary}"),
}


def runbook_paper(plan: Plan, path: str) -> Paper:
    """The paper of a saved plan. `path`: of that, for the command that carries it out."""
    return tuple(_Writer(plan, path, make_runbook(plan.plan, plan.back, plan.target, plan.facts)).write())


class _Writer:
    def __init__(self, plan: Plan, path: str, runbook: Runbook) -> None:
        self._plan, self._runbook = plan, runbook
        self._desks = {desk.node: desk for desk in plan.desks}
        name = plan.target.name
        attaches = plan.verb == ATTACH
        self._does = f"standbyctl attach {path}" if attaches else f"standbyctl detach {name}"
        self._undoes = f"standbyctl detach {name}" if attaches else ""

    def write(self) -> Iterator[Block]:
        plan, target = self._plan, self._plan.target
        title = _TITLES[plan.verb]
        yield Heading(1, text(msg(title.template, name=target.name, primary=target.primary)))
        yield self._head()
        yield from self._before()
        yield Heading(2, text(msg("Steps")))
        yield self._overview(self._runbook.rows)
        for row in self._runbook.rows:
            yield from self._step(row, self._does)
        yield from self._way_back()
        yield Heading(2, text(msg("When to stop and go back")))
        yield Items(tuple(text(stop) for stop in self._runbook.stops))
        yield Heading(2, text(msg("Afterwards")))
        yield from self._afterwards()

    def _head(self) -> Block:
        plan, target = self._plan, self._plan.target
        felt = plan.plan.impact(target.primary)
        return Table(
            (text(msg("Item")), text(msg("Content"))),
            (
                (text(msg("Plan")), f"sha256 {plan.digest}"),
                (text(msg("Made")), f"{plan.made_at.replace(chr(84), chr(32), 1)}, standbyctl {__version__}"),
                (text(msg("Impact on {node}", node=target.primary)), text(FELT[felt])),
                (text(msg("Operator")), ""),
                (text(msg("Checked by")), ""),
                (text(msg("Date and time")), ""),
                (text(msg("Approval")), ""),
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
        rows = tuple((desk.node, desk.host, desk.user, desk.psql) for desk in self._plan.desks)
        yield Table((text(msg("Node")), text(msg("Host")), text(msg("OS user of the server")), "psql"), rows)
        yield Paragraph(text(msg("All at once by standbyctl (it stops where the servers are no longer as planned):")))
        yield Code(self._does)
        if self._runbook.notes:
            yield Paragraph(text(msg("To be known before:")))
            yield Items(tuple(text(note) for note in self._runbook.notes))

    def _overview(self, rows: tuple[Row, ...]) -> Block:
        columns = (msg("No."), msg("Node"), msg("Work"), msg("Expected result"), msg("Impact"), msg("Way back"),
                   msg("Operator, time"), msg("Checked by"))  # fmt: skip
        return Table(
            tuple(map(text, columns)),
            tuple(
                (
                    str(row.number), row.step.place, f"{text(row.step.title)}\n{text(row.step.text)}",
                    text(_expected(row)), text(FELT[row.step.felt]), text(self._taken_back(row)), "", "",
                )
                for row in rows
            ),
        )  # fmt: skip

    def _taken_back(self, row: Row) -> Message:
        return row.step.undo_text if self._plan.verb == ATTACH else msg("attach it again")

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
        if not self._runbook.back:
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
        yield Code(self._undoes)
        for row in self._runbook.back:
            yield from self._step(row, "")

    def _afterwards(self) -> Iterator[Block]:
        name = self._plan.target.name
        if self._plan.verb == ATTACH:
            yield Code(f"standbyctl verify {name}\nstandbyctl status")
        yield Paragraph(text(msg("What was done, with times, results and facts, as the same table filled in:")))
        yield Code(f"standbyctl export evidence {name} -o evidence-{name}.md")


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
