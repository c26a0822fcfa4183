"""What a standby lives on: its slot, its password, its collations, its pages. V805 to V807, V811 and V812."""

from __future__ import annotations

from standbyctl.diagnosis.copies import unknown
from standbyctl.diagnosis.sight import Sight
from standbyctl.domain.check import Check, Status
from standbyctl.domain.conf import entry_fits
from standbyctl.domain.message import Message, clauses, listed, msg
from standbyctl.domain.replication import Collation, PassfileView, SlotView, Upstream
from standbyctl.domain.size import format_seconds, format_size

SLOT = msg("slot and cap")
PASSFILE = msg("passfile")
COLLATIONS = msg("collations")
INDEXES = msg("indexes (amcheck)")
PAGES = msg("page checksums")
_LEAST_SEGMENTS = 3
_LEAST_SHARE = 5
_NAMED = 3


def slot(sight: Sight) -> Check:
    """Active, its WAL there, and a cap: without one a dead standby fills the primary's disk."""
    primary, ends = sight.primary, sight.ends

    def check(status: Status, seen: Message) -> Check:
        return Check("V805", ends.primary, SLOT, status, seen)

    if primary is None or ends.slot is None:
        known = unknown(sight, "V805", SLOT, "primary" if primary is None else "slot")
        return check(Status.UNKNOWN, known.seen)
    if not ends.slot:
        return check(
            Status.WARN,
            msg("{s} uses no slot: {p} keeps no WAL for it while it is away", s=ends.standby, p=ends.primary),
        )
    found = next((each for each in primary.slots if each.name == ends.slot), None)
    if found is None:
        return check(Status.FAIL, msg('there is no slot "{slot}"', slot=ends.slot))
    if found.wal_status == "lost":
        return check(Status.FAIL, msg('"{slot}" is lost: its WAL is gone', slot=ends.slot))
    if not found.active:
        held = _size(found.retained_bytes)
        return check(Status.FAIL, msg('"{slot}" is not active; it holds {held} of WAL', slot=ends.slot, held=held))
    return check(*_cap(found, primary.value("max_slot_wal_keep_size"), primary.value("wal_segment_size")))


