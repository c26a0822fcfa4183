"""A runbook: what, where, what is seen then, what is felt, the way back, who signs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from standbyctl.app.planfile import ATTACH, DETACH, RESYNC
from standbyctl.app.procedure import Procedure
from standbyctl.domain.message import Message, msg
from standbyctl.planner.runbook import aside, make_runbook
from standbyctl.steps.directory import SetDirectoryAside
from standbyctl.steps.rewind import RewindPlace
from standbyctl.ui.papers.blocks import Block, Code, Heading, Items, Paper, Paragraph
from standbyctl.ui.papers.procedure import Writer
from standbyctl.ui.papers.role_runbook import change_writer
from standbyctl.ui.papers.subject import evidence_of, subject
from standbyctl.ui.render import FELT, text

_TITLES = {
    ATTACH: msg("Runbook: attach the standby {name} to {primary}, no restart"),
    DETACH: msg("Runbook: detach the standby {name} from {primary}"),
    RESYNC: msg("Runbook: make {name} a standby of {primary} again"),
}


def runbook_paper(procedure: Procedure) -> Paper:
    """The paper of a saved plan."""
    writer = change_writer(procedure, procedure.change) if procedure.change else _Writer(procedure)
    return tuple(writer.write())


class _Writer(Writer):
    """Of what is about one standby."""

    def __init__(self, of: Procedure) -> None:
        super().__init__(of, make_runbook(of.plan, of.back, of.target, of.facts))

    @property
    def title(self) -> Message:
        return msg(_TITLES[self.of.verb].template, name=self.of.target.name, primary=self.of.target.primary)

    @property
    def at_once(self) -> Message:
        if self.of.verb == ATTACH:
            return msg("All at once by standbyctl (it stops where the servers are no longer as planned):")
        return msg("All at once by standbyctl (it plans anew, shows that plan, and asks):")

    def about(self) -> Iterator[tuple[str, str]]:
        target = self.of.target
        felt = FELT[self.of.plan.impact(target.primary)]
        yield text(msg("Impact on {node}", node=target.primary)), text(felt)
        yield from subject(target, self.of.facts.server(target.primary))

    def way_back(self) -> Iterator[Block]:
        if self.of.verb == DETACH:
            yield Paragraph(text(msg("Attach it again: standbyctl plan, then attach.")))
            return
        if self.of.verb == RESYNC:
            yield from self._way_back_of_resync()
            return
        yield Paragraph(
            text(
                msg(
                    "From any step on: by standbyctl, which takes back what is there and as it was left; or by hand, in"
                    " this order, without what has not been done yet."
                )
            )
        )
        words = ["standbyctl", "detach", self.of.target.name]
        if aside(self.of.back):
            words += ["--remove-data-dir", self.of.target.data_directory]
        yield Code(shlex.join(words))
        if self.runbook.back_notes:
            yield Items(tuple(text(note) for note in self.runbook.back_notes))
        yield self.overview(self.runbook.back)
        for row in self.runbook.back:
            yield from self.step(row, "")
        yield from self._given_up()

    def _way_back_of_resync(self) -> Iterator[Block]:
        name, moved = self.of.target.name, (each for each in self.of.plan.steps if isinstance(each, SetDirectoryAside))
        kept = next(moved, None)
        yield Paragraph(
            text(
                msg(
                    "None is needed: clients are not served by {name} before it is a standby again. Where it is not"
                    " finished, the same command goes on with it, now or later.",
                    name=name,
                )
            )
        )
        if kept:
            yield Paragraph(
                text(
                    msg(
                        "What {name} held is kept in {path}, and can be looked at there; it must not be started as a"
                        " primary.",
                        name=name,
                        path=kept.aside,
                    )
                )
            )
        if rewound := next((each for each in self.of.plan.steps if isinstance(each, RewindPlace)), None):
            lost = msg(
                "From pg_rewind on there is none: what {name} had more is overwritten, and only its WAL is kept, in"
                " {path}. Before it, the file standby.signal keeps {name} from being a primary.",
                name=name,
                path=f"{rewound.aside}/pg_wal",
            )
            yield Paragraph(text(lost))
        yield from self._given_up()

    def _given_up(self) -> Iterator[Block]:
        if self.runbook.given_up:
            yield Heading(3, text(msg("Where the base backup was given up before its end")))
            yield Paragraph(text(msg("End it first (Ctrl-C); then remove what is left of it:")))
            for hand in self.runbook.given_up:
                yield from self.hand(hand)

    def afterwards(self) -> Iterator[Block]:
        target, name = self.of.target, self.of.target.name
        if self.of.verb != DETACH:
            ends = " ".join(
                f"{flag} {self.desks[node].conninfo}" for flag, node in (("-p", target.primary), ("-s", name))
            )
            yield Paragraph(text(msg("Is it a true, current copy? The second line is for one made by hand:")))
            yield Code(f"standbyctl verify {name}\nstandbyctl verify {ends}")
        yield from evidence_of(name)
