"""A line about the standby that another is to stream from."""

from __future__ import annotations

from standbyctl.domain.message import msg
from standbyctl.planner.checks.line import Line, Seen, View, fine, unknown


def _upstream(view: View) -> Seen:
    target, seen = view.target, view.sample.chain
    if seen is None:
        return unknown("not looked at")
    where = f"{target.primary_host}:{target.primary_port}"
    if not seen.sender:
        return fine("{node} ({where}) does not stream", node=target.primary, where=where)
    return fine("{node} ({where}), streams from {sender}", node=target.primary, where=where, sender=seen.sender)


LINES = (Line("P139", msg("upstream"), _upstream),)
