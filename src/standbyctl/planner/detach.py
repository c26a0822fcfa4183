"""Plan to give everything back, from fresh facts. The journal only supplies what was there before."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Contents, Facts, Passfile, Place
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import condemned_path
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.domain.tunnel import NO_TUNNEL_SEEN, Trace
from standbyctl.planner.attach import admission
from standbyctl.planner.blockers.detach import detach_blockers, mount_blockers
from standbyctl.planner.blockers.primary import reload_blockers
from standbyctl.planner.blockers.rights import rights_blockers, unseen_blockers
from standbyctl.planner.blockers.unmounted import unmounted_blockers
from standbyctl.planner.plan import Memory, Plan, Remembered, first_facts
from standbyctl.planner.replacing import owed, put_back, put_back_notes, somebodys
from standbyctl.planner.volumes import made_by_us
from standbyctl.steps.base import GiveBack, Impact, Step, predict
from standbyctl.steps.clone.basebackup import InstallCopy, RemoveDraft
from standbyctl.steps.clone.restored import SetUpRestored
from standbyctl.steps.directory import DeleteDirectory, SetDirectoryAside
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.role import CreateRole, ProvidePassfile
from standbyctl.steps.server import StopStandby
from standbyctl.steps.setting import WAL_KEEP, Alteration, SetByHand, SetParameter
from standbyctl.steps.slot import CapSlots, CreateSlot
from standbyctl.steps.tunnel import AdmitTunnel, OpenTunnel, ProvideTunnelKey


@dataclass(frozen=True, slots=True)
class DetachOptions:
    """What happens to the data directory: it stays, is renamed, or is deleted."""

    remove_data_directory: bool = False
    delete: bool = False


def plan_detach(facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions) -> Plan:
    """The steps that give back what is still as we left it, or what stands in the way."""
    place = facts.place(target.name)
    steps: list[Step] = []
    if place.running and not somebodys(facts, target):
        steps.append(StopStandby(target.name, target.data_directory, place.bin_directory, target.service))
    seen = predict(steps, facts)
    notes: list[Message] = []
    ours: list[Remembered] = []
    # What others have left to us goes last, when nothing of ours relies on it.
    for entry in sorted(reversed(memory), key=lambda entry: entry.inherited):
        if why := _kept(seen, sample, target, entry, memory):
            notes.append(why)
            continue
        ours.append(entry)
        given = GiveBack(entry.step, entry.before)
        if not given.satisfied(seen):
            steps.append(given)
            seen = given.after(seen)
    # Attempts that died may each have left a memory of the same thing: what counts is what is there in the end.
    notes += [note for entry in ours for note in _changed_since(seen, entry)]
    # The copies go last: while one is there, it shows that the slot is ours.
    steps += _copy_steps(facts, sample, target, memory, options)
    if blockers := tuple(_blockers(facts, target, memory, tuple(steps))):
        return Plan(blockers=blockers)
    notes += _left_elsewhere(sample, memory, options)
    return Plan(steps=tuple(steps), notes=tuple(dict.fromkeys([*notes, *_notes(facts, target, steps, options)])))


def _left_elsewhere(sample: Sample, memory: Memory, options: DetachOptions) -> Iterator[Message]:
    """What a directory that is deleted has outside of it, and attach has not put there."""
    linked = (*sample.linked, *sample.condemned_linked) if options.delete else ()
    for each in sorted(set(linked) - set(made_by_us(linked, memory)), key=lambda each: each.link):
        why = msg("the primary itself has it") if each.of_primary else msg("attach has not put it there")
        yield msg("{path} is left as it is ({link} leads there): {why}", path=each.path, link=each.link, why=why)


def _blockers(facts: Facts, target: Target, memory: Memory, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    yield from tuple(detach_blockers(facts, target)) or mount_blockers(facts, target, steps)
    yield from unmounted_blockers(facts, target, memory, "A250")
    yield from rights_blockers(facts, target, steps)
    yield from unseen_blockers(facts, target, memory, steps)
    yield from reload_blockers(facts, target, steps)


def _notes(facts: Facts, target: Target, steps: list[Step], options: DetachOptions) -> Iterator[Message]:
    hba = facts.server(target.primary).hba
    if not hba.loaded and any(step.felt is Impact.RELOAD for step in steps):
        yield msg("{path} was changed and not reloaded: our reload puts that into force too", path=hba.path)
    place = facts.place(target.name)
    yield from put_back_notes(place, target)
    if not options.remove_data_directory and place.contents is Contents.STANDBY and not owed(place):
        yield msg(
            "{path} stays: it has a standby.signal and cannot start as a primary (--remove-data-dir {path}{how})",
            path=target.data_directory,
            how=msg(" --delete empties the mount point") if place.mount_point else msg(" renames it aside"),
        )


def recall(facts: Facts, target: Target) -> Memory:
    """What our marks say was made for this standby, where there is no journal. What was before is not known.

    A slot carries no mark: it is taken for ours where the standby's own configuration names it, or an unfinished
    copy of ours stands there.
    """
    server, place = facts.server(target.primary), facts.place(target.name)
    found: list[Step] = []
    slot = server.slot(target.slot)
    used = place.contents is Contents.STANDBY and place.follows
    bare = facts
    if slot and (used or place.drafts):
        # Of the standby, whoever made it: before its attach it was not there.
        bare = bare.with_server(target.primary, slots=tuple(each for each in server.slots if each != slot))
    tunnel = tuple(_recall_tunnel(bare, target))
    if place.passfile is Passfile.OURS:
        found.append(ProvidePassfile(target.name, target.passfile, target.role))
        bare = bare.with_place(target.name, passfile=Passfile.ABSENT, password_set=False)
    role = facts.server(target.writer).role(target.role)
    # The name alone is no proof: another directory may hold the standby that these were made for.
    if role and role.made_for == target.name and (place.password_set or used):
        found.append(CreateRole(target.primary, target.name, target.role, target.passfile, target.head))
        bare = bare.with_server(target.primary, roles=()).with_server(target.writer, roles=())
    if server.hba.has_line and (place.password_set or used or place.drafts):
        found.append(admission(server, place, target))
        bare = bare.with_server(target.primary, hba=replace(server.hba, has_line=False))
    if slot and (used or place.drafts):
        found.append(CreateSlot(target.primary, target.name, target.slot))
    return (*tunnel, *(Remembered(step, bare) for step in found))


def _recall_tunnel(facts: Facts, target: Target) -> Iterator[Remembered]:
    """Its parts carry our marker and the standby's name, each by itself."""
    tunnel, seen = target.tunnel, facts.place(target.name).tunnel
    bare = facts.with_place(target.name, tunnel=NO_TUNNEL_SEEN)
    made = {Trace.OURS, Trace.OTHER}
    if tunnel.used and seen.key in made:
        yield Remembered(ProvideTunnelKey(target.primary, target.name, tunnel.directory), bare)
    if tunnel.used and seen.line in made:
        yield Remembered(AdmitTunnel(target.primary, target.name, tunnel), bare)
    if tunnel.used and seen.unit in made:
        yield Remembered(OpenTunnel(target.name, tunnel), bare)


