"""Why roles are not changed now: what would be lost, what would hang, what nobody would follow."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.facts import Facts
from standbyctl.domain.member import Member, Power
from standbyctl.domain.message import msg
from standbyctl.domain.roles import ARCHIVER, LOGICAL, PREPARED, SYNCHRONOUS, UNKNOWN, UNLOGGED, RoleChange
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import format_size
from standbyctl.domain.switching import FIVE, Around, RoleSample, Sender
from standbyctl.domain.target import Target
from standbyctl.planner.blockers.followers import follower_blockers

# What is further behind would have to be sent while nobody takes writes.
MOST_BEHIND_BYTES = 16 << 20
# A receiver says something every wal_receiver_status_interval (10 s) at least, if it is not told otherwise.
SILENT_SECONDS = 25
MOST_READY = 16
_LOST = {
    LOGICAL: msg("logical slots do not come along: their subscribers lose their place"),
    PREPARED: msg("prepared transactions come along, and hold their locks until somebody ends them there"),
    UNLOGGED: msg("unlogged tables are empty afterwards"),
    UNKNOWN: msg("standbys that nobody here knows do not follow, and stay with what is a standby then"),
}


def ready_blockers(sample: Sample, target: Target) -> Iterator[Blocker]:
    """The new primary as one that can be reached."""
    if not sample.reachable:
        yield Blocker(
            "R416",
            msg("{name} does not reach {node}", name=target.name, node=target.primary),
            msg("{node} listens on no address that {name} can connect to.", node=target.primary, name=target.name),
            msg(
                "Set listen_addresses on {node} and restart it (it is a standby: nobody's writes wait), then run this"
                " again.",
                node=target.primary,
            ),
        )


def switch_blockers(facts: Facts, sample: RoleSample, change: RoleChange) -> Iterator[Blocker]:
    """Everything that stands in the way, from who is what now."""
    old, new = facts.member(change.old), facts.member(change.new)
    if old.system_identifier != new.system_identifier:
        yield Blocker(
            "R406",
            msg("{new} is not a copy of {old}", new=change.new, old=change.old),
            msg("System identifiers: {one} and {other}.", one=old.system_identifier, other=new.system_identifier),
            msg("Look at standbyctl status: one of the names leads elsewhere."),
            refused=True,
        )
        return
    if new.writes:
        yield from _promoted_blockers(old, change)
        return
    if new.power is not Power.RUNNING or new.in_recovery is None:
        yield Blocker(
            "R402",
            msg("{new} does not answer", new=change.new),
            msg("It is to be the primary, and it is down or does not let us in."),
            msg("Start it, and see it stream: standbyctl status."),
        )
        return
    yield from _candidate_blockers(sample.around[change.new], change)
    if old.power is Power.UNKNOWN or old.unsettled:
        yield Blocker(
            "R402",
            msg("{old} does not answer", old=change.old),
            msg("It cannot be asked; what is not known is not taken for stopped."),
            msg("See why (its log, max_connections, a frozen process); if it is beyond help: standbyctl failover."),
        )
    elif old.writes:
        yield from _primary_blockers(facts, sample, change)
    else:
        yield from _interrupted_blockers(old, new, change)


def _promoted_blockers(old: Member, change: RoleChange) -> Iterator[Blocker]:
    """The new primary is one: then the old one must have been stopped by us."""
    if old.writes:
        yield Blocker(
            "R419",
            msg("there are two primaries: {one} and {other}", one=change.old, other=change.new),
            msg("Both take writes, and what one of them takes the other never has."),
            msg(
                "Have clients write to one of them only, at once. Then see which of them holds what: standbyctl status"
                " names both; the other has to be stopped, its own commits saved, and made anew as a standby."
            ),
            refused=True,
        )
    elif not old.sealed:
        yield Blocker(
            "R409",
            msg("{old} was not stopped by a switchover", old=change.old),
            msg(
                "{new} is the primary, and {old} is down without a standby.signal: it may hold commits that are"
                " nowhere else.",
                new=change.new,
                old=change.old,
            ),
            msg("Do not start it. To make it a standby again: standbyctl resync, which keeps what it holds."),
            refused=True,
        )


def _interrupted_blockers(old: Member, new: Member, change: RoleChange) -> Iterator[Blocker]:
    """Nobody takes writes: an earlier run was stopped in between, or somebody has stopped the primary."""
    if old.power is Power.ENDED or (old.power is Power.SHUT_DOWN and old.timeline != new.timeline):
        yield Blocker(
            "R409",
            msg("{old} was not shut down cleanly", old=change.old),
            msg("It is down, and may hold commits that {new} has not got.", new=change.new),
            msg("It was fenced: standbyctl failover --to {new}.", new=change.new)
            if old.sealed
            else msg(
                "Start it: it recovers by itself, and is the primary again. If it cannot be started:"
                " standbyctl failover."
            ),
            refused=True,
        )
    elif old.in_recovery and not (old.sealed and old.follows == change.new):
        yield Blocker(
            "R402",
            msg("{old} is not the primary", old=change.old),
            msg("It is in recovery, and was not made a standby by a switchover to {new}.", new=change.new),
            msg("Look at standbyctl status: who is the primary now?"),
        )


def _candidate_blockers(around: Around, change: RoleChange) -> Iterator[Blocker]:
    new = change.new
    if around.paused:
        yield Blocker(
            "R404",
            msg("replay is paused on {new}", new=new),
            msg("It is promoted when it has replayed all WAL of the primary, and so it never would."),
            msg("SELECT pg_wal_replay_resume() on {new}, then run this again.", new=new),
        )
    if around.settings.get("recovery_min_apply_delay", "0") != "0":
        yield Blocker(
            "R405",
            msg("{new} lags on purpose", new=new),
            msg(
                "recovery_min_apply_delay = {n} ms: all of that would be replayed while nobody takes writes.",
                n=around.settings["recovery_min_apply_delay"],
            ),
            msg("Set it to 0 there (a reload), and let it catch up; or choose another standby."),
        )
    if (names := around.settings.get("synchronous_standby_names", "")) and SYNCHRONOUS not in change.despite:
        yield Blocker(
            "R420",
            msg("commits on {new} would wait for a synchronous standby", new=new),
            msg("synchronous_standby_names = '{names}' is in force there once it is the primary.", names=names),
            msg(
                "ALTER SYSTEM SET synchronous_standby_names = '' on {new} and reload; or accept it with --despite"
                " {word}.",
                new=new,
                word=SYNCHRONOUS,
            ),
        )
    if not around.superuser:
        yield Blocker(
            "R421",
            msg("the role {user} may not promote {new}", user=around.user, new=new),
            msg("A change of roles takes a superuser of both servers."),
            msg("Connect as one."),
        )


def _primary_blockers(facts: Facts, sample: RoleSample, change: RoleChange) -> Iterator[Blocker]:
    old, new = facts.member(change.old), facts.member(change.new)
    around, there = sample.around[change.old], sample.around[change.new]
    if old.timeline != new.timeline or new.upstream != change.old:
        yield Blocker(
            "R402",
            msg("{new} does not stream from {old}", new=change.new, old=change.old),
            msg(
                "It streams from {upstream}.", upstream=new.upstream
            ) if new.upstream else msg("Neither end shows a stream between them on timeline {n}.", n=old.timeline),
            msg("See why: standbyctl verify {new}. Or choose another standby.", new=change.new),
        )  # fmt: skip
    elif (behind := around.lsn - there.lsn) > MOST_BEHIND_BYTES:
        yield Blocker(
            "R403",
            msg("{new} is {n} behind", new=change.new, n=format_size(behind)),
            msg("All of that would be sent and replayed while nobody takes writes."),
            msg("Wait until it has caught up (standbyctl status -w), then run this again."),
        )
    if change.seat(change.old).away:
        yield Blocker(
            "R418",
            msg("nobody is asked on the host of {old}", old=change.old),
            msg("It is stopped there, and made unable to start as a primary: that takes a shell."),
            msg("Name its host: ssh in its [[node]] of standbyctl.toml, or run this there."),
        )
    yield from follower_blockers(facts, change)
    yield from _hold_up_blockers(around, change)
    yield from _parameter_blockers(around, there, change)
    yield from _loss_blockers(around, sample, change)


def _hold_up_blockers(around: Around, change: RoleChange) -> Iterator[Blocker]:
    """What a shutdown waits for: the archiver, and every receiver."""
    if (around.archiver_failing or around.archive_ready > MOST_READY) and ARCHIVER not in change.despite:
        yield Blocker(
            "R407",
            msg("the archiver of {old} is behind, or fails", old=change.old),
            msg("{n} files wait for it, and a shutdown waits for them.", n=around.archive_ready),
            msg(
                "Mend archive_command and let it catch up (SELECT * FROM pg_stat_archiver); or accept it with --despite"
                " {word}.",
                word=ARCHIVER,
            ),
        )
    for sender in around.senders:
        if sender.state == "streaming" and _silent(sender):
            yield Blocker(
                "R408",
                msg("the receiver {name} of {old} has said nothing for a while", name=sender.name, old=change.old),
                msg(
                    "Its last word came {n} s ago: a shutdown would wait for it, until wal_sender_timeout.",
                    n=f"{sender.silent_seconds or 0:.0f}",
                ),
                msg("See what has become of it; or end its walsender (pg_terminate_backend), then run this again."),
            )
    if around.backups:
        yield Blocker(
            "R422",
            msg("a base backup of {old} is under way", old=change.old),
            msg("It would be cut off."),
            msg("Wait until it has ended (SELECT * FROM pg_stat_progress_basebackup)."),
        )


def _silent(sender: Sender) -> bool:
    return sender.silent_seconds is not None and sender.silent_seconds > SILENT_SECONDS


def _parameter_blockers(around: Around, there: Around, change: RoleChange) -> Iterator[Blocker]:
    """A standby does not start with less than its primary has: neither the one now nor the other then."""
    lower = [name for name in FIVE if int(around.settings[name]) < int(there.settings[name])]
    if lower:
        yield Blocker(
            "R414",
            msg("{old} could not be a standby of {new}", old=change.old, new=change.new),
            msg("Lower there than on {new}: {names}.", new=change.new, names=", ".join(lower)),
            msg("Raise them on {old} (a restart of it), or lower them on {new}, which is a standby: only where no"
                " lower value is in its WAL.", old=change.old, new=change.new),
            need=Need.RESTART,
        )  # fmt: skip
    senders, used = int(there.settings["max_wal_senders"]), len(there.senders)
    if senders - used < len(change.followers):
        yield Blocker(
            "R415",
            msg("not enough free walsenders on {new}", new=change.new),
            msg("{n} standbys are to follow it; {used} of {total} are in use.", n=len(change.followers), used=used,
                total=senders),
            msg("Raise max_wal_senders there (a restart of that standby)."),
            need=Need.RESTART,
        )  # fmt: skip
    if there.settings["wal_level"] != around.settings["wal_level"]:
        yield Blocker(
            "R417",
            msg("wal_level differs: {old} {one}, {new} {other}", old=change.old, one=around.settings["wal_level"],
                new=change.new, other=there.settings["wal_level"]),
            msg("From then on WAL would be written at that of {new}.", new=change.new),
            msg("Make them alike (a restart of {new}).", new=change.new),
            need=Need.RESTART,
        )  # fmt: skip


def _loss_blockers(around: Around, sample: RoleSample, change: RoleChange) -> Iterator[Blocker]:
    """What does not come along. Each is accepted by its name."""
    # Those that are kept in step are there already (17 and later), where somebody has had that done.
    there = {slot.name for slot in sample.around[change.new].slots}
    logical = [
        slot.name for slot in around.slots if slot.slot_type == "logical" and not (slot.failover and slot.name in there)
    ]
    named = (
        (LOGICAL, "R423", ", ".join(logical)),
        (PREPARED, "R424", str(around.prepared or "")),
        (UNLOGGED, "R425", str(around.unlogged or "")),
        (UNKNOWN, "R413", ", ".join(sample.strangers)),
    )
    for word, code, found in named:
        if found and word not in change.despite:
            yield Blocker(
                code,
                _LOST[word],
                msg("On {old}: {found}.", old=change.old, found=found),
                msg("See to them first; or accept it with --despite {word}.", word=word),
            )
