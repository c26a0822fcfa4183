"""Plan what the next restart of a primary is to bring, and to take that back. Nothing here is felt before it."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.facts import Facts, Server
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.sample import Sample
from standbyctl.domain.staging import LEVELS, STAGED, StagedSetting, Staging, Trial, level, number
from standbyctl.domain.version import major
from standbyctl.planner.blockers.staging import (
    OVERRIDING,
    in_use_blockers,
    kind_blockers,
    origins_held,
    stage_blockers,
)
from standbyctl.planner.plan import Memory, Plan
from standbyctl.steps.base import GiveBack, Step
from standbyctl.steps.staging import StageSettings

DEFAULT_NUMBER = 10  # PostgreSQL's own, of both
SLOTS_ON_STANDBYS = 16  # logical decoding there
SENDERS_FOR_ONE_MORE = 2  # pg_basebackup's two; afterwards the standby takes one
_CONSEQUENCES = {
    "wal_level": msg("then: more WAL is written (bulk loads and index builds are in it too; with logical, old keys)"),
    "max_wal_senders": msg(
        "then: some shared memory each; every standby must run with at least as many (12 and later), or its replay"
        " stops: raise it there first"
    ),
    "max_replication_slots": msg("then: some shared memory each; an unused slot keeps WAL (max_slot_wal_keep_size)"),
    "listen_addresses": msg("then: whoever reaches these addresses reaches the server; pg_hba.conf alone decides"),
    "wal_log_hints": msg("then: more WAL is written (whole pages for hint bits); pg_rewind can be used"),
}


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the journal has of this primary. `unproven`: a run has died before its trial."""

    memory: Memory = ()
    unproven: bool = False


def plan_stage(facts: Facts, sample: Sample, asked: Staging, trial: Trial, earlier: Earlier) -> Plan:
    """Everything that is wanted and is neither in force nor waiting, in one step; or what stands in the way."""
    server = facts.server(asked.primary)
    wanted = {name: value for name, value in _wanted(server, sample, asked) if server.setting(name).restart_only}
    new = [StagedSetting(name, server.setting(name).value, wanted[name], _was(server, name)) for name in wanted]
    known = {each.name: each for each in _unproven(facts, earlier) if each.name not in wanted} if new else {}
    settings = tuple(sorted((*new, *known.values()), key=lambda each: STAGED.index(each.name)))
    if blockers := tuple(stage_blockers(facts, asked, settings, ours(earlier.memory))):
        return Plan(blockers=blockers)
    steps = (StageSettings(asked.primary, settings, trial),) if settings else ()
    return Plan(steps=steps, notes=tuple(_notes(facts, sample, asked, settings, trial)))


def ours(memory: Memory) -> dict[str, set[str]]:
    """By name, the values that were ever staged from here and not given back as a whole."""
    found: dict[str, set[str]] = {}
    for each in (each for entry in memory if isinstance(entry.step, StageSettings) for each in entry.step.settings):
        found.setdefault(each.name, set()).add(each.value)
    return found


def _wanted(server: Server, sample: Sample, asked: Staging) -> Iterator[tuple[str, str]]:
    """What was asked for; and what one more standby needs, where it is not there and does not wait already."""
    due = server.setting("wal_level").due
    if asked.wal_level and asked.wal_level != due:
        yield "wal_level", asked.wal_level
    elif (level(due) or 0) < 1:
        yield "wal_level", "replica"
    senders = sample.wal_senders_in_use + SENDERS_FOR_ONE_MORE
    yield from _number(server, "max_wal_senders", asked.max_wal_senders, senders)
    slots = max(sample.slots_in_use + 1, origins_held(server, sample))
    yield from _number(server, "max_replication_slots", asked.max_replication_slots, slots)
    if asked.listen_addresses and asked.listen_addresses != server.setting("listen_addresses").due:
        yield "listen_addresses", asked.listen_addresses
    if asked.wal_log_hints and server.setting("wal_log_hints").due != "on":
        yield "wal_log_hints", "on"


def _number(server: Server, name: str, asked: int, needed: int) -> Iterator[tuple[str, str]]:
    setting = server.setting(name)
    due = number(setting.due)
    if asked:
        if asked != due:
            yield name, str(asked)
    elif due is None or due < needed:
        yield name, str(max(DEFAULT_NUMBER, needed, int(setting.value)))


def _was(server: Server, name: str) -> str | None:
    return server.setting(name).auto_conf


def _unproven(facts: Facts, earlier: Earlier) -> tuple[StagedSetting, ...]:
    """What a run has written that died before its trial: it is tried, and taken back, together with the rest."""
    if not (earlier.unproven and earlier.memory and isinstance(step := earlier.memory[-1].step, StageSettings)):
        return ()
    return waiting(facts, step)


def waiting(facts: Facts, step: StageSettings) -> tuple[StagedSetting, ...]:
    """What stands in the file as it was staged, and is not in force."""
    server = facts.server(step.primary)
    return tuple(each for each in step.standing(facts) if server.setting(each.name).value != each.value)


