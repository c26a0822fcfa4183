"""A copy that something else has put in place: what makes a standby of it, and what is said about that."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.facts import Contents, Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.restored import KEPT, RestoredSeen
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import format_size
from standbyctl.domain.target import Target
from standbyctl.planner.parameters import asked_megabytes
from standbyctl.planner.plan import has
from standbyctl.planner.standby import standby_settings
from standbyctl.steps.base import Step
from standbyctl.steps.clone.restored import SetUpRestored
from standbyctl.steps.setting import WAL_KEEP
from standbyctl.steps.slot import CreateSlot

_MB = 1 << 20
# What the primary writes while it is being attached, and then some.
_SPARE_MB = 1024


def set_up_restored(facts: Facts, sample: Sample, target: Target) -> Step:
    """The step that takes the place of a copy."""
    server, place = facts.server(target.primary), facts.place(target.name)
    seen = sample.restored
    return SetUpRestored(
        primary=target.primary,
        name=target.name,
        data_directory=target.data_directory,
        bin_directory=place.bin_directory,
        system_identifier=server.system_identifier,
        identity=sample.directory_identity,
        control=seen.control if seen else "",
        needs=seen.needs if seen and not target.restore_command else "",
        settings=tuple(standby_settings(server, target)),
    )


def keep_megabytes(facts: Facts, target: Target) -> int:
    """The wal_keep_size that the primary has, or will have before the copy is set up."""
    return max(asked_megabytes(target), int(facts.server(target.primary).setting(WAL_KEEP).value))


def enough_megabytes(seen: RestoredSeen) -> int:
    """The wal_keep_size that would keep what a copy needs until it streams."""
    return seen.behind_bytes // _MB + _SPARE_MB


def restored_notes(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Message]:
    """What is worth knowing where nothing is copied."""
    seen = sample.restored
    if seen is None or not has(steps, SetUpRestored):
        return
    yield msg(
        "nothing is copied: {path} is used as it is, and has {size} to catch up with. What is renamed there is kept in"
        " {kept}-*",
        path=target.data_directory,
        size=format_size(seen.behind_bytes),
        kept=KEPT,
    )
    if target.restore_command:
        yield msg("that the archive of --restore-command has {file} and what follows is not checked", file=seen.needs)
    elif not seen.kept(keep_megabytes(facts, target)):
        yield msg(
            "{node} still has the WAL that the copy needs, but nothing keeps it until the standby streams: its slot"
            " keeps what is written from now on. --wal-keep-size {size}MB (a reload) keeps it",
            node=target.primary,
            size=enough_megabytes(seen),
        )
    if seen.restore_command and not target.restore_command:
        yield msg(
            "the copy came with restore_command = '{command}': it is taken out, and stays with --restore-command",
            command=seen.restore_command,
        )
    if target.slot and facts.server(target.primary).slot(target.slot) and not has(steps, CreateSlot):
        yield msg('the slot "{slot}" is there already, and is used', slot=target.slot)


def slot_made_before(facts: Facts, target: Target) -> bool:
    """Whether a slot stands that was made for this copy, before the backup most likely: nobody reads it yet."""
    slot, contents = facts.server(target.primary).slot(target.slot), facts.place(target.name).contents
    unused = slot is not None and slot.slot_type == "physical" and not slot.lost
    return target.from_restored and unused and contents is Contents.RESTORED
