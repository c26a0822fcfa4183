"""Plan to make a standby of a node again that has lost its primary's history, or is not on it."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.conf import make_conninfo
from standbyctl.domain.divergence import Archive, Commit, Divergence, Returning, Rung, Way
from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Contents, Facts, Place
from standbyctl.domain.hba import hba_line
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import marker
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.planner.attach import plan_attach, set_aside
from standbyctl.planner.blockers.resync import resync_blockers
from standbyctl.planner.ladder import choose, rungs
from standbyctl.planner.plan import Memory, Plan, has
from standbyctl.planner.standby import connection, primary_conninfo
from standbyctl.steps.archive import ReadArchive
from standbyctl.steps.base import Step, left_to_do, predict
from standbyctl.steps.clone.basebackup import InstallCopy
from standbyctl.steps.failover import SealPlace
from standbyctl.steps.rewind import DATABASE, EndRewinding, PointAtPrimary, RewindPlace
from standbyctl.steps.roles import LetGoOfSlots
from standbyctl.steps.server import StartAtBoot, StartStandby, StopStandby


def plan_resync(
    facts: Facts, sample: Sample, target: Target, memory: Memory, returning: Returning
) -> tuple[Plan, tuple[Rung, ...]]:
    """The cheapest way that is open and overwrites no commit, or the one that was asked for; and all of them."""
    place = facts.place(target.name)
    left_slots = LetGoOfSlots(target.name, tuple(slot for slot in returning.left_slots if slot in place.slots))
    if place.upstream:
        return Plan(steps=tuple(left_to_do([left_slots], facts))), ()
    if blockers := tuple(resync_blockers(facts, target)):
        return Plan(blockers=blockers), ()
    apart = _apart(place, memory, returning)
    ladder = rungs(facts, sample, target, returning, apart=apart)
    copied = place.never_started and not place.rewound
    # What was asked for is done once: then it goes on as it is. A rewind that was killed is ended by a copy.
    there = place.contents not in {Contents.ABSENT, Contents.EMPTY} and not place.rewinding
    again = {Way.CLONE: not copied, Way.ARCHIVE: True}
    asked = returning.way if returning.way and again.get(returning.way, apart and there) else None
    way = asked or choose(ladder, returning.found)
    rung = next(each for each in ladder if each.way is way)
    if not rung.open:
        return Plan(blockers=(_closed(rung, target),)), ladder
    steps = tuple(left_to_do(_steps(facts, sample, target, memory, returning, way), facts))
    rest = plan_attach(predict(steps, facts), sample, target, memory)
    if rest.blockers:
        return rest, ladder
    started = tuple(step for step in rest.steps if isinstance(step, StartStandby | StartAtBoot))
    made = tuple(step for step in rest.steps if step not in started)
    before, after = (steps, ()) if way is Way.CLONE else _around(steps)
    notes = (*_notes(way, steps, sample, target, returning), *rest.notes)
    # A copy has none; pg_rewind takes them away.
    kept = not has((*before, *after), RewindPlace) and not has(made, InstallCopy)
    ended = left_to_do([left_slots], facts) if kept else ()
    return Plan(steps=(*before, *made, *after, *started, *ended), notes=notes), ladder


def _apart(place: Place, memory: Memory, returning: Returning) -> bool:
    """Whether its files are of another history than its primary's, as far as anybody knows."""
    copied = any(isinstance(entry.step, InstallCopy) for entry in memory)
    came_back = place.follows and any(isinstance(entry.step, PointAtPrimary) for entry in memory)
    # A copy that is new in its place is not what was found there.
    split = returning.found is not None and returning.found.split and not place.never_started
    return (returning.former and not copied and not came_back) or not place.same_timeline or split