def _notes(
    facts: Facts, sample: Sample, asked: Staging, settings: tuple[StagedSetting, ...], trial: Trial
) -> Iterator[Message]:
    server, names = facts.server(asked.primary), [each.name for each in settings]
    for name in names:
        yield msg("{name}, {then}", name=name, then=_CONSEQUENCES[name])
        setting = server.setting(name)
        if name == "max_wal_senders" and sample.streams:
            yield msg(
                "{names} stream from {node} now: each must run with max_wal_senders = {n} or more before {node} is"
                " restarted",
                names=", ".join(sample.streams),
                node=asked.primary,
                n=next(each.value for each in settings if each.name == name),
            )
        if setting.auto_conf is None and setting.file:
            yield msg(
                "{name} = {value} stands in {file}: ALTER SYSTEM overrides that from the restart on, and an edit there"
                " has no effect until it is taken back",
                name=name,
                value=setting.in_file or "''",
                file=setting.file,
            )
    if settings and not trial.bin_directory:
        yield msg(
            "the files and programs of {node} are not at hand: the server's own reading of the files is all that is"
            " asked, a start is not tried",
            node=asked.primary,
        )
    if server.setting("listen_addresses").due == "" and not asked.listen_addresses:
        yield msg("listen_addresses is empty, and a standby connects by TCP: give --listen-addresses LIST too")
    off = all(server.setting(name).due == "off" for name in ("wal_log_hints", "data_checksums"))
    if settings and off and not asked.wal_log_hints:
        yield msg(
            "a restart is due anyway: --wal-log-hints lets pg_rewind bring this primary back after a failover"
            " (it has no data checksums)"
        )
    for name in STAGED:
        setting = server.setting(name)
        if name not in names and setting.due != setting.value:
            yield msg("{name} waits for the restart already: {a} -> {b}", name=name, a=setting.value, b=setting.due)


def plan_unstage(facts: Facts, sample: Sample, primary: str, memory: Memory, attached: tuple[str, ...] = ()) -> Plan:
    """Give back what still stands as it was staged, the last one first; name what does not."""
    steps: list[Step] = []
    seen = facts
    after: dict[str, StagedSetting] = {}
    for entry in reversed(memory):
        if not isinstance(entry.step, StageSettings):
            continue
        if not (standing := entry.step.standing(seen)):
            continue
        standing = tuple(replace(each, running=_then(facts.server(primary), each)) for each in standing)
        given = GiveBack(replace(entry.step, settings=standing), entry.before)
        steps.append(given)
        after |= {each.name: each for each in standing}
        seen = given.after(seen)
    blockers = (*kind_blockers(facts, primary), *in_use_blockers(facts, sample, primary, after, attached))
    if steps and blockers:
        return Plan(blockers=blockers)
    return Plan(steps=tuple(steps), notes=tuple(_unstage_notes(facts, primary, memory, after)))


def _then(server: Server, taken: StagedSetting) -> str:
    """What a start would give once it is taken back: files may have changed since it was staged."""
    setting = server.setting(taken.name)
    if setting.source in OVERRIDING:
        return setting.value
    if taken.was is not None:
        return taken.was
    return taken.running if setting.beneath is None else setting.beneath


def owed(facts: Facts, given: tuple[StageSettings, ...]) -> tuple[StagedSetting, ...]:
    """What was staged, and stands in the file as it had been before: put back, if the server would not start so."""
    first: dict[str, StagedSetting] = {}
    for each in (each for step in given for each in step.settings):
        first[each.name] = replace(each, value=first[each.name].value if each.name in first else each.value)
    found = (first[name] for name in STAGED if name in first)
    return tuple(each for each in found if facts.server(given[0].primary).setting(each.name).auto_conf == each.was)


def _unstage_notes(facts: Facts, primary: str, memory: Memory, after: dict[str, StagedSetting]) -> Iterator[Message]:
    server = facts.server(primary)
    if "wal_level" in after:
        yield from _unseen(server, level(after["wal_level"].running) or 0)
    for name, given in after.items():
        if server.setting(name).value != given.running:
            yield msg(
                "{name} = {value} is in force by now: taking it back ({to}) waits for a restart of {node} in its turn",
                name=name,
                value=server.setting(name).value,
                to=given.running or "''",
                node=primary,
            )
    for name in ours(memory):
        now = server.setting(name).auto_conf
        if name not in after and now not in {_first(memory, name), None}:
            yield msg("{name} is {now}: not as it was staged, so it is kept", name=name, now=now)


def _unseen(server: Server, to: int) -> Iterator[Message]:
    """Standbys that are away for the moment have left no trace, where they have no slot."""
    now = level(server.setting("wal_level").value) or 0
    if to < 1 <= now:
        yield msg(
            "with wal_level minimal every standby is lost for good: those that standbyctl cannot see (without a slot,"
            " away for the moment, attached from elsewhere) too"
        )
    elif to < LEVELS["logical"] <= now and major(server.version_num) >= SLOTS_ON_STANDBYS:
        yield msg(
            "logical slots on standbys need wal_level logical here: they are invalidated when the standby replays the"
            " change (see pg_replication_slots there)"
        )


def _first(memory: Memory, name: str) -> str | None:
    """What stood in postgresql.auto.conf before anything was staged."""
    steps = (entry.step for entry in memory if isinstance(entry.step, StageSettings))
    return next(each.was for step in steps for each in step.settings if each.name == name)
