"""Why a parameter that bounds the WAL which is kept is not set, or not given back."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.facts import Facts, Server
from standbyctl.domain.message import listed, msg
from standbyctl.domain.parameter import setting_of, size_text
from standbyctl.domain.size import format_size
from standbyctl.domain.slots import CAP, NO_LIMIT, WAL_KEEP, Bound, SlotSeen, SlotsSample, safe_bytes
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

    What wal_keep_size keeps is kept for slots too (KeepLogSeg, 13 and later). Whole segments count (ConvertToXSegs).
    """
    if server.setting(CAP).value == NO_LIMIT:
        return None
    most = max(int(server.setting(CAP).value), int(server.setting(WAL_KEEP).value))
    return most - most % (_segment(server) // _MB)


def _segment(server: Server) -> int:
    return int(server.setting("wal_segment_size").value)


def beyond(server: Server, sample: SlotsSample) -> tuple[SlotSeen, ...]:
    """The slots that a checkpoint may lose with what is in force there, and are not lost yet."""
    if (bound := bound_megabytes(server)) is None:
        return ()
    safe = safe_bytes(bound * _MB, _segment(server))
    return tuple(each for each in sample.slots if not each.lost and (each.held_bytes or 0) >= safe)


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
    return max(MINIMUM_MB, _LEAST_SEGMENTS * _segment(server) // _MB)


def _size_blockers(server: Server, sample: SlotsSample, asked: Bound) -> Iterator[Blocker]:
    value = asked_megabytes(asked)
    least = least_megabytes(server)
    if asked.parameter == CAP and 0 <= value < least:
        yield Blocker(
            "S317",
            msg("a limit of {value} is too little for any slot", value=asked.value),
            msg(
                "It is counted in WAL segments of {segment}, and with so few a standby that is a moment behind loses"
                " its slot at the next checkpoint.",
                segment=format_size(_segment(server)),
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
    server, changed = facts.server(node), predict(steps, facts).server(node)
    now, then = bound_megabytes(server), bound_megabytes(changed)
    if then is None or (now is not None and then >= now):
        return
    every = beyond(changed, sample)
    if not (lost := [each for each in every if each.name not in asked.lose]):
        return
    each = listed(msg("{slot} ({held})", slot=slot.name, held=format_size(slot.held_bytes or 0)) for slot in lost)
    segment = _segment(server)
    most = max(slot.held_bytes or 0 for slot in every)
    least = (most // segment + 2) * segment // _MB
    yield Blocker(
        "S316",
        msg(
            "with {name} = {value}, slots of {node} would be lost",
            name=asked.parameter,
            value=asked.value,
            node=node,
        )
        if asked.value is not None
        else msg("with {name} as it was before, slots of {node} would be lost", name=asked.parameter, node=node),
        msg(
            "They keep too much for it already, counted in WAL segments of {segment}: {slots}. At the next checkpoint"
            " they are invalidated, and never come back: their standbys must be made anew, or catch up from an"
            " archive.",
            segment=format_size(segment),
            slots=each,
        ),
        msg(
            "The smallest that keeps them all is {least} now. To lose them all the same: {options}",
            least=size_text(max(least, least_megabytes(server))),
            options=" ".join(f"--lose {slot.name}" for slot in lost),
        ),
        refused=True,
        need=Need.WAY,
    )
