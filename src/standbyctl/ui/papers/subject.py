"""What several papers say in the same words: what they are about, when something was, where the evidence is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from standbyctl.domain.facts import Server
from standbyctl.domain.message import msg
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.target import Target
from standbyctl.domain.version import version_text
from standbyctl.ui.papers.blocks import Block, Code, Paragraph
from standbyctl.ui.render import text


def subject(target: Target, primary: Server) -> tuple[tuple[str, str], ...]:
    """Rows of a table: the two servers, by what they are known."""
    place = msg("{name}: {path}, port {port}", name=target.name, path=target.data_directory, port=target.port)
    return (
        (text(msg("Primary")), f"{target.primary}: {target.shown[0]}:{target.shown[1]}"),
        (text(msg("Standby")), text(place)),
        (text(msg("System identifier")), primary.system_identifier),
        ("PostgreSQL", version_text(primary.version_num)),
    )


def change_subject(change: RoleChange, system_identifier: str) -> Iterator[tuple[str, str]]:
    """The same of a change of roles: every server, by what it was and is to be."""
    labels = {change.old: msg("Primary until then"), change.new: msg("Primary from then on")}
    for seat in change.seats:
        place = msg("{name}: {path}, port {port}", name=seat.name, path=seat.data_directory, port=seat.port)
        yield text(labels.get(seat.name, msg("Standby"))), text(place)
    yield text(msg("System identifier")), system_identifier


def when(at: str) -> str:
    """An RFC 3339 time for people; a dash where there is none."""
    return at.replace("T", " ", 1) or "-"


def evidence_of(name: str, *options: str) -> Iterator[Block]:
    """Below the heading of what comes afterwards."""
    yield Paragraph(
        text(
            msg(
                "What standbyctl has done, with times, results and facts, as the same table filled in. By hand,"
                " this paper with its columns filled in is the evidence, and the log of the terminal:"
            )
        )
    )
    words = ["standbyctl", "export", "evidence", name, *options, "-o", f"evidence-{name}.md"]
    yield Code(shlex.join(words))
