"""Whether a server is a standby of that primary, and streams from it: V801 to V804."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from standbyctl.diagnosis.sight import Ends, Sight
from standbyctl.domain.check import Check, Status
from standbyctl.domain.message import Message, clauses, msg
from standbyctl.domain.replication import MINIMUM_PARAMETERS, ReceiverView, SenderView, ServerView

IDENTITY = msg("identity")
TIMELINE = msg("timeline")
STREAMING = msg("streaming")
SETTINGS = msg("settings")


def unknown(sight: Sight, code: str, title: Message, *needs: str) -> Check:
    """What could not be found out, and why. That a server does not answer is V801's to say in full, and once."""
    need = next((need for need in needs if need in sight.why), "")
    why = sight.why.get(need, msg("could not be found out"))
    if need in {"primary", "standby"}:
        silent = sight.ends.primary if need == "primary" else sight.ends.standby
        why = msg("not looked at: {node} does not answer", node=silent)
    return Check(code, sight.ends.standby, title, Status.UNKNOWN, why)


def several(parts: Iterable[Message]) -> Message:
    """Some messages as one."""
    return clauses(parts)


def identity(sight: Sight) -> Check:
    """One system, one of the two in recovery, and not one server asked twice."""
    primary, standby, ends = sight.primary, sight.standby, sight.ends
    if primary is None or standby is None:
        reasons = [sight.why[node] for node in ("standby", "primary") if node in sight.why]
        seen = several(reasons) if reasons else msg("could not be found out")
        return Check("V801", ends.standby, IDENTITY, Status.UNKNOWN, seen)

    def check(status: Status, seen: Message) -> Check:
        return Check("V801", ends.standby, IDENTITY, status, seen)

    found = {"p": ends.primary, "s": ends.standby, "there": primary.system_identifier}
    if ends.system_identifier and primary.system_identifier != ends.system_identifier:
        return check(
            Status.FAIL,
            msg(
                "what answers as {p} is another cluster than at the attach: system identifier {there}, then {was}",
                was=ends.system_identifier,
                **found,
            ),
        )
    if primary.system_identifier != standby.system_identifier:
        return check(
            Status.FAIL,
            msg(
                "{s} is no copy of {p}: system identifier {here}, not {there}", here=standby.system_identifier, **found
            ),
        )
    if _same(primary, standby):
        return check(Status.FAIL, msg("{s} and {p} are one and the same server", **found))
    if mistaken(primary, standby):
        return check(
            Status.FAIL,
            msg("what answers as {p} is in recovery: it is no primary. {s} is not: are they swapped?", **found),
        )
    return check(*_roles(sight, primary, standby))


def _roles(sight: Sight, primary: ServerView, standby: ServerView) -> tuple[Status, Message]:
    """What is in recovery, and what is not."""
    told = {"p": sight.ends.primary, "s": sight.ends.standby, "there": primary.system_identifier}
    if primary.in_recovery and not sight.ends.head:
        return Status.FAIL, msg("what answers as {p} is in recovery: it is no primary", **told)
    if not standby.in_recovery:
        return Status.FAIL, msg("{s} is not in recovery: it was promoted, and is a primary itself", **told)
    if sight.ends.head:
        return _chained(sight, primary)
    return Status.OK, msg("a copy of {p}, in recovery; system identifier {there}", **told)


def _chained(sight: Sight, upstream: ServerView) -> tuple[Status, Message]:
    """What is in between is a standby of what is at the head, which is a primary."""
    head, told = sight.head, {"h": sight.ends.head, "p": sight.ends.primary, "s": sight.ends.standby}
    if head is None:
        return Status.UNKNOWN, sight.why.get("head", msg("{h} could not be asked", **told))
    if head.system_identifier != upstream.system_identifier:
        return Status.FAIL, msg("{p} is no standby of {h}: system identifier {here}, not {there}", **told,
                                here=upstream.system_identifier, there=head.system_identifier)  # fmt: skip
    if head.in_recovery:
        return Status.FAIL, msg("what answers as {h} is in recovery: it is no primary", **told)
    if not upstream.in_recovery:
        return Status.FAIL, msg("{p} is not in recovery: it was promoted, and {s} follows it, not {h}", **told)
    return Status.OK, msg("a copy of {p}, in recovery as that is, which is a standby of {h}; system identifier {id}",
                          **told, id=head.system_identifier)  # fmt: skip


