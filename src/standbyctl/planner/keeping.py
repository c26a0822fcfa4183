"""Plan to bound the WAL that is kept for standbys, and to give back what bounded it before."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.facts import Facts, Server, Setting
from standbyctl.domain.message import Message, msg
from standbyctl.domain.parameter import setting_of, size_text
from standbyctl.domain.size import format_seconds, format_size
from standbyctl.domain.slots import CAP, NO_LIMIT, WAL_KEEP, Bound, SlotSeen, SlotsSample
from standbyctl.planner.blockers.keeping import beyond, bound_blockers, bound_megabytes
from standbyctl.planner.plan import Memory, Plan
from standbyctl.steps.base import GiveBack, Step, predict
from standbyctl.steps.setting import SetParameter

_MB = 1 << 20


def plan_bound(facts: Facts, sample: SlotsSample, node: str, asked: Bound, memory: Memory) -> Plan:
    """The value comes into force, or what was there before does; or what stands in the way."""
    server = facts.server(node)
    if asked.value is None:
        steps = tuple(_back(facts, asked, memory))
    else:
        setting = server.setting(asked.parameter)
        steps = (
            () if _stands(setting, asked.value) else (SetParameter(node, asked.parameter, asked.value, setting.value),)
        )
    if steps and (blockers := tuple(bound_blockers(facts, sample, node, asked, steps))):
        return Plan(blockers=blockers)
    notes = [*_notes(facts, sample, node, asked, steps)] if steps else []
    if asked.value is None:
        notes += _kept(predict(steps, facts).server(node), asked, memory)
    return Plan(steps=steps, notes=tuple(notes))


def _stands(setting: Setting, value: str) -> bool:
    """Whether it is in force, and stays so with the next reload."""
    waits = setting.in_file is not None and _comparable(setting.in_file) != setting.value
    return setting.value == setting_of(value) and not waits


def _comparable(text: str) -> str:
    """What pg_settings would show for what stands in a file; a number without a unit is in MB (both parameters)."""
    return setting_of(text.strip())


def _back(facts: Facts, asked: Bound, memory: Memory) -> Iterator[Step]:
    """Each value that was set from here, the last one first, where it still is the one that counts."""
    seen = facts
    for entry in reversed(memory):
        if isinstance(entry.step, SetParameter) and entry.step.parameter == asked.parameter:
            given = GiveBack(entry.step, entry.before)
            if not given.satisfied(seen):
                yield given
                seen = given.after(seen)


def _kept(server: Server, asked: Bound, memory: Memory) -> Iterator[Message]:
    """A word where somebody has changed it since."""
    ours = [each for each in memory if isinstance(each.step, SetParameter) and each.step.parameter == asked.parameter]
    if not ours:
        return
    now = server.setting(asked.parameter).auto_conf
    first = ours[0].before.server(ours[0].step.place).setting(asked.parameter).auto_conf
    if now != first:
        yield msg(
            "{name} is {now}: not as it was set from here, so it is kept",
            name=asked.parameter,
            now=now or msg("not set"),
        )


def _notes(facts: Facts, sample: SlotsSample, node: str, asked: Bound, steps: tuple[Step, ...]) -> Iterator[Message]:
    server, then = facts.server(node), predict(steps, facts).server(node)
    bound = bound_megabytes(then)
    if asked.value is None:
        yield msg(
            "{name} = {value} is in force then", name=asked.parameter, value=_shown(then.setting(asked.parameter))
        )
    for slot in (losing := beyond(then, sample)):
        yield msg(
            "{slot} keeps {held}: it is lost at the next checkpoint, for good", slot=slot.name,
            held=format_size(slot.held_bytes or 0),
        )  # fmt: skip
    if asked.parameter == CAP:
        yield from _cap_notes(then, sample, bound, losing)
    elif int(then.setting(WAL_KEEP).value) < int(server.setting(WAL_KEEP).value) and (
        names := ", ".join(each.application for each in sample.streams if not each.slot)
    ):
        yield msg("standbys without a slot rely on it: {names}", names=names)
    setting = server.setting(asked.parameter)
    if asked.value is not None and setting.auto_conf is None and setting.file:
        yield msg(
            "{name} = {value} stands in {file}: ALTER SYSTEM overrides that, and an edit there has no effect until it"
            " is given back",
            name=asked.parameter,
            value=setting.in_file or "''",
            file=setting.file,
        )


def _shown(setting: Setting) -> str | Message:
    return msg("-1 (no limit)") if setting.value == NO_LIMIT else size_text(int(setting.value))


def _cap_notes(then: Server, sample: SlotsSample, bound: int | None, losing: tuple[SlotSeen, ...]) -> Iterator[Message]:
    """When a slot is lost, or what happens where none ever is."""
    if bound is None:
        yield msg("nothing bounds what a slot keeps then: when its reader is away, until the disk is full")
        return
    limit = bound * _MB
    if bound > int(then.setting(CAP).value):
        yield msg("wal_keep_size keeps more than that, for slots too: {n}", n=format_size(limit))
    rate = sample.rate_bytes
    if rate:
        yield msg(
            "at the rate of this moment, {rate}/s, a slot is lost {time} after its reader has stopped",
            rate=format_size(rate),
            time=format_seconds(limit / rate),
        )
        for slot in sample.slots:
            if slot.held_bytes is not None and not slot.active and slot not in losing:
                yield msg(
                    "{slot}, which nobody reads, is lost in {time} then",
                    slot=slot.name,
                    time=format_seconds((limit - slot.held_bytes) / rate),
                )
    elif rate is not None:
        yield msg("no WAL was written while that was measured: how long it lasts cannot be told")
    if bound < int(then.setting("max_wal_size").value):
        yield msg(
            "that is less than max_wal_size ({n}): a standby that is away from one checkpoint to the next may lose its"
            " slot",
            n=format_size(int(then.setting("max_wal_size").value) * _MB),
        )
    held = max((each.held_bytes or 0 for each in sample.slots), default=0)
    if sample.free_bytes is not None and limit - held > sample.free_bytes:
        yield msg(
            "the volume of pg_wal has {free} free: it is full before a slot reaches the limit",
            free=format_size(sample.free_bytes),
        )
