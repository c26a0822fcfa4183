"""Why nobody is promoted now: the primary lives, or nobody knows, or another standby has more."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts
from standbyctl.domain.member import Power
from standbyctl.domain.message import Message, msg
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.size import format_size
from standbyctl.domain.switching import RoleSample

# What a receiver has got so short a while ago has come from a primary that lives.
HEARD_SECONDS = 3.0
_GONE = (Power.SHUT_DOWN, Power.ENDED)


def failover_blockers(
    facts: Facts, sample: RoleSample, change: RoleChange, max_loss_bytes: int | None
) -> Iterator[Blocker]:
    """Everything that stands in the way. Who was promoted by an earlier run only has to be followed."""
    old, new = facts.member(change.old), facts.member(change.new)
    if old.writes:
        yield Blocker(
            "R440",
            msg("{old} is alive and takes writes", old=change.old),
            msg("It has just answered, on timeline {n}. Two primaries would take different writes.", n=old.timeline),
            msg(
                "To change roles without a loss: standbyctl switchover --to {new}. If {old} must go: stop it first.",
                new=change.new,
                old=change.old,
            ),
            refused=True,
        )
        return
    yield from _third_blockers(facts, change)
    if new.writes:
        return
    if new.power is not Power.RUNNING or new.in_recovery is None:
        yield Blocker(
            "R402",
            msg("{new} does not answer", new=change.new),
            msg("It is to be the primary, and it is down or does not let us in."),
            msg("Start it, or name another standby."),
        )
        return
    if old.power is Power.RUNNING and not old.in_recovery and not change.fence:
        yield Blocker(
            "R441",
            msg("{old} still runs on its host", old=change.old),
            msg("Its processes are there, and it does not answer: it may be frozen, or let nobody in."),
            msg("See what has become of it. If it must go, end it there, or give --fence; then run this again."),
            refused=True,
        )
    for name, around in sample.around.items():
        if name != change.old and around.heard_seconds is not None and around.heard_seconds < HEARD_SECONDS:
            upstream = facts.member(name).upstream
            if upstream in {"", change.old}:
                yield _heard(name, change.old, around.heard_seconds, gone=old.power in _GONE)
    if old.power is Power.UNKNOWN and not (change.fence or change.fenced):
        yield Blocker(
            "R443",
            msg("nobody can say that {old} takes no writes", old=change.old),
            msg("Its host does not answer from here, and there is no fence."),
            msg(
                "Give a program that makes sure of it (--fence), and exits with 0 only then. Where you have switched it"
                " off yourself: --fenced."
            ),
            refused=True,
        )
    yield from _candidate_blockers(facts, sample, change)
    yield from _loss_blockers(sample, change, max_loss_bytes)


def _third_blockers(facts: Facts, change: RoleChange) -> Iterator[Blocker]:
    """Another standby was promoted already, by hand or from elsewhere."""
    for node in facts.nodes:
        if node.name not in {change.old, change.new} and node.member is not None and node.member.writes:
            yield Blocker(
                "R419",
                msg("{name} is a primary already", name=node.name),
                msg("It takes writes, on timeline {n}: {new} would be a second one.", n=node.member.timeline,
                    new=change.new),
                msg("Look at standbyctl status. Where {name} is to stay the primary: standbyctl failover --to {name}",
                    name=node.name),
                refused=True,
            )  # fmt: skip


def _candidate_blockers(facts: Facts, sample: RoleSample, change: RoleChange) -> Iterator[Blocker]:
    """The one with the most WAL is promoted: every other can follow it."""
    own, timeline = sample.around[change.new].received, facts.member(change.new).timeline
    direct = {change.new, *(target.name for target in change.followers)}
    silent = [name for name in direct if name not in sample.around]
    for name in sorted(silent):
        yield silent_standby(name, change.new)
    for name in sorted(direct - {*silent}):
        there = sample.around[name]
        if there.unreceived and (there.paused or there.settings.get("recovery_min_apply_delay", "0") != "0"):
            yield Blocker(
                "R444",
                msg("how much of the WAL {name} has is not known", name=name),
                msg("It was started since it last received any, and is delayed or paused: it has not replayed all."),
                msg("SELECT pg_wal_replay_resume(); or ALTER SYSTEM SET recovery_min_apply_delay = 0 and a reload: on"
                    " {name}. Then run this again.", name=name),
            )  # fmt: skip
    for name in sorted(direct - {change.new, *silent}):
        there = sample.around[name]
        if (facts.member(name).timeline, there.received) > (timeline, own):
            yield Blocker(
                "R444",
                msg("{name} has more of the WAL than {new}", name=name, new=change.new),
                msg("{n} more: they would be lost.", n=format_size(there.received - own)),
                msg("standbyctl failover --to {name}", name=name),
                refused=True,
            )


def silent_standby(name: str, new: str, why: Message | None = None) -> Blocker:
    """Another standby does not answer. `why`: what was said in place of an answer."""
    more = msg("It may have more of the WAL than {new} has.", new=new)
    return Blocker(
        "R444",
        msg("{name} does not answer, which is a standby, too", name=name),
        msg("{more} {why}", more=more, why=why) if why else more,
        msg("Bring it back. Where that takes too long, leave it out: --without {name}", name=name),
    )


def _loss_blockers(sample: RoleSample, change: RoleChange, most: int | None) -> Iterator[Blocker]:
    if most is None:
        return
    lost = sample.loss(change.new)
    if lost is None or lost > most:
        yield Blocker(
            "R445",
            msg("the loss is above --max-loss, or not known"),
            msg("{n} of WAL would be lost.", n=format_size(lost))
            if lost is not None
            else msg("No watch was looking when {old} was last there.", old=change.old),
            msg("Leave --max-loss out to accept it; or bring {old} back.", old=change.old),
            refused=True,
        )


def _heard(name: str, old: str, seconds: float, *, gone: bool) -> Blocker:
    hint = msg("It is this host that does not reach {old}: look at the network before anything else.", old=old)
    if gone:
        hint = msg(
            "No process of {old} is on its host. A line that was cut just now looks like that, too: run this again"
            " after {n} s.",
            old=old,
            n=f"{HEARD_SECONDS:.0f}",
        )
    return Blocker(
        "R442",
        msg("{name} still hears from {old}", name=name, old=old),
        msg("Its receiver has got something {n} s ago.", n=f"{seconds:.1f}"),
        hint,
        refused=True,
    )