def mistaken(primary: ServerView, standby: ServerView) -> bool:
    """One server given as both, or each as the other: nothing else that is seen of them means anything."""
    swapped = primary.in_recovery and not standby.in_recovery
    return primary.system_identifier == standby.system_identifier and (swapped or _same(primary, standby))


def _same(primary: ServerView, standby: ServerView) -> bool:
    return (primary.started_at, primary.port) == (standby.started_at, standby.port)


def timeline(sight: Sight) -> Check:
    """Both on one timeline. Two that differ are two histories."""
    primary, standby, ends = sight.primary, sight.standby, sight.ends
    if primary is None or standby is None:
        return unknown(sight, "V802", TIMELINE, "standby", "primary")
    above = sight.head
    if above is not None and above.timeline != primary.timeline:
        seen = msg("{p} is on {here}, {h} on {there}", p=ends.primary, h=ends.head, here=primary.timeline,
                   there=above.timeline)  # fmt: skip
        return Check("V802", ends.standby, TIMELINE, Status.FAIL, seen)
    same = primary.timeline == standby.timeline
    if same and primary.history and standby.history and primary.history != standby.history:
        seen = msg("{n} on both, and not the same: on {p} {here}, on {s} {there}", n=primary.timeline, p=ends.primary,
                   here=primary.history, s=ends.standby, there=standby.history)  # fmt: skip
        return Check("V802", ends.standby, TIMELINE, Status.FAIL, seen)
    seen = (
        (msg("{n} on both", n=primary.timeline) if above is None else msg("{n} on all three", n=primary.timeline))
        if same
        else msg("{s} is on {here}, {p} on {there}", s=ends.standby, here=standby.timeline, p=ends.primary,
                 there=primary.timeline)
    )  # fmt: skip
    return Check("V802", ends.standby, TIMELINE, Status.OK if same else Status.FAIL, seen)


def streaming(sight: Sight) -> Check:
    """Both ends say so: a standby that is pointed at another server, or at itself, streams happily too."""
    ends, primary, standby = sight.ends, sight.primary, sight.standby
    faults: list[Message] = []
    doubts: list[Message] = []
    for status, seen in [*_of_standby(ends, standby), *_of_primary(ends, primary, standby)]:
        (faults if status is Status.FAIL else doubts).append(seen)
    if faults or (doubts and primary is not None and standby is not None):
        status = Status.FAIL if faults else Status.UNKNOWN
        return Check("V803", ends.standby, STREAMING, status, several(faults or doubts))
    if primary is None or standby is None or standby.receiver is None:
        return unknown(sight, "V803", STREAMING, "standby", "primary")
    return _from_where(ends, primary, standby.receiver)


def _of_standby(ends: Ends, standby: ServerView | None) -> Iterator[tuple[Status, Message]]:
    if standby is None:
        return
    receiver = standby.receiver
    if receiver is None:
        yield Status.FAIL, msg("{s} has no WAL receiver", s=ends.standby)
    elif receiver.status is None:
        yield Status.UNKNOWN, msg("the WAL receiver of {s} is not shown to a role without pg_monitor", s=ends.standby)
    elif receiver.status != "streaming":
        yield Status.FAIL, msg("the WAL receiver of {s} is {state}", s=ends.standby, state=receiver.status)
    elif ends.slot is not None and (receiver.slot_name or "") != ends.slot:
        yield Status.FAIL, msg("{s} receives through {has}, not {want}", s=ends.standby,
                               has=_slot(receiver.slot_name), want=_slot(ends.slot))  # fmt: skip


def _of_primary(ends: Ends, primary: ServerView | None, standby: ServerView | None) -> Iterator[tuple[Status, Message]]:
    if primary is None:
        return
    if ends.application_name is None and not ends.slot:
        yield Status.UNKNOWN, msg("which walsender is that of {s} is not known: its primary_conninfo is not shown to"
                                  " a role without pg_monitor", s=ends.standby)  # fmt: skip
        return
    rows = [each for each in primary.senders if _is(each, ends)]
    own = next((each for each in rows if ends.slot is None or (each.slot_name or "") == ends.slot), None)
    silent = "" if standby is not None else msg(", and {s} does not answer", s=ends.standby)
    if not rows:
        yield Status.FAIL, msg("{p} has no walsender for {s}{silent}", p=ends.primary, s=ends.standby, silent=silent)
    elif own is None:
        yield Status.FAIL, msg("{p} sends to {s} from {has}, not {want}", p=ends.primary, s=ends.standby,
                               has=_slot(rows[0].slot_name), want=_slot(ends.slot))  # fmt: skip
    elif own.state is None:
        yield Status.UNKNOWN, msg("the walsenders of {p} are not shown to a role without pg_monitor", p=ends.primary)
    elif own.state != "streaming":
        yield Status.FAIL, msg("the walsender for {s} on {p} is in state {state}", s=ends.standby, p=ends.primary,
                               state=own.state)  # fmt: skip


