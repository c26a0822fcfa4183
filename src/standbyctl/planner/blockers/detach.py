"""Why a standby is not detached: it is no longer the unused standby of this primary that attach left."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Contents, Facts, Place
from standbyctl.domain.message import Message, msg
from standbyctl.domain.target import Target
from standbyctl.planner.blockers.standby import strange_configuration
from standbyctl.planner.replacing import somebodys
from standbyctl.steps.base import Step
from standbyctl.steps.directory import SetDirectoryAside


def detach_blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
    """Everything that shows a node not to be ours to stop, or not to be only ours."""
    place, name = facts.place(target.name), target.name
    yield from _other_roles(facts, target)
    if not place.running and any(draft.alive for draft in place.drafts):
        yield _refusal(
            "A252",
            msg("a copy for {name} is still being written", name=name),
            msg("Another run is at work, or a pg_basebackup that a killed run had started still lives."),
        )
    if place.elsewhere:
        yield _refusal(
            "A254",
            msg("something that is not on {path} uses what was made for {name}", path=target.data_directory, name=name),
            msg(
                'A server streams from {node} as {name}, or from the slot "{slot}".',
                node=target.primary,
                name=name,
                slot=target.slot,
            )
            if target.slot
            else msg("A server streams from {node} as {name}.", node=target.primary, name=name),
        )
    # Stopped or not: whoever has promoted it, or made it follow another, will want it back.
    if somebodys(facts, target) or (not place.running and place.contents is not Contents.STANDBY):
        return
    if not place.in_recovery:
        yield _refusal(
            "A251",
            msg("{name} is not a standby any more", name=name),
            msg(
                "What is on {path} was promoted: it may hold commits that are nowhere else.", path=target.data_directory
            ),
        )
        return
    if not place.follows:
        yield _refusal(
            "A251",
            msg("{name} does not follow {node} any more", name=name, node=target.primary),
            strange_configuration(target),
        )
    elif not place.same_timeline:
        yield _refusal(
            "A251",
            msg("{name} has left the timeline of {node}", name=name, node=target.primary),
            msg("It was promoted at some time, and may hold commits that are nowhere else."),
        )
    if place.running:
        yield from _in_use(place, name)


def _other_roles(facts: Facts, target: Target) -> Iterator[Blocker]:
    """A primary that is none any more; a standby in between that is none."""
    if facts.server(target.writer).in_recovery:
        yield _refusal(
            "A258",
            msg("what answers as {node} is a standby", node=target.writer),
            msg("pg_is_in_recovery() is true there: -p names another server, or the roles have changed since."),
        )
    elif target.head and not facts.server(target.primary).in_recovery:
        yield _refusal(
            "A251",
            msg("{node} is not a standby any more", node=target.primary),
            msg("{name} was attached to it as to a standby of {head}; it was promoted since, and {name} with it.",
                name=target.name, node=target.primary, head=target.head),
        )  # fmt: skip


def mount_blockers(facts: Facts, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """A mount point cannot be renamed; a copy of its files kept within it would be part of what comes there next."""
    if facts.place(target.name).mount_point and any(
        isinstance(step, SetDirectoryAside) and not step.condemn for step in steps
    ):
        yield _refusal(
            "A250",
            msg("{path} is a mount point, and is not renamed aside", path=target.data_directory),
            msg("What is in it can be deleted, or stay where it is: it cannot start as a primary."),
        )


def _in_use(place: Place, name: str) -> Iterator[Blocker]:
    """Why a standby that runs as it should is not stopped all the same."""
    if not place.asked:
        yield _refusal(
            "A259",
            msg("{name} runs, and cannot be asked who uses it", name=name),
            msg("It does not let us in; what is not known is not taken for nobody."),
        )
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
            msg("They stream from it, or have a slot on it: {names}.", names=", ".join(place.downstreams)),
        )
    if place.foreign_sessions:
        yield _refusal(
            "A255",
            msg("{name} is in use", name=name),
            msg("Sessions of others that are connected to it: {n}.", n=place.foreign_sessions),
        )


def _refusal(code: str, what: Message, detail: Message) -> Blocker:
    hints = {
        "A250": msg(
            "Add --delete, which empties it and leaves it mounted, or leave --remove-data-dir out and see to it."
        ),
        "A251": msg(
            "standbyctl does not touch it. Where its servers are to be rid of it, by hand: the slot"
            " (pg_drop_replication_slot) and the line marked standbyctl in pg_hba.conf of the server that it streamed"
            " from, max_slot_wal_keep_size there if nothing needs it, the role (DROP ROLE) on the primary. Then move"
            " its journal away ($STANDBYCTL_STATE/NAME): standbyctl knows nothing of it any more."
        ),
        "A252": msg("Wait until it ends, then run this again."),
        "A253": msg("Stop it the way it was started, then run this again."),
        "A254": msg(
            "Detach that first (standbyctl detach NAME, where it was attached so), or move it; then run this again."
        ),
        "A259": msg("See why it refuses standbyctl (its pg_hba.conf, max_connections), or stop it yourself."),
        "A258": msg("Detach with the conninfo of the present primary (-p)."),
        "A255": msg("End them or wait for them, then run this again."),
    }
    return Blocker(code, what, detail, hints[code], refused=True)
