"""Somebody else rules the server: a managed service, or a tool for high availability."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.survey import MANAGED
from standbyctl.domain.target import Target
from standbyctl.planner.plan import has
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup

# What each would do to a standby that it does not know.
_CONSEQUENCES = {
    "patroni": msg("Patroni writes the configuration anew, and drops replication slots that it does not know."),
    "repmgr": msg("repmgr does not know this standby: a failover of repmgrd leaves it on the old timeline."),
    "pg_auto_failover": msg("Its monitor decides roles and synchronous standbys, and does not know this one."),
    "cloudnativepg": msg("The operator owns configuration, slots and pg_hba.conf, and takes changes back."),
    "stolon": msg("Its keeper owns configuration, slots and pg_hba.conf, and takes changes back."),
}


def managed_blockers(node: str, managed: Iterable[tuple[str, str]]) -> Iterator[Blocker]:
    """One for each service that was seen."""
    for service, evidence in managed:
        yield Blocker(
            "P117",
            msg("{node} looks like a managed service: {service}", node=node, service=service),
            msg("Seen: {evidence}. Such a service lets no standby outside copy its files.", evidence=evidence),
            msg(
                "Use the service's own read replicas, or logical replication."
                " If that is not what it is: --despite {name}",
                name=MANAGED,
            ),
            refused=True,
            need=Need.IMPOSSIBLE,
        )


def ownership_blockers(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """By evidence, each with the override that names what it overrides."""
    node = target.primary
    if MANAGED not in target.despite:
        yield from managed_blockers(node, sample.survey.managed)
    for tool, evidence in sample.survey.managers:
        if tool not in target.despite:
            yield Blocker(
                "P118",
                msg("{tool} seems to rule {node}", tool=tool, node=node),
                msg("Seen: {evidence}. {then}", evidence=evidence, then=_CONSEQUENCES[tool]),
                msg("Let {tool} make the standby. To attach one beside it all the same: --despite {tool}", tool=tool),
                refused=True,
            )
    if has(steps, CopyByBasebackup) and (found := sample.survey.unreadable):
        yield Blocker(
            "P133",
            msg("the server's user cannot read everything in the data directory of {node}", node=node),
            msg(
                "A base backup reads every file, and one that it cannot read ends the whole copy: {paths}.",
                paths=", ".join(found),
            ),
            msg("Move it out of the data directory, or let the server's user read it."),
        )
