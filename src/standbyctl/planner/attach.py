"""Plan the attachment of a standby to a running primary."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.conf import make_conninfo, passfile_entry
from standbyctl.domain.facts import Contents, Facts, Place, Server
from standbyctl.domain.hba import find_place, hba_line
from standbyctl.domain.names import draft_prefix, marker
from standbyctl.domain.record import replace
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import HbaWay, Target
from standbyctl.planner.blockers import attach_blockers
from standbyctl.planner.notes import attach_notes
from standbyctl.planner.parameters import parameter_steps
from standbyctl.planner.plan import Memory, Plan
from standbyctl.planner.replacing import make_room
from standbyctl.planner.restored import set_up_restored
from standbyctl.planner.standby import connection, copy_name, replication_conninfo, standby_settings
from standbyctl.planner.volumes import volumes_of
from standbyctl.steps.base import Step, left_to_do
from standbyctl.steps.clone.basebackup import CopyByBasebackup, InstallCopy, RemoveDraft
from standbyctl.steps.clone.manifest import VerifyCopy
from standbyctl.steps.directory import SetDirectoryAside
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.role import CreateRole, ProvidePassfile
from standbyctl.steps.server import StartAtBoot, StartStandby
from standbyctl.steps.slot import CreateSlot
from standbyctl.steps.tunnel import AdmitTunnel, OpenTunnel, ProvideTunnelKey


def plan_attach(facts: Facts, sample: Sample, target: Target, memory: Memory = ()) -> Plan:
    """The steps still to take, or everything that stands in the way."""
    steps = steps_left(facts, sample, target)
    if blockers := tuple(attach_blockers(facts, sample, target, memory, steps)):
        return Plan(blockers=blockers)
    return Plan(steps=steps, notes=tuple(attach_notes(facts, sample, target, steps)))


def steps_left(facts: Facts, sample: Sample, target: Target) -> tuple[Step, ...]:
    """The steps still to take, whether or not anything stands in the way."""
    return tuple(left_to_do(_all_steps(facts, sample, target), facts))


def way_in(facts: Facts, sample: Sample, target: Target) -> Iterator[Step]:
    """What lets a node stream from its primary: role and password, pg_hba.conf, parameters, the slot."""
    server, place = facts.server(target.primary), facts.place(target.name)
    if target.tunnel.used:
        yield ProvideTunnelKey(target.primary, target.name, target.tunnel.directory)
        yield AdmitTunnel(target.primary, target.name, target.tunnel)
        yield OpenTunnel(target.name, target.tunnel)
    if target.own_role:
        yield ProvidePassfile(target.name, target.passfile, target.role)
        yield CreateRole(target.primary, target.name, target.role, target.passfile, target.head)
    parameters = parameter_steps(server, sample, target)
    if not place.upstream and not _gets_in(server, place, target, reloads=bool(parameters)):
        yield admission(server, place, target)
    yield from parameters
    if target.slot:
        slot = server.slot(target.slot)
        yield CreateSlot(target.primary, target.name, target.slot, replace_lost=bool(slot and slot.lost))


def _all_steps(facts: Facts, sample: Sample, target: Target) -> Iterator[Step]:
    place = facts.place(target.name)
    yield from way_in(facts, sample, target)
    if target.from_restored:
        # Of a copy that was begun before somebody restored one.
        yield from (RemoveDraft(target.name, draft.path) for draft in facts.place(target.name).drafts)
        yield set_up_restored(facts, sample, target)
    else:
        yield from _copy(facts, sample, target)
    if unit := target.service.enabled_by_us:
        yield StartAtBoot(target.name, unit)
    yield StartStandby(
        primary=target.primary,
        name=target.name,
        data_directory=target.data_directory,
        bin_directory=place.bin_directory,
        slot=target.slot,
        service=target.service,
        head=target.head,
    )


def _copy(facts: Facts, sample: Sample, target: Target) -> Iterator[Step]:
    server, place = facts.server(target.primary), facts.place(target.name)
    if place.contents is Contents.STANDBY:
        if place.covered or place.running or not place.never_started:
            for draft in place.drafts:
                yield RemoveDraft(target.name, draft.path)
            return
        # A finished copy counts only while its slot, or the primary without one, keeps the WAL it needs next.
        yield set_aside(facts, sample, target)
    whole = next((draft for draft in place.drafts if draft.whole and not draft.alive), None)
    for draft in place.drafts:
        if draft is not whole:
            yield RemoveDraft(target.name, draft.path)
    taken = {draft.path for draft in place.drafts}
    path = whole.path if whole else next_draft(draft_prefix(target.data_directory, inside=place.mount_point), taken)
    copy = CopyByBasebackup(
        primary=target.primary,
        name=target.name,
        draft=path,
        destination=target.data_directory,
        bin_directory=place.bin_directory,
        conninfo=make_conninfo([*connection(target), ("application_name", copy_name(target.name))]),
        slot=target.slot,
        checkpoint=target.checkpoint,
        max_rate=target.max_rate,
        settings=tuple(standby_settings(facts.server(target.writer), target, brought(facts, sample, target))),
        wal_method=target.wal_method,
        volumes=volumes_of(server, brought(facts, sample, target) or server, target),
    )
    yield _from_standby(copy, server, sample, target) if target.copy_from else copy
    if target.verify_backup:
        yield VerifyCopy(target.name, path, place.bin_directory)
    # As late as can be: a copy that fails takes nothing from anybody.
    yield from make_room(place, sample, target)
    yield InstallCopy(target.name, path, target.data_directory, slotless=not target.slot)


def set_aside(facts: Facts, sample: Sample, target: Target) -> Step:
    """The step that makes room for a copy, and keeps what is there."""
    return SetDirectoryAside(
        name=target.name,
        data_directory=target.data_directory,
        aside=sample.free_aside,
        bin_directory=facts.place(target.name).bin_directory,
        system_identifier=facts.server(target.primary).system_identifier,
        identity=sample.directory_identity,
        leave_empty=False,
        condemn=False,
    )


def _from_standby(copy: CopyByBasebackup, server: Server, sample: Sample, target: Target) -> Step:
    """The same copy, of a standby instead of its primary."""
    there = {"host": target.copy_host, "port": str(target.copy_port), "application_name": copy_name(target.name)}
    params = {key: value for key, value in connection(target) if key != "passfile"} | there
    return replace(
        copy,
        conninfo=make_conninfo(params.items()),
        source=target.copy_from,
        system_identifier=server.system_identifier,
        temporary_slot=sample.source is None or sample.source.free_slots > 0,
        passfile=target.passfile,
        entry=passfile_entry(target.primary_host, target.primary_port, target.role),
        lent_entry=passfile_entry(target.copy_host, target.copy_port, target.role),
    )


def brought(facts: Facts, sample: Sample, target: Target) -> Server | None:
    """The standby whose configuration comes with the copy; None where it is the primary's."""
    if target.head:
        return facts.server(target.primary)
    return sample.source.server if sample.source else None


