"""What both papers say in the same words: what they are about, and when something was."""

from __future__ import annotations

from standbyctl.domain.facts import Server
from standbyctl.domain.message import msg
from standbyctl.domain.target import Target
from standbyctl.domain.version import version_text
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


def when(at: str) -> str:
    """An RFC 3339 time for people; a dash where there is none."""
    return at.replace("T", " ", 1) or "-"
