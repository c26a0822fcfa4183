"""Why parts of a copy cannot go where they are to go, and where there is no room."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Contents, Facts
from standbyctl.domain.message import Message, all_of, listed, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import format_size
from standbyctl.domain.target import Target
from standbyctl.domain.volumes import VolumeSeen
from standbyctl.planner.plan import has
from standbyctl.planner.volumes import disks
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup, RemoveDraft
from standbyctl.steps.server import StartStandby


def volume_blockers(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """A tablespace or WAL directory that is taken, missing, or not to be written."""
    server = facts.server(target.primary)
    known = {each.location: each.name for each in server.tablespaces}
    for old, _ in target.tablespace_mapping:
        if old not in known:
            yield Blocker(
                "P113",
                msg("{node} has no tablespace in {path}", node=target.primary, path=old),
                msg(
                    "It has: {names}.",
                    names=listed(msg("{name} in {path}", name=name, path=path) for path, name in known.items()),
                )
                if known
                else msg("It has none outside its data directory."),
                msg("Write --tablespace-mapping OLD=NEW, OLD as pg_tablespace_location() has it."),
            )
    yield from _shared_blockers(sample, target, steps)
    if not has(steps, CopyByBasebackup):
        return
    paths = [target.data_directory, *(each.volume.path for each in sample.volumes)]
    for each in sample.volumes:
        others = list(paths)
        others.remove(each.volume.path)
        if near := next((path for path in others if _nested(path, each.volume.path)), ""):
            yield _blocked(each, msg("It and {other} are the same, or one within the other.", other=near))
        elif why := _unusable(each, facts, target):
            yield _blocked(each, *why)


def _shared_blockers(sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """PostgreSQL clears temporary files and unlogged tables of all its tablespaces when it starts."""
    node, path = target.primary, target.data_directory
    for each in sample.linked if has(steps, StartStandby) else ():
        if each.of_primary:
            yield Blocker(
                "P230",
                msg("{link} of {path} leads to files of {node} itself", link=each.link, path=path, node=node),
                msg("They are in {there}. Two servers on one directory destroy it.", there=each.path),
                msg(
                    "A tablespace that {node} makes is replayed into the same place. Make this standby anew, with"
                    " --tablespace-mapping: standbyctl detach {name} --remove-data-dir {path}",
                    node=node,
                    name=target.name,
                    path=path,
                ),
                refused=True,
            )


def _nested(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _unusable(seen: VolumeSeen, facts: Facts, target: Target) -> tuple[Message, Message | None] | None:
    """What is wrong with a directory, and what to do about it where that is not another directory."""
    path, user = seen.volume.path, facts.place(target.name).os_user
    if not path.isprintable():
        return msg("Its name has control characters."), None
    if seen.of_primary:
        return msg("{node} itself has it.", node=target.primary), None
    if seen.contents is Contents.ABSENT:
        made = msg(
            "Make it on the standby's host: install -d -o {user} -m 700 {path}", user=user, path=shlex.quote(path)
        )
        return msg("There is no such directory."), made
    if seen.contents is Contents.FOREIGN:
        return msg("It is not an empty directory. Nothing that somebody else put there is removed."), None
    if not seen.writable:
        return msg("{user} cannot write there.", user=user), msg("Give it to {user}.", user=user)
    return None


def _blocked(seen: VolumeSeen, why: Message, hint: Message | None = None) -> Blocker:
    volume = seen.volume
    other = msg("Choose another directory: --waldir DIR")
    if volume.source:
        other = msg("Choose another directory: --tablespace-mapping {old}=DIR", old=volume.source)
    return Blocker(
        "P230",
        msg("{what} cannot go into {path}", what=volume.source or msg("the WAL"), path=volume.path),
        why,
        hint or other,
        refused=seen.of_primary or seen.contents is Contents.FOREIGN,
    )


def disk_blockers(sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """A filesystem that is too small for what is to come there."""
    # What an unfinished copy takes up is free again before the new one begins; the disk is looked at anew then.
    if not has(steps, CopyByBasebackup) or has(steps, RemoveDraft):
        return
    for disk in disks(sample, target):
        if disk.free_bytes < disk.needed_bytes:
            yield Blocker(
                "P206",
                msg("the disk is too small for {path}", path=all_of(disk.paths)),
                msg(
                    "{free} are free{taken}; {node} has {size}, and with WAL and 20 % to spare that is {needed}.",
                    free=format_size(disk.free_bytes),
                    taken=msg(" beside what the other standbys of this command take") if sample.reserved.room else "",
                    node=target.primary,
                    size=format_size(disk.held_bytes),
                    needed=format_size(disk.needed_bytes),
                ),
                msg("Make room, or choose a directory on another volume with -D.")
                if disk.paths == (target.data_directory,)
                else msg("Make room, or choose another volume: -D, --waldir, --tablespace-mapping."),
            )