def next_draft(prefix: str, taken: set[str]) -> str:
    """A draft directory that no attempt has used yet."""
    n = 1
    while f"{prefix}{n}" in taken:
        n += 1
    return f"{prefix}{n}"


def _gets_in(server: Server, place: Place, target: Target, *, reloads: bool) -> bool:
    """Whether the role gets in, or will as soon as it is made; and still will once the plan has reloaded."""
    file_admits = (
        find_place(server.hba.rules, server.hba.path, target.role, target.source_address, tls=target.tls).admits
        is not None
    )
    untried = target.tunnel.used and not place.tunnel.running
    if untried or (target.own_role and not place.password_set):
        return server.hba.loaded and file_admits
    return place.admitted and (server.hba.loaded or file_admits or not reloads)


def admission(server: Server, place: Place, target: Target) -> Step:
    """The step that lets the standby in, the way the operator chose."""
    hba = server.hba
    found = find_place(hba.rules, hba.path, target.role, target.source_address, tls=target.tls)
    by_hand = target.hba is HbaWay.WAIT or (target.hba is HbaWay.AUTO and not hba.at_hand)
    return AdmitReplication(
        primary=target.primary,
        name=target.name,
        path=hba.path,
        line=hba_line(target.role, target.source_address, marker(target.name), target.auth_method, tls=target.tls),
        before_line=found.before_line,
        digest=hba.digest,
        by_hand=by_hand,
        bin_directory=place.bin_directory,
        conninfo=replication_conninfo(target),
        by_sql=target.hba is HbaWay.SQL,
    )
