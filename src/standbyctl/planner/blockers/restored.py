"""Why what was put in a standby's place is not made a standby of this primary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Contents, Facts, Place, Server
from standbyctl.domain.message import Message, msg
from standbyctl.domain.restored import RestoredSeen, format_lsn
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.domain.version import major
from standbyctl.planner.restored import enough_megabytes

# PostgreSQL does not start on any other.
_MODES = {"700", "750"}


def restored_blockers(facts: Facts, sample: Sample, target: Target) -> Iterator[Blocker]:
    """What is not there, is not whole, is not of this primary, has written for itself, or comes too late."""
    place, server = facts.place(target.name), facts.server(target.primary)
    if place.contents in {Contents.ABSENT, Contents.EMPTY}:
        yield _unusable(
            target, msg("It is empty.") if place.contents is Contents.EMPTY else msg("It is absent."), refused=False
        )
        return
    seen = sample.restored
    waits = place.contents is Contents.STANDBY and place.never_started and not place.covered and not place.running
    if place.contents is not Contents.RESTORED:
        if waits and seen and not target.restore_command:
            yield _too_late(seen, target)
        return
    if place.running:
        yield _unusable(target, msg("A server runs on it."))
        return
    if seen is None:
        return
    if whys := tuple(_whys(place, server, seen, target)):
        for why in whys:
            yield _unusable(target, why)
        return
    yield from _history(server, seen, target)
    if not seen.there and not target.restore_command:
        yield _too_late(seen, target)


def _unusable(target: Target, why: Message, *, refused: bool = True) -> Blocker:
    return Blocker(
        "P219",
        msg("{path} holds no copy that can be attached", path=target.data_directory),
        why,
        msg(
            "Restore a backup of {node} there, or leave --from-restored out (where this was begun with it, after"
            " standbyctl detach {name}): a copy is made.",
            node=target.primary,
            name=target.name,
        ),
        refused=refused,
    )


def _whys(place: Place, server: Server, seen: RestoredSeen, target: Target) -> Iterator[Message]:
    number = major(server.version_num)
    if seen.shared:
        yield msg("{path} is that of {node} itself.", path=", ".join(seen.shared), node=target.primary)
    if seen.missing:
        yield msg("It is not whole, or not a data directory: {names} is not there.", names=", ".join(seen.missing))
        return
    if seen.major != str(number):
        yield msg("It is of PostgreSQL {v}, and {node} runs {n}.", v=seen.major or "?", node=target.primary, n=number)
    elif seen.system_identifier != server.system_identifier:
        yield msg(
            "It is the copy of another cluster: its system identifier is {its}, that of {node} {here}.",
            its=seen.system_identifier or msg("(not readable)"),
            node=target.primary,
            here=server.system_identifier,
        )
    if seen.label and seen.label.incremental:
        yield msg("It is an incremental backup: pg_combinebackup makes a data directory of it.")
    if seen.foreign:
        yield msg("{user} does not own {names}.", user=place.os_user, names=", ".join(seen.foreign))
    if seen.mode not in _MODES:
        yield msg("Its mode is 0{mode}; PostgreSQL starts with 0700 or 0750 only.", mode=seen.mode)


def _history(server: Server, seen: RestoredSeen, target: Target) -> Iterator[Blocker]:
    """Where it could have gone another way than the primary."""
    if why := _way(server, seen, target):
        yield Blocker(
            "P220",
            msg("the copy on {path} is not on the way of {node}", path=target.data_directory, node=target.primary),
            why,
            msg("Restore a backup of {node}, and start nothing on it before it is attached.", node=target.primary),
            refused=True,
        )


def _timeline(server: Server, seen: RestoredSeen, lines: dict[str, Any]) -> Message | None:
    if seen.timeline != server.timeline:
        if seen.history is None:
            return msg(
                "It is on timeline {its}, {node} on {now}, and where {node} left that could not be read (a superuser"
                " may read its pg_wal).",
                **lines,
            )
        left = dict(seen.history).get(seen.timeline)
        if left is None:
            return msg("It is on timeline {its}, which {node}, on {now}, never was on.", **lines)
        if seen.reach > left:
            return msg(
                "{node} left timeline {its} at {left}, and the copy holds what was written on it up to {lsn}.",
                left=format_lsn(left),
                **lines,
            )
    if seen.history is None and server.timeline > 1:
        return msg(
            "It is on timeline {its} as {node} is, and whether both came to it the same way could not be read (a"
            " superuser may read {node}'s pg_wal).",
            **lines,
        )
    if seen.own_history and seen.history and seen.own_history != seen.history[: len(seen.own_history)]:
        return msg(
            "It came to timeline {its} from another place than {node}: both were promoted, each for itself.", **lines
        )
    return None


def _way(server: Server, seen: RestoredSeen, target: Target) -> Message | None:
    node = target.primary
    lines = {"its": seen.timeline, "node": node, "now": server.timeline, "lsn": format_lsn(seen.reach)}
    if why := _timeline(server, seen, lines):
        return why
    if seen.reach > seen.primary_lsn:
        return msg(
            "It holds what was written up to {lsn}, and {node} is at {at} only: one of the two has been set back, or"
            " the copy was started as a primary.",
            at=format_lsn(seen.primary_lsn),
            **lines,
        )
    if seen.stopped:
        return msg(
            'It has a backup_label, and is "{state}": a server has run on it and was stopped. No backup of a running'
            " server looks like that.",
            state=seen.state,
        )
    if seen.strange_label and seen.label:
        return msg(
            "Its backup_label begins at {label}, and its pg_control knows of nothing after {redo}: it is the label of"
            " another backup.",
            label=format_lsn(seen.label.lsn),
            redo=format_lsn(seen.redo),
        )
    if seen.same_wal is False:
        return msg(
            'It was started as a primary, and has written for itself: its WAL is not that of {node} ("{state}",'
            " {label}).",
            state=seen.state,
            label=msg("a backup_label") if seen.label else msg("no backup_label"),
            **lines,
        )
    if seen.proven or seen.same_wal:
        return None
    return msg(
        'It has no backup_label, and is "{state}": a snapshot, or a copy that was started. Its WAL would tell, and'
        " could not be compared with that of {node}, which has removed it, or shows it to superusers only; or it is too"
        " much.",
        state=seen.state,
        **lines,
    )


def _too_late(seen: RestoredSeen, target: Target) -> Blocker:
    came = seen.restore_command
    return Blocker(
        "P221",
        msg("{node} no longer has the WAL that the copy needs", node=target.primary),
        msg(
            "The copy needs WAL from {lsn} on, in {file}; the oldest file of {node} is {oldest}, and it writes at"
            " {now}.",
            lsn=format_lsn(seen.begins),
            file=seen.needs,
            node=target.primary,
            oldest=seen.oldest or "?",
            now=format_lsn(seen.primary_lsn),
        ),
        msg(
            "Restore a newer backup, or let the standby get it from an archive: {command}. For the next backup, before"
            " it is taken: --wal-keep-size {size}MB or more, or a slot of its own.",
            command=msg("--restore-command '{came}' (it came with the copy)", came=came)
            if came
            else "--restore-command COMMAND",
            size=enough_megabytes(seen),
        ),
    )