def _around(steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """What comes before the way in is made, and what needs it."""
    later = tuple(step for step in steps if isinstance(step, RewindPlace | PointAtPrimary))
    return tuple(step for step in steps if step not in later), later


def _steps(
    facts: Facts, sample: Sample, target: Target, memory: Memory, returning: Returning, way: Way
) -> Iterator[Step]:
    yield from _left_over(memory)
    if way is Way.RECONNECT or (way is Way.ARCHIVE and _reads_it(returning.archive)):
        return
    server, place = facts.server(target.primary), facts.place(target.name)
    if place.contents in {Contents.ABSENT, Contents.EMPTY}:
        return
    if place.running:
        # A primary that was sealed and started again since, by its unit or after a switchover, is no attach's.
        system = "" if place.started_by == target.name else server.system_identifier
        yield StopStandby(target.name, target.data_directory, place.bin_directory, target.service, system)
    if not place.in_recovery:
        yield SealPlace(target.name, target.data_directory, place.bin_directory, server.system_identifier)
    if way is Way.ARCHIVE and returning.archive is not None:
        yield ReadArchive(target.name, target.data_directory, returning.archive.command, returning.archive.first)
        return
    if way is Way.CLONE:
        yield set_aside(facts, sample, target)
        return
    if way is Way.REWIND and returning.found is not None:
        yield _rewind(facts, sample, target, returning.found)
    settings = (("primary_conninfo", primary_conninfo(target)), ("primary_slot_name", target.slot))
    yield PointAtPrimary(target.name, target.primary, target.data_directory, settings)


def _reads_it(archive: Archive | None) -> bool:
    return archive is not None and archive.configured


def _left_over(memory: Memory) -> Iterator[Step]:
    last = next((entry.step for entry in reversed([*memory]) if isinstance(entry.step, RewindPlace)), None)
    if last is not None:
        yield EndRewinding(last.name, last.primary, last.role, last.path, last.line)


def _rewind(facts: Facts, sample: Sample, target: Target, found: Divergence) -> Step:
    server = facts.server(target.primary)
    first = min((rule.line for rule in server.hba.rules if rule.file in {"", server.hba.path}), default=None)
    line = hba_line(target.role, target.source_address, marker(target.name), target.auth_method, tls=target.tls)
    return RewindPlace(
        name=target.name,
        primary=target.primary,
        data_directory=target.data_directory,
        bin_directory=facts.place(target.name).bin_directory,
        system_identifier=server.system_identifier,
        role=target.role,
        conninfo=make_conninfo([*connection(target), ("dbname", DATABASE)]),
        path=server.hba.path,
        line=line.replace(" replication ", f" {DATABASE} ", 1),
        before_line=first,
        digest=server.hba.digest,
        aside=sample.free_aside,
        timeline=found.timeline,
        fork=found.fork,
        config_file=target.service.config_file,
    )


def _closed(rung: Rung, target: Target) -> Blocker:
    return Blocker(
        "R453",
        msg("{name} does not come back that way: {way}", name=target.name, way=rung.way),
        rung.why,
        msg("Leave --way out: the cheapest that is open is taken. standbyctl resync {name} -n shows them.",
            name=target.name),
    )  # fmt: skip


def _notes(
    way: Way, steps: tuple[Step, ...], sample: Sample, target: Target, returning: Returning
) -> Iterator[Message]:
    commits = returning.found.commits if returning.found else ()
    if commits:
        yield _alone(commits, target)
    if way is Way.CLONE and returning.former:
        yield msg(
            "what {name} holds now is kept in {aside}: commits that are nowhere else are there. Delete it when nobody"
            " needs them any more",
            name=target.name,
            aside=sample.free_aside,
        )
    if has(steps, RewindPlace):
        yield msg("its WAL with what is overwritten is kept in {aside}/pg_wal", aside=sample.free_aside)


def _alone(commits: tuple[Commit, ...], target: Target) -> Message:
    names = {"name": target.name, "primary": target.primary, "first": commits[0].at}
    if len(commits) == 1:
        return msg("{name} has 1 commit that {primary} has not, of {first} UTC", **names)
    if commits[0].at == commits[-1].at:
        return msg("{name} has {n} commits that {primary} has not, of {first} UTC", n=len(commits), **names)
    return msg(
        "{name} has {n} commits that {primary} has not, from {first} to {last} UTC",
        n=len(commits),
        last=commits[-1].at,
        **names,
    )