def _copy_steps(facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions) -> Iterator[Step]:
    for draft in facts.place(target.name).drafts:
        yield RemoveDraft(target.name, draft.path)
    # A cluster that was replaced needs the place.
    if options.remove_data_directory or owed(facts.place(target.name)):
        yield from _directory_steps(facts, sample, target, memory, options)
    yield from put_back(facts.place(target.name), sample, target)


def _directory_steps(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> Iterator[Step]:
    place = facts.place(target.name)
    identifier = facts.server(target.primary).system_identifier
    inside = place.mount_point
    condemned = condemned_path(target.data_directory, inside=inside)
    by_us = place.condemned and options.delete and _condemned_by_us(place, sample, memory)
    # Killed while its files went down one by one, it is no cluster any more.
    half_moved = inside and by_us and place.contents is Contents.FOREIGN
    if by_us and not half_moved:
        who = (place.bin_directory, identifier, sample.directory_identity if inside else sample.condemned_identity)
        yield DeleteDirectory(target.name, condemned, *who, made_by_us(sample.condemned_linked, memory))
    before = first_facts(memory)
    was = before.place(target.name).contents if before else Contents.ABSENT
    half_way = place.contents is Contents.ABSENT and was is Contents.EMPTY
    if place.contents is not Contents.STANDBY and not half_way and not half_moved:
        return
    yield SetDirectoryAside(
        name=target.name,
        data_directory=target.data_directory,
        aside=condemned if options.delete else sample.free_aside,
        bin_directory=place.bin_directory,
        system_identifier=identifier,
        identity=sample.directory_identity,
        leave_empty=inside or was is Contents.EMPTY,
        condemn=options.delete,
    )
    if options.delete and not half_way:
        who = (place.bin_directory, identifier, sample.directory_identity)
        linked = (*sample.linked, *(sample.condemned_linked if half_moved else ()))
        yield DeleteDirectory(target.name, condemned, *who, made_by_us(linked, memory))


def _condemned_by_us(place: Place, sample: Sample, memory: Memory) -> bool:
    """Whether an earlier detach renamed that very directory so as to delete it, or has emptied that mount point."""
    return any(
        isinstance(entry.step, SetDirectoryAside)
        and entry.step.condemn
        and entry.step.identity == (sample.directory_identity if place.mount_point else sample.condemned_identity)
        for entry in memory
    )


def _made_before(target: Target, memory: Memory) -> bool:
    """Whether the slot of a copy that was put in place was there before any step of ours."""
    before = first_facts(memory)
    first = before.server(target.primary).slot(target.slot) if before else None
    return target.from_restored and first is not None and not first.lost


def _kept(facts: Facts, sample: Sample, target: Target, entry: Remembered, memory: Memory) -> Message | None:
    """Why a slot or a setting is kept although it looks as we left it."""
    server, place = facts.server(target.primary), facts.place(target.name)
    if isinstance(entry.step, CreateSlot) and (slot := server.slot(entry.step.slot)):
        if _made_before(target, memory):
            return msg(
                'the slot "{slot}" is kept: it was there before. Without a standby it keeps WAL for nobody:'
                " SELECT pg_drop_replication_slot('{slot}')",
                slot=slot.name,
            )
        stands = place.contents is Contents.STANDBY and place.follows and (place.covered or slot.lost)
        # A restored copy that was not set up yet still stands where it was put.
        gone = place.contents in {Contents.ABSENT, Contents.EMPTY}
        installed = any(
            isinstance(other.step, InstallCopy) or (gone and isinstance(other.step, SetUpRestored)) for other in memory
        )
        if not stands and installed and not any(draft.whole for draft in place.drafts):
            return msg(
                'the slot "{slot}" is kept: nothing shows any more that it is that of {name}. If it is:'
                " SELECT pg_drop_replication_slot('{slot}')",
                slot=slot.name,
                name=target.name,
            )
    if isinstance(entry.step, SetParameter) and entry.step.parameter == WAL_KEEP and sample.others_without_slot:
        return msg(
            "wal_keep_size is kept: standbys without a slot rely on it ({names})", names=sample.others_without_slot
        )
    if not isinstance(entry.step, CapSlots):
        return None
    # Ours has been given back by now, unless it is kept.
    before = {slot.name for slot in entry.before.server(target.primary).slots}
    others = [slot.name for slot in server.slots if slot.name not in before]
    if others and server.setting("max_slot_wal_keep_size").value != "-1":
        return msg(
            "max_slot_wal_keep_size is kept: slots made since then rely on it ({names})",
            names=", ".join(others),
        )
    return None


def _changed_since(facts: Facts, entry: Remembered) -> Iterator[Message]:
    """A word about a thing that is not given back because somebody has changed it since, or a person made it."""
    step = entry.step
    if isinstance(step, AdmitReplication) and step.by_hand:
        hba = facts.server(step.primary).hba
        if hba.has_line or not hba.digest:
            yield msg("{path} was edited by hand; take this line out again: {line}", path=step.path, line=step.line)
    elif isinstance(step, SetByHand):
        for each in step.wanted:
            now, was = (seen.server(step.primary).setting(each.parameter).value for seen in (facts, entry.before))
            if now != was and each.accepts(now):
                yield msg(
                    "{name} was set by hand; take this out of {file} again: {line}",
                    name=each.parameter,
                    file=each.file,
                    line=each,
                )
    elif isinstance(step, Alteration) and _present(facts, entry):
        name = step.change.parameter
        now_file = facts.server(step.primary).setting(name).auto_conf
        yield msg("{name} is {now}: not as attach left it, so it is kept", name=name, now=now_file or msg("not set"))
    elif _present(facts, entry):
        yield msg("{label}: not as we left it, so it is kept as it is", label=step.title)


def _present(facts: Facts, entry: Remembered) -> bool:
    """Whether something still stands where the step has made something, whoever made it."""
    step = entry.step
    match step:
        case CreateRole():
            return facts.server(step.place).role(step.role) is not None
        case CreateSlot():
            return facts.server(step.primary).slot(step.slot) is not None
        case ProvidePassfile():
            return facts.place(step.name).passfile is not Passfile.ABSENT
        case ProvideTunnelKey():
            return facts.place(step.name).tunnel.key is not Trace.ABSENT
        case AdmitTunnel():
            return facts.place(step.name).tunnel.line is not Trace.ABSENT
        case OpenTunnel():
            return facts.place(step.name).tunnel.unit is not Trace.ABSENT
        case Alteration():
            name = step.change.parameter
            was = entry.before.server(step.primary).setting(name)
            return facts.server(step.primary).setting(name).auto_conf != was.auto_conf
    return False
