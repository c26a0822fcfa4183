"""Why a parameter that bounds the WAL which is kept is not set, or not given back."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.facts import Facts, Server
from standbyctl.domain.message import listed, msg
from standbyctl.domain.parameter import setting_of, size_text
from standbyctl.domain.size import format_size
from standbyctl.domain.slots import CAP, NO_LIMIT, WAL_KEEP, Bound, SlotSeen, SlotsSample
from standbyctl.planner.blockers.primary import reload_blockers_of
from standbyctl.planner.blockers.rights import lacking_blockers
from standbyctl.planner.blockers.slots import ruler_blockers
from standbyctl.planner.blockers.staging import OVERRIDING
from standbyctl.planner.cap import MINIMUM_MB
from standbyctl.steps.base import Step, predict

_MB = 1 << 20
_LEAST_SEGMENTS = 2  # the one that is written to, and the one that is read


def bound_megabytes(server: Server) -> int | None:
    """How much a slot may keep before it is lost; None where nothing bounds it.

    What wal_keep_size keeps is kept for slots too (KeepLogSeg, 13 and later).
    """
    if server.setting(CAP).value == NO_LIMIT:
        return None
    return max(int(server.setting(CAP).value), int(server.setting(WAL_KEEP).value))


def beyond(sample: SlotsSample, megabytes: int | None) -> tuple[SlotSeen, ...]:
    """The slots that keep so much, or more, and are not lost yet."""
    if megabytes is None:
        return ()
    return tuple(each for each in sample.slots if not each.lost and (each.held_bytes or 0) >= megabytes * _MB)


def needed_rights(parameter: str) -> set[str]:
    """To see what the files say, to write it, and to have it read."""
    return {"monitor", "file settings", "reload", f"alter {parameter}"}


def bound_blockers(
    facts: Facts, sample: SlotsSample, node: str, asked: Bound, steps: tuple[Step, ...]
) -> Iterator[Blocker]:
    """Every reason at once; where the files may not be seen, that alone."""
    server, name = facts.server(node), asked.parameter
    if lacking := tuple(lacking_blockers(server, node, needed_rights(name))):
        yield from lacking
        return
    yield from ruler_blockers(sample, node, asked.despite)
    if server.has("allow_alter_system") and server.setting("allow_alter_system").value == "off":
        yield Blocker(
            "P115",
            msg("{node} does not allow ALTER SYSTEM", node=node),
            msg("allow_alter_system is off: its settings ({names}) are kept elsewhere.", names=name),
            msg("Have whoever keeps them write it there, and reload: {line}", line=f"{name} = '{asked.value}'")
            if asked.value is not None
            else msg("Have whoever keeps them take it out there, and reload."),
        )
    if server.setting(name).source in OVERRIDING:
        yield Blocker(
            "P115",
            msg("{name} is given on the command line of {node}", name=name, node=node),
            msg("That overrides every file, so what is set now would not come into force."),
            msg("Leave that option out, or change how {node} is started.", node=node),
        )
    yield from reload_blockers_of(facts, node, steps)
    if asked.value is not None:
        yield from _size_blockers(server, sample, asked)
    yield from _losing_blockers(facts, sample, node, asked, steps)


def least_megabytes(server: Server) -> int:
    """Less would lose a slot that is read all the time."""
    segment = int(server.setting("wal_segment_size").value) // _MB
    return max(MINIMUM_MB, _LEAST_SEGMENTS * segment)


def _size_blockers(server: Server, sample: SlotsSample, asked: Bound) -> Iterator[Blocker]:
    value = asked_megabytes(asked)
    least, segment = least_megabytes(server), int(server.setting("wal_segment_size").value)
    if asked.parameter == CAP and 0 <= value < least:
        yield Blocker(
            "S317",
            msg("a limit of {value} is too little for any slot", value=asked.value),
            msg(
                "It is counted in WAL segments of {segment}, and with so few a standby that is a moment behind loses"
                " its slot at the next checkpoint.",
                segment=format_size(segment),
            ),
            msg("Give {least} or more; or none, for no limit.", least=size_text(least)),
        )
    if asked.parameter == WAL_KEEP and sample.free_bytes is not None and value * _MB > sample.free_bytes:
        yield Blocker(
            "S318",
            msg("a wal_keep_size of {value} is more than the volume of pg_wal has free", value=asked.value),
            msg("{free} are free: the disk would be full first.", free=format_size(sample.free_bytes)),
            msg("Give less, or make room there."),
        )


def asked_megabytes(asked: Bound) -> int:
    """Of a value as we write it; -1 for no limit."""
    return int(setting_of(asked.value or "0"))


def _losing_blockers(
    facts: Facts, sample: SlotsSample, node: str, asked: Bound, steps: tuple[Step, ...]
) -> Iterator[Blocker]:
    """What is raised loses nobody: who keeps too much for it would be lost with less too."""
    server = facts.server(node)
    now, then = bound_megabytes(server), bound_megabytes(predict(steps, facts).server(node))
    if then is None or (now is not None and then >= now):
        return
    if not (lost := [each for each in beyond(sample, then) if each.name not in asked.lose]):
        return
    each = listed(msg("{slot} ({held})", slot=slot.name, held=format_size(slot.held_bytes or 0)) for slot in lost)
    segment = int(server.setting("wal_segment_size").value)
    most = max(slot.held_bytes or 0 for slot in beyond(sample, then))
    yield Blocker(
        "S316",
        msg(
            "with {name} = {value}, slots of {node} would be lost",
            name=asked.parameter,
            value=size_text(then),
            node=node,
        )
        if asked.value is not None
        else msg("with {name} as it was before, slots of {node} would be lost", name=asked.parameter, node=node),
        msg(
            "They keep as much already, or more: {slots}. At the next checkpoint they are invalidated, and never come"
            " back: their standbys must be made anew, or catch up from an archive.",
            slots=each,
        ),
        msg(
            "The smallest that keeps them all is {least} now. To lose them all the same: {options}",
            least=size_text(-(-(most + segment) // _MB)),
            options=" ".join(f"--lose {slot.name}" for slot in lost),
        ),
        refused=True,
        need=Need.WAY,
    )
