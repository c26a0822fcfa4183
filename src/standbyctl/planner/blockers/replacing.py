"""Why a cluster does not make room for a standby: it may be somebody's."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts, Place
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import replaced_path
from standbyctl.domain.target import Target
from standbyctl.planner.replacing import somebodys

_NAMED = 5


def replacing_blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
    """Whatever shows that it holds something, or keeps that from being known."""
    place = facts.place(target.name)
    for why, hint in _reasons(facts, place, target):
        yield Blocker(
            "P201",
            msg("the cluster on {path} is not replaced", path=target.data_directory),
            why,
            hint,
            refused=True,
        )


def _reasons(facts: Facts, place: Place, target: Target) -> Iterator[tuple[Message, Message]]:
    elsewhere = msg("Choose another directory with -D, or move it away yourself.")
    aside = replaced_path(target.data_directory, target.name)
    if place.replaced:
        yield (
            msg("It would be renamed to {aside}, and that exists.", aside=aside),
            msg("See what it is, and move it away yourself."),
        )
    if place.resident is None or not somebodys(facts, target):
        yield (
            msg("It has the system identifier of {node}: it is, or was, a copy of it.", node=target.primary),
            elsewhere,
        )
    elif not place.running and not place.resident.marked:
        yield (
            msg("It does not run, and cannot be asked what it holds."),
            msg("Start it, so that it can be looked at: {start}", start=target.service.command("start")),
        )
    elif place.running and place.in_recovery:
        yield msg("It is in recovery: a standby of somebody."), elsewhere
    elif place.running and place.resident.holds is None:
        yield (
            msg("It does not let us in, and cannot be asked what it holds."),
            msg("See why (its pg_hba.conf; both postgres and template1 are asked), or choose another directory."),
        )
    elif place.running and place.resident.holds:
        yield _holding(place.resident.holds), elsewhere


def _holding(holds: tuple[str, ...]) -> Message:
    more = f" and {len(holds) - _NAMED} more" if len(holds) > _NAMED else ""
    return msg("It holds: {what}{more}.", what=", ".join(holds[:_NAMED]), more=more)
