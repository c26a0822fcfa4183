"""Lines about a copy that was put in place, where one is to be set up."""

from __future__ import annotations

from standbyctl.domain.facts import Contents
from standbyctl.domain.message import msg
from standbyctl.domain.restored import RestoredSeen, format_lsn
from standbyctl.domain.size import format_size
from standbyctl.planner.checks.line import Line, Seen, View, fine, warning
from standbyctl.planner.restored import enough_megabytes, keep_megabytes
from standbyctl.steps.clone.restored import SetUpRestored


def _seen(view: View) -> RestoredSeen | None:
    waits = view.place.contents is Contents.RESTORED or view.place.never_started
    return view.sample.restored if waits and not view.place.running else None


def _copy(view: View) -> Seen:
    seen = _seen(view)
    if seen is None:
        return fine("is set up") if view.place.contents is Contents.STANDBY else fine("not looked at")
    return fine("PostgreSQL {v}, system {system}", v=seen.major or "?", system=seen.system_identifier or "?")


def _history(view: View) -> Seen:
    seen = _seen(view)
    if seen is None:
        return fine("that of {node}", node=view.target.primary)
    if seen.label:
        return fine("backup_label: nobody has started it; timeline {n}", n=seen.timeline)
    if seen.followed:
        return fine('"{state}": it wrote nothing of its own; timeline {n}', state=seen.state, n=seen.timeline)
    if seen.same_wal:
        text = '"{state}", no backup_label: its WAL is that of {node}, to the byte; timeline {n}'
        return fine(text, state=seen.state, node=view.target.primary, n=seen.timeline)
    return fine('"{state}", no backup_label; timeline {n}', state=seen.state or "?", n=seen.timeline)


def _wal(view: View) -> Seen:
    seen = _seen(view)
    if seen is None:
        return fine("it streams, or goes on where it was")
    where = msg(
        "from {lsn} ({file}) on, {size}",
        lsn=format_lsn(seen.begins),
        file=seen.needs,
        size=format_size(seen.behind_bytes),
    )
    if view.target.restore_command:
        return warning("{where}: whether the archive has it is not checked", where=where)
    if seen.there and not seen.kept(keep_megabytes(view.facts, view.target)):
        return warning(
            "{where}: {node} has it, and nothing keeps it until the standby streams",
            msg("--wal-keep-size {n}MB", n=enough_megabytes(seen)),
            where=where,
            node=view.target.primary,
        )
    return Seen(where)


LINES = (
    Line("P219", msg("restored copy"), _copy, (SetUpRestored,)),
    Line("P220", msg("its history"), _history),
    Line("P221", msg("WAL it needs"), _wal),
)
