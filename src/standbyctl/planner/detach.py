"""Plan to give everything back, from fresh facts. The journal only supplies what was there before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Contents, Facts, Passfile, Place
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import condemned_path
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.planner.attach import admission
from standbyctl.planner.plan import Memory, Plan, Remembered
from standbyctl.steps.base import GiveBack, Step, predict
from standbyctl.steps.clone.basebackup import RemoveDraft
from standbyctl.steps.directory import DeleteDirectory, SetDirectoryAside
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.role import CreateRole, ProvidePassfile
from standbyctl.steps.server import StopStandby
from standbyctl.steps.slot import CAP, CapSlots, CreateSlot


@dataclass(frozen=True, slots=True)
class DetachOptions:
    """What happens to the data directory: it stays, is renamed, or is deleted."""

    remove_data_directory: bool = False
    delete: bool = False


def plan_detach(facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions) -> Plan:
    """The steps that give back what is still as we left it, or what stands in the way."""
    if blockers := tuple(_blockers(facts, target)):
        return Plan(blockers=blockers)
    steps = [*_standby_steps(facts, sample, target, memory, options)]
    kept = {entry: why for entry in memory if (why := _kept(facts, target, entry))}
    ours = [entry for entry in reversed(memory) if entry not in kept]
    seen = predict(steps, facts)
    for entry in ours:
        given = GiveBack(entry.step, entry.before)
        if not given.satisfied(seen):
            steps.append(given)
            seen = given.after(seen)
    # Attempts that died may each have left a memory of the same thing: what counts is what is there in the end.
    left = (_changed_since(seen, entry) for entry in ours)
    notes = list(dict.fromkeys([*kept.values(), *(note for note in left if note)]))
    if not options.remove_data_directory and facts.place(target.name).contents is Contents.STANDBY:
        notes.append(
            msg(
                "{path} stays: it has a standby.signal and cannot start as a primary"
                " (--remove-data-dir {path} renames it aside)",
                path=target.data_directory,
            )
        )
    return Plan(steps=tuple(steps), notes=tuple(notes))


def recall(facts: Facts, target: Target) -> Memory:
    """What our marks say was made for this standby, where there is no journal. What was before is not known.

    A slot carries no mark: it is taken for ours where the standby's own configuration names it.
    """
    server, place = facts.server(target.primary), facts.place(target.name)
    found: list[Step] = []
    bare = facts
    if place.passfile is Passfile.OURS:
        found.append(
            ProvidePassfile(target.name, target.passfile, target.primary_host, target.primary_port, target.role)
        )
        bare = bare.with_place(target.name, passfile=Passfile.ABSENT, password_set=False)
    role = server.role(target.role)
    if role and role.made_for == target.name:
        found.append(CreateRole(target.primary, target.name, target.role, target.passfile))
        bare = bare.with_server(target.primary, roles=())
    if server.hba.has_line:
        found.append(admission(server, place, target))
        bare = bare.with_server(target.primary, hba=replace(server.hba, has_line=False))
    if server.slot(target.slot) and place.contents is Contents.STANDBY and place.follows:
        found.append(CreateSlot(target.primary, target.name, target.slot))
        kept = tuple(slot for slot in server.slots if slot.name != target.slot)
        bare = bare.with_server(target.primary, slots=kept)
    return tuple(Remembered(step, bare) for step in found)


def _standby_steps(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> Iterator[Step]:
    place = facts.place(target.name)
    if place.running:
        yield StopStandby(target.name, target.data_directory, place.bin_directory)
    for draft in place.drafts:
        yield RemoveDraft(target.name, draft.path)
    if options.remove_data_directory:
        yield from _directory_steps(facts, sample, target, memory, options)


def _directory_steps(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> Iterator[Step]:
    place = facts.place(target.name)
    identifier = facts.server(target.primary).system_identifier
    condemned = condemned_path(target.data_directory)
    if place.condemned:
        yield DeleteDirectory(target.name, condemned, place.bin_directory, identifier, sample.condemned_identity)
    was = memory[0].before.place(target.name).contents if memory else Contents.ABSENT
    half_way = place.contents is Contents.ABSENT and was is Contents.EMPTY
    if place.contents is not Contents.STANDBY and not half_way:
        return
    yield SetDirectoryAside(
        name=target.name,
        data_directory=target.data_directory,
        aside=condemned if options.delete else sample.free_aside,
        bin_directory=place.bin_directory,
        system_identifier=identifier,
        identity=sample.directory_identity,
        leave_empty=was is Contents.EMPTY,
        condemn=options.delete,
    )
    if options.delete and not half_way:
        yield DeleteDirectory(target.name, condemned, place.bin_directory, identifier, sample.directory_identity)


def _kept(facts: Facts, target: Target, entry: Remembered) -> Message | None:
    """Why a slot or a cap is kept although it looks as we left it."""
    server = facts.server(target.primary)
    if isinstance(entry.step, CreateSlot):
        slot, place = server.slot(entry.step.slot), facts.place(target.name)
        if slot and not slot.lost and not place.covered and place.contents is Contents.STANDBY:
            return msg('the slot "{slot}" is kept: it has been made anew since', slot=slot.name)
    if not isinstance(entry.step, CapSlots):
        return None
    before = {slot.name for slot in entry.before.server(target.primary).slots} | {target.slot}
    others = [slot.name for slot in server.slots if slot.name not in before]
    if others and server.setting("max_slot_wal_keep_size").value != "-1":
        return msg(
            "max_slot_wal_keep_size is kept: slots made since then rely on it ({names})",
            names=", ".join(others),
        )
    return None


def _changed_since(facts: Facts, entry: Remembered) -> Message | None:
    """A word about a thing that is not given back because somebody has changed it since."""
    step = entry.step
    if isinstance(step, AdmitReplication) and step.by_hand:
        return msg("{path} was edited by hand; take this line out again: {line}", path=step.path, line=step.line)
    if _present(facts, entry):
        return msg("{label}: not as we left it, so it is kept as it is", label=step.title)
    return None


def _present(facts: Facts, entry: Remembered) -> bool:
    """Whether something still stands where the step has made something, whoever made it."""
    step = entry.step
    match step:
        case CreateRole():
            return facts.server(step.primary).role(step.role) is not None
        case CreateSlot():
            return facts.server(step.primary).slot(step.slot) is not None
        case ProvidePassfile():
            return facts.place(step.name).passfile is not Passfile.ABSENT
        case CapSlots():
            was = entry.before.server(step.primary).setting(CAP)
            return facts.server(step.primary).setting(CAP).auto_conf != was.auto_conf
    return False


def _blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
    place, server = facts.place(target.name), facts.server(target.primary)
    name = target.name
    if server.in_recovery:
        yield _refusal(
            "A258",
            msg("{node} is no primary any more", node=target.primary),
            msg("pg_is_in_recovery() is true there: the roles have changed since the attach."),
        )
    if not place.running and any(draft.alive for draft in place.drafts):
        yield _refusal(
            "A252",
            msg("a copy for {name} is still being written", name=name),
            msg("A pg_basebackup that an earlier run started still lives."),
        )
    # Stopped or not: whoever has promoted it, or made it follow another, will want it back.
    if not place.running and place.contents is not Contents.STANDBY:
        return
    if not place.in_recovery:
        yield _refusal(
            "A251",
            msg("{name} is not a standby any more", name=name),
            msg("The server on {path} is not in recovery: it takes writes of its own.", path=target.data_directory),
        )
        return
    if not place.follows:
        yield _refusal(
            "A251",
            msg("{name} does not follow {node} any more", name=name, node=target.primary),
            msg('Its configuration does not name {node} and the slot "{slot}".', node=target.primary, slot=target.slot),
        )
    elif place.running and place.timeline != server.timeline:
        yield _refusal(
            "A251",
            msg("{name} does not follow {node} any more", name=name, node=target.primary),
            msg(
                "It is on timeline {ours}, {node} is on {theirs}.",
                ours=place.timeline,
                node=target.primary,
                theirs=server.timeline,
            ),
        )
    if place.running:
        yield from _in_use(place, name)


def _in_use(place: Place, name: str) -> Iterator[Blocker]:
    """Why a standby that runs as it should is not stopped all the same."""
    if place.started_by != name:
        yield _refusal(
            "A253",
            msg("{name} runs, and attach did not start it as it runs now", name=name),
            msg("Somebody has restarted it since. A server that attach did not start is never stopped."),
        )
    if place.downstreams:
        yield _refusal(
            "A254",
            msg("{name} has standbys of its own", name=name),
            msg("They stream from it: {names}.", names=", ".join(place.downstreams)),
        )
    if place.foreign_sessions:
        yield _refusal(
            "A255",
            msg("{name} is in use", name=name),
            msg("{n} sessions of others are connected to it.", n=place.foreign_sessions),
        )


def _refusal(code: str, what: Message, detail: Message) -> Blocker:
    hints = {
        "A251": msg("Look at both servers before anything else; standbyctl does not touch this one."),
        "A252": msg("Wait until it ends, or end it, then run this again."),
        "A253": msg("Stop it the way it was started, then run this again."),
        "A254": msg("Move or stop those first, then run this again."),
        "A258": msg("Detach with the conninfo of the present primary (-p)."),
        "A255": msg("End them or wait for them, then run this again."),
    }
    return Blocker(code, what, detail, hints[code], refused=True)
