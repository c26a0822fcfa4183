"""An event as one line for people, and as a record for machines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from standbyctl.domain.event import Event
from standbyctl.ui.render import text


def render_event(event: Event) -> str:
    """When, how bad, its code, and what. One line, whatever others have named."""
    severity = event.severity.value if event.severity else ""
    what = " | ".join(line.strip() for line in text(event.what).splitlines())
    return f"{_local(event.at, 'seconds').replace('T', ' ')}  {severity:<8} {event.code:<4}  {what}"


def event_record(event: Event) -> dict[str, Any]:
    """In English."""
    return {
        "schema": "standbyctl.event/1",
        "at": _local(event.at, "milliseconds"),
        "kind": event.kind,
        "subject": event.subject,
        "severity": event.severity.value.lower() if event.severity else None,
        "code": event.code or None,
        "what": str(event.what),
    }


def _local(at: float, precision: str) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().isoformat(timespec=precision)
