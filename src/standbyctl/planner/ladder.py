"""The ways in which a node comes back, the cheapest first, and which of them are open."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.divergence import Archive, Divergence, Returning, Rung, Way
from standbyctl.domain.facts import Contents, Facts, Place
from standbyctl.domain.message import Message, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import HbaWay, Target

# From here on pg_rewind knows the timeline of a server that was promoted just before.
REWINDS_PROMOTED = 160000


def rungs(facts: Facts, sample: Sample, target: Target, returning: Returning, *, apart: bool) -> tuple[Rung, ...]:
    """Every way, with what it would copy. `apart`: the node's files are of another history than its primary's."""
    return tuple(
        Rung(
            way,
            open=not closed,
            why=closed or _opened(way, facts.place(target.name), returning),
            copied_bytes=_bytes(way, sample, returning),
        )
        for way, closed in _ways(facts, target, returning, apart=apart)
    )


def choose(ladder: tuple[Rung, ...], found: Divergence | None) -> Way:
    """The first that is open; commits that are nowhere else are not overwritten unless somebody asks for that."""
    dear = bool(found and found.commits)
    return next(rung.way for rung in ladder if rung.open and not (dear and rung.way is Way.REWIND))


def _ways(facts: Facts, target: Target, returning: Returning, *, apart: bool) -> Iterator[tuple[Way, Message | None]]:
    found = returning.found
    yield Way.RECONNECT, _not_reconnected(facts, target, apart=apart)
    yield Way.ARCHIVE, _not_out_of_archive(facts, target, returning, apart=apart)
    yield Way.FOLLOW, _not_followed(facts, target, found, apart=apart)
    yield Way.REWIND, _not_rewound(facts, target, found, apart=apart)
    yield Way.CLONE, None


def _opened(way: Way, place: Place, returning: Returning) -> Message:
    """What it means where it can be taken."""
    found, archive = returning.found, returning.archive
    match way:
        case Way.RECONNECT:
            return msg("it goes on where it is")
        case Way.ARCHIVE if archive:
            return _archived(archive)
        case Way.FOLLOW:
            return msg("it has nothing that its primary has not")
        case Way.REWIND if place.rewound:
            return msg("it was rewound")
        case Way.REWIND if found and found.commits:
            return _overwritten(len(found.commits))
        case Way.REWIND:
            return msg("overwrites no commit")
        case _:
            return msg("what it holds is kept beside the copy")


def _archived(archive: Archive) -> Message:
    names = {"first": archive.first, "last": archive.last}
    if archive.first == archive.last:
        return msg("{first} is there", first=archive.first)
    if not archive.whole:
        return msg("{first} and {last} are there; those between were not asked for", **names)
    return msg("{first} to {last} are there", **names)


def _overwritten(number: int) -> Message:
    if number == 1:
        return msg("overwrites 1 commit that is nowhere else")
    return msg("overwrites {n} commits that are nowhere else", n=number)


def _not_reconnected(facts: Facts, target: Target, *, apart: bool) -> Message | None:
    place = facts.place(target.name)
    if place.contents is not Contents.STANDBY:
        return msg("it is no copy that follows {primary}", primary=target.primary)
    if apart:
        return msg("it is on another timeline than {primary}, or was a primary", primary=target.primary)
    if not place.covered:
        return msg("{primary} does not keep the WAL any more that it needs next", primary=target.primary)
    return None


def _not_out_of_archive(facts: Facts, target: Target, returning: Returning, *, apart: bool) -> Message | None:
    place, archive = facts.place(target.name), returning.archive
    if place.contents is not Contents.STANDBY or apart:
        return _not_reconnected(facts, target, apart=apart)
    if place.covered:
        return msg("{primary} keeps the WAL that it needs next", primary=target.primary)
    if archive is None or not archive.command:
        return msg("it has no restore_command: --restore-command says how WAL comes out of an archive")
    if not archive.opens:
        return msg("'{command}' does not bring {missing}", command=archive.command,
                   missing=archive.missing or msg("WAL"))  # fmt: skip
    return None


def _not_followed(facts: Facts, target: Target, found: Divergence | None, *, apart: bool) -> Message | None:
    if (why := _not_in_place(facts, target, found, apart=apart)) is not None:
        return why
    if found is not None and found.ahead:
        return msg("it has WAL that {primary} has not, from {lsn} on", primary=target.primary, lsn=found.fork)
    if not facts.place(target.name).covered:
        return msg("{primary} does not keep the WAL any more that it needs next", primary=target.primary)
    return None


def _not_rewound(facts: Facts, target: Target, found: Divergence | None, *, apart: bool) -> Message | None:
    place, server = facts.place(target.name), facts.server(target.primary)
    if place.rewound:
        # On its primary's timeline by now; what is left is to have it follow.
        return None
    if (why := _not_in_place(facts, target, found, apart=apart)) is not None:
        return why
    if found is not None and (why := _cannot_tell(found, server.version_num)) is not None:
        return why
    if place.mount_point or not place.parent_writable:
        return msg("there is no room beside {path} for what is its own", path=target.data_directory)
    by_hand = target.hba is HbaWay.WAIT or (target.hba is HbaWay.AUTO and not server.hba.at_hand)
    if by_hand or target.hba is HbaWay.SQL or not target.own_role or target.tunnel.used:
        return msg("pg_rewind needs a line in the pg_hba.conf of {primary}, which is not at hand here",
                   primary=target.primary)  # fmt: skip
    return None


def _cannot_tell(found: Divergence, version_num: int) -> Message | None:
    """What keeps pg_rewind from finding what has changed, or nothing has."""
    reasons = (
        (not found.ahead, msg("it has nothing that its primary has not")),
        (
            not found.hints,
            msg("neither data checksums nor wal_log_hints are on there: what has changed cannot be told"),
        ),
        (not found.full_page_writes, msg("full_page_writes was off there")),
        (
            not found.common,
            msg("its WAL back to the last checkpoint before {lsn} is not there any more", lsn=found.fork),
        ),
        (
            not found.checkpointed and version_num < REWINDS_PROMOTED,
            msg("it was lost before its first checkpoint as a primary, without which pg_rewind of 15 cannot tell"),
        ),
    )  # fmt: skip
    return next((why for closed, why in reasons if closed), None)


def _not_in_place(facts: Facts, target: Target, found: Divergence | None, *, apart: bool) -> Message | None:
    """What keeps the files that are there from being used."""
    place = facts.place(target.name)
    if place.contents in {Contents.ABSENT, Contents.EMPTY}:
        return msg("there is nothing in {path}", path=target.data_directory)
    if place.rewinding:
        return msg("a rewind was begun there, and did not come to its end")
    if not apart:
        return msg("it is on the timeline of {primary}: nothing is to be left or overwritten", primary=target.primary)
    if found is None or not found.known:
        return msg("its WAL where {primary} has left it cannot be read", primary=target.primary)
    if found.split:
        return msg("its timeline {n} is its own: it was promoted apart from {primary}, at {lsn}", n=found.timeline,
                   primary=target.primary, lsn=found.fork)  # fmt: skip
    if not found.fork:
        return msg("its timeline is none that {primary} comes from", primary=target.primary)
    return None


def _bytes(way: Way, sample: Sample, returning: Returning) -> int | None:
    """At most, but for blocks that were changed: a rewind also takes every WAL file that its source has."""
    copied = {Way.CLONE: sample.cluster_bytes, Way.REWIND: sample.survey.wal_directory_bytes}
    if returning.archive is not None and returning.archive.opens:
        copied[Way.ARCHIVE] = returning.archive.copied_bytes
    return copied.get(way, 0)