def _cap(found: SlotView, cap: str | None, segment: str | None) -> tuple[Status, Message]:
    told = {"slot": found.name, "status": found.wal_status or "-", "held": _size(found.retained_bytes)}
    if cap is None:
        return Status.UNKNOWN, msg('"{slot}" is active, {status}; max_slot_wal_keep_size is not shown', **told)
    if int(cap) < 0:
        return Status.WARN, msg(
            '"{slot}" is active, {status}; no cap (max_slot_wal_keep_size = -1): a dead standby fills the disk', **told
        )
    size, left = int(cap) << 20, found.safe_bytes
    told |= {"cap": format_size(size), "left": _size(left)}
    least = max(size // _LEAST_SHARE, _LEAST_SEGMENTS * int(segment or 0))
    # With a tiny cap three segments are all there is.
    if found.wal_status == "unreserved" or (left is not None and left < min(least, size // 2)):
        return Status.WARN, msg('"{slot}" is active, {status}, and holds {held}: {left} until the cap of {cap}', **told)
    if left is None:
        return Status.UNKNOWN, msg('"{slot}" is active, {status}; cap {cap}; how much is left is not shown', **told)
    return Status.OK, msg('"{slot}" is active, {status}; cap {cap}, {left} left', **told)


def _size(size_bytes: int | None) -> str:
    return "-" if size_bytes is None else format_size(size_bytes)


def passfile(sight: Sight) -> Check:
    """Whether libpq would find the password at the next connection: a stream that runs needs it no more."""
    ends, upstream, seen = sight.ends, sight.upstream, sight.passfile

    def check(status: Status, words: Message) -> Check:
        return Check("V806", ends.standby, PASSFILE, status, words)

    if upstream is None:
        return unknown(sight, "V806", PASSFILE, "upstream", "standby")
    if upstream.password:
        return check(
            Status.WARN,
            msg("the password stands in primary_conninfo, where every member of pg_monitor can read it"),
        )
    if not upstream.passfile:
        return check(Status.UNKNOWN, msg("primary_conninfo names none: what else lets it in was not looked at"))
    if seen is None:
        return unknown(sight, "V806", PASSFILE, "passfile")
    fault = _fault(seen, upstream)
    if fault is not None:
        return check(Status.FAIL, fault)
    return check(
        Status.OK,
        msg("{path}, mode {mode}, read by {user}, has a line that fits", path=seen.path, mode=f"0{seen.mode}",
            user=seen.user),
    )  # fmt: skip


def _fault(seen: PassfileView, upstream: Upstream) -> Message | None:
    if not seen.present:
        return msg("{path} is not there: the next connection fails", path=seen.path)
    if int(seen.mode or "0", 8) & 0o077:
        return msg("{path} has mode {mode}: libpq ignores it, and the next connection fails", path=seen.path,
                   mode=f"0{seen.mode}")  # fmt: skip
    if not seen.readable:
        return msg("{path} cannot be read by {user}: the next connection fails", path=seen.path, user=seen.user)
    hosts, ports = upstream.host.split(","), (upstream.port or "5432").split(",")
    ends = zip(hosts, ports * len(hosts), strict=False)
    # libpq looks a Unix socket up as localhost, where that is its default directory; either will do here.
    wanted = [
        (name, port)
        for host, port in ends
        for name in ({host} if host[:1] not in {"", "/", "@"} else {host, "localhost"})
    ]
    if not any(entry_fits(entry, host, port, upstream.user) for entry in seen.entries for host, port in wanted):
        return msg("{path} has no line for {host}:{port}, database replication, user {user}", path=seen.path,
                   host=upstream.host, port=upstream.port or "5432", user=upstream.user)  # fmt: skip
    return None


def collations(sight: Sight) -> Check:
    """Another library sorts otherwise: indexes on text, copied byte by byte, then miss rows."""
    ends, found = sight.ends, sight.collations
    if found is None:
        return unknown(sight, "V807", COLLATIONS, "collations", "standby")
    differ = [each for each in found.databases if each.recorded and each.actual and each.recorded != each.actual]
    if (differ or found.objects) and sight.primary_collations is None:
        why = unknown(sight, "V807", COLLATIONS, "primary_collations", "primary").seen
        named = listed([*map(_differs, differ), *found.objects][:_NAMED])
        told = {"s": ends.standby, "p": ends.primary, "named": named, "why": why}
        seen = msg("made with another version than {s} has: {named}; whether {p} has another too: {why}", **told)
        return Check("V807", ends.standby, COLLATIONS, Status.UNKNOWN, seen)
    there = {each.name: each.actual for each in (sight.primary_collations or found).databases}
    # The same on the primary: its indexes are in doubt too, and the standby is a true copy of that.
    strange = [each for each in differ if there.get(each.name) != each.actual]
    silent = [each.name for each in found.databases if not _plain(each) and not (each.recorded and each.actual)]
    named = listed(_differs(each) for each in (strange or differ)[:_NAMED])
    if strange or (found.objects and not differ):
        objects = ", ".join(found.objects[:_NAMED])
        seen = (
            msg("made with another version than {s} has: {named}; text indexes there may miss rows", s=ends.standby,
                named=named)
            if strange
            else msg("collations of {db} were made with another version than {s} has: {names}", db=found.connected,
                     s=ends.standby, names=objects)
        )  # fmt: skip
        return Check("V807", ends.standby, COLLATIONS, Status.FAIL, seen)
    if differ:
        seen = msg("as on {p}, and there too made with another version: {named}", p=ends.primary, named=named)
        return Check("V807", ends.standby, COLLATIONS, Status.WARN, seen)
    if silent:
        seen = msg("no version is recorded for: {names}", names=", ".join(silent[:_NAMED]))
        return Check("V807", ends.standby, COLLATIONS, Status.UNKNOWN, seen)
    n = len(found.databases)
    return Check("V807", ends.standby, COLLATIONS, Status.OK, msg("{n} databases, each as it was made", n=n))


def _plain(each: Collation) -> bool:
    return each.collate in {"C", "POSIX", "C.UTF-8", "C.UTF8", "PG_C_UTF8", "PG_UNICODE_FAST", "ucs_basic"}


def _differs(each: Collation) -> Message:
    return msg(
        "{name} ({collate} {recorded}, here {actual})",
        name=each.name,
        collate=each.collate,
        recorded=each.recorded,
        actual=each.actual,
    )


def indexes(sight: Sight) -> Check:
    """What amcheck says, and how much of it there was time for."""
    ends, found = sight.ends, sight.indexes

    def check(status: Status, seen: Message) -> Check:
        return Check("V811", ends.standby, INDEXES, status, seen)

    if found is None:
        return unknown(sight, "V811", INDEXES, "indexes", "standby")
    if found.broken:
        return check(Status.FAIL, msg("damaged: {names}", names="; ".join(found.broken[:_NAMED])))
    if found.unreached:
        return check(Status.UNKNOWN, msg("could not be asked: {names}", names="; ".join(found.unreached[:_NAMED])))
    if not found.with_amcheck:
        return check(Status.UNKNOWN, msg("amcheck is in no database, and is never installed by standbyctl"))
    told = {
        "n": found.checked,
        "total": found.total,
        "took": format_seconds(found.seconds),
        "dbs": ", ".join(found.with_amcheck),
        "rest": msg("; not in: {names}", names=", ".join(found.without)) if found.without else "",
    }
    if found.denied:
        return check(Status.UNKNOWN, msg("no right to check in: {names}; {n} of {total} B-tree indexes sound{rest}",
                                         names=", ".join(found.denied), **told))  # fmt: skip
    if found.skipped or found.out_of_time or found.checked < found.total:
        told["over"] = msg(", then the time was up ({took})", took=told["took"]) if found.out_of_time else ""
        told["names"] = ", ".join(found.skipped[:_NAMED])
        told["more"] = msg("; could not be checked: {names}", names=told["names"]) if found.skipped else ""
        seen = msg("{n} of {total} B-tree indexes of {dbs} sound{over}{more}{rest}", **told)
        return check(Status.WARN if found.checked else Status.UNKNOWN, seen)
    return check(Status.OK, msg("{n} B-tree indexes of {dbs} sound, in {took}{rest}", **told))


def pages(sight: Sight) -> Check:
    """What both have met of damaged pages since their statistics were last reset. They only see what is read."""
    primary, standby, ends = sight.primary, sight.standby, sight.ends
    if primary is None or standby is None:
        return unknown(sight, "V812", PAGES, "standby", "primary")
    damage = [(ends.primary, each) for each in primary.damage] + [(ends.standby, each) for each in standby.damage]
    if damage:
        named = clauses(
            msg("{node}: {name} {n}", node=node, name=each.database or msg("shared"), n=each.failures)
            for node, each in damage[:_NAMED]
        )
        return Check("V812", ends.standby, PAGES, Status.FAIL, msg("failures counted: {named}", named=named))
    if primary.value("data_checksums") != "on" or standby.value("data_checksums") != "on":
        return Check("V812", ends.standby, PAGES, Status.WARN, msg("data_checksums is off: damage would go unnoticed"))
    return Check(
        "V812", ends.standby, PAGES, Status.OK, msg("on; no failure counted on either, of the pages read so far")
    )
