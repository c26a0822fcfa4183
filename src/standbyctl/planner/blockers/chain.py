"""Why a standby cannot stream from another standby, rather than from the primary of both."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.planner.plan import has
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup


def role_of_server_blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
    """A primary that is none; or an upstream that is no standby of it."""
    if target.head:
        if facts.server(target.head).in_recovery:
            yield _standby_itself(target.head, msg("Give its primary with -p, and {node} with --upstream if the new"
                                                   " standby is to stream from it.", node=target.head))  # fmt: skip
        else:
            yield from _identity(facts, target)
    elif facts.server(target.primary).in_recovery:
        yield _standby_itself(
            target.primary,
            msg("Give the conninfo of its primary with -p. To stream from {node} all the same, and spare its primary:"
                " --upstream with the conninfo of {node}, beside -p.", node=target.primary),
        )  # fmt: skip


def _standby_itself(node: str, hint: Message) -> Blocker:
    return Blocker(
        "P111",
        msg("{node} is a standby itself", node=node),
        msg("pg_is_in_recovery() is true there: no role is made on it, and no commit proves a standby of it."),
        hint,
    )


def _identity(facts: Facts, target: Target) -> Iterator[Blocker]:
    """Nothing else about the upstream matters where one of these is so."""
    head, upstream = facts.server(target.head), facts.server(target.primary)
    told = {"node": target.primary, "primary": target.head}
    leave_out = msg("Leave --upstream out: then the new standby streams from {primary}.", **told)
    if upstream.system_identifier != head.system_identifier:
        yield _blocker(
            msg("{node} is not a standby of {primary}", **told),
            msg("System identifier of {node}: {is_}, of {primary}: {wanted}.", is_=upstream.system_identifier,
                wanted=head.system_identifier, **told),
            msg("Give a standby of {primary} with --upstream.", **told),
        )  # fmt: skip
    elif not upstream.in_recovery and upstream.started_at == head.started_at:
        yield _blocker(
            msg("{node} is the primary itself", **told),
            msg("--upstream names a standby, which spares the primary the copy and the walsender."),
            leave_out,
        )
    elif not upstream.in_recovery:
        yield _blocker(
            msg("{node} is not in recovery: it is a primary by now", **told),
            msg("It has the system identifier of {primary}, and was promoted.", **told),
            leave_out,
        )
    elif upstream.timeline != head.timeline:
        yield _blocker(
            msg("{node} is on another timeline than {primary}", **told),
            msg("Timeline of {node}: {is_}, of {primary}: {wanted}.", is_=upstream.timeline, wanted=head.timeline,
                **told),
            leave_out,
        )  # fmt: skip
    elif target.primary in facts.place(target.name).downstreams:
        yield _blocker(
            msg("{node} streams from {name}", name=target.name, **told),
            msg("The two would follow each other, and nobody {primary}.", **told),
            msg("Give another standby with --upstream."),
        )


def _blocker(what: Message, detail: Message, hint: Message) -> Blocker:
    return Blocker("P139", what, detail, hint, refused=True)


def chain_blockers(sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """An upstream that does not get what its standby needs, or whose copy would not do."""
    seen, told = sample.chain, {"node": target.primary, "primary": target.head}
    if not target.head or seen is None:
        return
    if not seen.sender:
        yield Blocker(
            "P139",
            msg("{node} does not stream", **told),
            msg("It receives no WAL now (pg_stat_wal_receiver), so it does not get what its standby must have."),
            msg("Mend its replication first, or leave --upstream out: then the new standby streams from {primary}.",
                **told),
        )  # fmt: skip
    if seen.paused:
        yield Blocker(
            "P139",
            msg("replay is paused on {node}", **told),
            msg("It does not know the role of the new standby before it has replayed it."),
            msg("SELECT pg_wal_replay_resume() on {node}, then run this again.", **told),
        )
    if not seen.full_pages and has(steps, CopyByBasebackup):
        yield Blocker(
            "P139",
            msg("full_page_writes is off on {primary}", **told),
            msg(
                "A page that changes while a standby is copied can only be mended from a full page in the WAL, so"
                " PostgreSQL refuses such a copy (all versions)."
            ),
            msg("Set full_page_writes = on (a reload) and run CHECKPOINT on {primary}, or leave --upstream out.",
                **told),
        )  # fmt: skip
