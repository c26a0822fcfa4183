"""A runbook of a change of roles."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from standbyctl.app.procedure import Procedure
from standbyctl.domain.deed import literally
from standbyctl.domain.message import Message, msg
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.version import version_text
from standbyctl.planner.role_runbook import make_change_runbook
from standbyctl.steps.base import GiveBack, Step
from standbyctl.steps.roles import SwitchPrimary
from standbyctl.ui.papers.blocks import Block, Code, Heading, Items, Paragraph
from standbyctl.ui.papers.procedure import Writer
from standbyctl.ui.papers.subject import change_subject, evidence_of
from standbyctl.ui.render import FELT, text


def change_writer(of: Procedure, change: RoleChange) -> Writer:
    """The one for a change of that kind."""
    return _Failover(of, change) if change.unplanned else _Switchover(of, change)


class _Change(Writer):
    """What both kinds have."""

    def __init__(self, of: Procedure, change: RoleChange) -> None:
        super().__init__(of, make_change_runbook(of.plan, of.back, change, of.facts))
        self.change = change
        # Past these a change of roles is taken back by another one, or not at all.
        places = [number for number, step in enumerate(of.plan.steps) if step.irreversible]
        self.done = of.plan.steps[places[-1] + 1 :] if places else of.plan.steps

    @property
    def at_once(self) -> Message:
        return msg("All at once by standbyctl (it plans anew, shows that plan, and asks):")

    def about(self) -> Iterator[tuple[str, str]]:
        change, new = self.change, self.of.facts.member(self.change.new)
        for name in change.names:
            yield text(msg("Impact on {node}", node=name)), text(FELT[self.of.plan.impact(name)])
        yield from change_subject(change, new.system_identifier)
        yield "PostgreSQL", version_text(self.of.version_num)

    def afterwards(self) -> Iterator[Block]:
        yield Paragraph(text(msg("Who is what, and whether all is well:")))
        yield Code("standbyctl status")
        yield Paragraph(
            text(msg("By hand: have standbyctl look at what was done, and remember it; nothing is left to do then:"))
        )
        yield Code(f"{self.of.command} --yes")
        yield from self.next()
        yield from evidence_of(self.change.new, "--roles")

    def next(self) -> Iterator[Block]:
        """What is left to do."""
        yield from ()


class _Switchover(_Change):
    @property
    def title(self) -> Message:
        names = {"new": self.change.new, "old": self.change.old}
        return msg("Runbook: make {new} the primary, and {old} its standby (switchover)", **names)

    def undo(self, step: Step) -> Message:
        if isinstance(step, GiveBack):
            return step.step.text
        return self._again if step in self.done else step.undo_text

    def warning(self, step: Step) -> Message:
        return msg("From the promotion on, this cannot be undone.")

    @property
    def _again(self) -> Message:
        return literally(shlex.join(["standbyctl", "switchover", "--to", self.change.old]))

    def way_back(self) -> Iterator[Block]:
        yield Paragraph(text(msg("Once {new} was promoted: another change of roles, with a runbook of its own.",
                                 new=self.change.new)))  # fmt: skip
        command = text(self._again)
        yield Code(f"{command}\n{command} -o back.plan\nstandbyctl export runbook back.plan")
        if any(isinstance(step, SwitchPrimary) for step in self.of.plan.steps):
            yield Paragraph(
                text(
                    msg(
                        "As long as nobody was promoted: standbyctl takes the stop back by itself where anything fails,"
                        " and keeps what was made for the new standbys for the next time. By hand:"
                    )
                )
            )
            yield Heading(3, text(msg("{old} is the primary again", old=self.change.old)))
            for hand in self.runbook.given_up:
                yield from self.hand(hand)
        if self.runbook.back:
            yield Paragraph(
                text(
                    msg(
                        "Then, where the change is not to be tried again, what was made for the new standbys, in this"
                        " order, without what has not been done yet."
                    )
                )
            )
            yield self.overview(self.runbook.back)
            for row in self.runbook.back:
                yield from self.step(row, "")


class _Failover(_Change):
    @property
    def title(self) -> Message:
        return msg(
            "Runbook: {old} is gone, make {new} the primary (failover)", old=self.change.old, new=self.change.new
        )

    def undo(self, step: Step) -> Message:
        return msg("none") if step in self.done else step.undo_text

    def way_back(self) -> Iterator[Block]:
        names = {"old": self.change.old, "new": self.change.new}
        yield Items(
            (
                text(
                    msg(
                        "As long as nobody was promoted: what has kept {old} away is taken back (its standby.signal,"
                        " its unit, the fence), and it is started.",
                        **names,
                    )
                ),
                text(
                    msg(
                        "Once {new} was promoted: none. {old} comes back as a standby, and another switchover makes it"
                        " the primary again.",
                        **names,
                    )
                ),
            )
        )

        if self.runbook.given_up:
            yield Heading(3, text(msg("{old} is the primary again", **names)))
        for hand in self.runbook.given_up:
            yield from self.hand(hand)

    def next(self) -> Iterator[Block]:
        yield Paragraph(text(msg("When the host of {old} is back:", old=self.change.old)))
        yield Code(f"standbyctl resync {shlex.quote(self.change.old)}")