def _is(sender: SenderView, ends: Ends) -> bool:
    """By its name; by its slot where the name is not known, or not shown."""
    if ends.application_name is None or sender.application_name is None:
        return bool(ends.slot) and sender.slot_name == ends.slot
    return sender.application_name == ends.application_name


def _slot(name: str | None) -> Message:
    return msg('slot "{name}"', name=name) if name else msg("no slot")


def _from_where(ends: Ends, primary: ServerView, receiver: ReceiverView) -> Check:
    where = f"{receiver.sender_host}:{receiver.sender_port}"
    if receiver.sender_port not in {primary.port, ends.primary_port}:
        seen = msg("both ends stream through {slot}, but {s} receives from {where}, and {p} listens on {port}: a proxy,"
                   " or another server", slot=_slot(receiver.slot_name), s=ends.standby, where=where, p=ends.primary,
                   port=primary.port)  # fmt: skip
        return Check("V803", ends.standby, STREAMING, Status.WARN, seen)
    seen = msg("from {p} ({where}), through {slot}; both ends say so", p=ends.primary, where=where,
               slot=_slot(receiver.slot_name))  # fmt: skip
    return Check("V803", ends.standby, STREAMING, Status.OK, seen)


def settings(sight: Sight) -> Check:
    """The five that a standby must not have less of: below them its replay pauses, and it does not start."""
    primary, standby, ends = sight.primary, sight.standby, sight.ends
    if primary is None or standby is None:
        return unknown(sight, "V804", SETTINGS, "standby", "primary")
    faults, warnings = list(_shortages(sight, primary, standby)), list(_waiting(sight, primary, standby))
    if not faults and not warnings:
        due = any(name in primary.pending for name in MINIMUM_PARAMETERS)
        rest = (
            msg("what waits in a file for a restart is not shown to this role")
            if "files" in sight.why
            else msg("what waits for a restart of {p} is not above them", p=ends.primary)
            if due
            else msg("nothing waits for a restart")
        )
        seen = msg("the {n} minimum parameters are not below those of {p}; {rest}",
                   n=len(MINIMUM_PARAMETERS), p=ends.primary, rest=rest)  # fmt: skip
        return Check("V804", ends.standby, SETTINGS, Status.OK, seen)
    status = Status.FAIL if faults else Status.WARN
    return Check("V804", ends.standby, SETTINGS, status, several([*faults, *warnings]))


def _shortages(sight: Sight, primary: ServerView, standby: ServerView) -> Iterator[Message]:
    ends = sight.ends
    for name in MINIMUM_PARAMETERS:
        here, there = standby.value(name), primary.value(name)
        if here is None or there is None:
            continue
        coming = sight.pending.get(name)
        if int(here) < int(there):
            yield msg(
                "{name} is {here}, less than the {there} of {p}", name=name, here=here, there=there, p=ends.primary
            )
        elif coming is not None and coming.isdigit() and int(coming) < int(there):
            yield msg("{name} = {coming} waits for a restart of {s}, which will not start with less than the {there}"
                      " of {p}", name=name, coming=coming, s=ends.standby, there=there, p=ends.primary)  # fmt: skip


def _waiting(sight: Sight, primary: ServerView, standby: ServerView) -> Iterator[Message]:
    ends = sight.ends
    if standby.pending:
        yield msg("waiting for a restart of {s}: {names}", s=ends.standby, names=", ".join(standby.pending))
    for name in (name for name in MINIMUM_PARAMETERS if name in primary.pending):
        coming, here = sight.primary_pending.get(name, ""), standby.value(name)
        if not coming.isdigit() or here is None:
            yield msg("waiting for a restart of {p}, which may pause the replay of {s}: {name}", p=ends.primary,
                      s=ends.standby, name=name)  # fmt: skip
        elif int(coming) > int(here):
            yield msg("the next restart of {p} brings {name} = {coming}, and {s} has {here}: its replay would pause;"
                      " raise it on {s} first", p=ends.primary, s=ends.standby, name=name, coming=coming,
                      here=here)  # fmt: skip
