"""Lines about what goes on around the primary: nobody's blocker, or one by evidence only."""

from __future__ import annotations

from standbyctl.domain.hba import find_place
from standbyctl.domain.message import Message, clauses, msg
from standbyctl.domain.size import format_seconds, format_size
from standbyctl.domain.survey import MANAGED, SlotUse
from standbyctl.planner.checks.line import Line, Seen, View, fine, unknown, warning

# From here on a transaction is worth a word: it holds back vacuum, and the first snapshot of a hot standby.
OLD_SECONDS = 900
_WRAPAROUND_WORRY = 100_000_000


def _rewind(view: View) -> Seen:
    if view.value("full_page_writes") == "off":
        return warning("full_page_writes is off: pg_rewind does not work, and a torn page survives a crash")
    if view.value("data_checksums") == "on":
        return fine("possible: data checksums are on")
    if view.value("wal_log_hints") == "on":
        return fine("possible: wal_log_hints is on")
    return fine("after a failover this primary would be copied anew: no data checksums, and wal_log_hints is off")


def _managed(view: View) -> Seen:
    if view.survey.managed:
        service, evidence = view.survey.managed[0]
        text = "{service} ({evidence})"
        if MANAGED in view.target.despite:
            return warning(f"{text}, overridden", service=service, evidence=evidence)
        return fine(text, service=service, evidence=evidence)
    return fine("no sign of one")


def _manager(view: View) -> Seen:
    if view.survey.managers:
        tool, evidence = view.survey.managers[0]
        if tool in view.target.despite:
            return warning("{tool} ({evidence}), overridden", tool=tool, evidence=evidence)
        return fine("{tool} ({evidence})", tool=tool, evidence=evidence)
    return fine("no sign of one")


def _archiver(view: View) -> Seen:
    archiver = view.survey.archiver
    if view.value("archive_mode") == "off":
        return fine("archive_mode is off")
    if archiver.failing:
        return warning(
            "fails on {wal}, {n} failures: pg_wal grows until it succeeds, whatever the cap says",
            wal=archiver.last_failed_wal,
            n=archiver.failures,
        )
    return fine("archive_mode is {value}; its last attempt did not fail", value=view.value("archive_mode"))


def _backups(view: View) -> Seen:
    if count := view.survey.sessions.backups:
        return warning("{n} running: two at once read everything twice", n=count)
    return fine("none running")


def _transactions(view: View) -> Seen:
    found = view.survey.sessions
    old = []
    if (found.oldest_transaction or 0) >= OLD_SECONDS:
        old.append(msg("a transaction is open for {age}", age=format_seconds(found.oldest_transaction or 0)))
    if (found.idle_in_transaction or 0) >= OLD_SECONDS:
        old.append(msg("one is idle in transaction for {age}", age=format_seconds(found.idle_in_transaction or 0)))
    if found.prepared and (found.oldest_prepared or 0) >= OLD_SECONDS:
        old.append(msg("a prepared one waits for {age}", age=format_seconds(found.oldest_prepared or 0)))
    if old:
        return warning(
            "{what}: it may delay the moment from which the standby answers, and holds back vacuum",
            what=clauses(old),
        )
    if found.prepared:
        return fine("none is old; {n} prepared", n=found.prepared)
    return fine("none is older than {age}", age=format_seconds(OLD_SECONDS))


def _others(view: View) -> Seen:
    """Slots of others: an inactive one keeps WAL for nobody."""
    others = [slot for slot in view.survey.slots if slot.name != view.target.slot]
    worry = [word for slot in others if (word := _worry(slot))]
    if worry:
        return warning("{what}", what=clauses(worry))
    return fine("{n}, all in use", n=len(others)) if others else fine("none")


def _worry(slot: SlotUse) -> Message | None:
    if slot.wal_status == "lost":
        return msg("{name} is lost", name=slot.name)
    if (slot.xmin_age or 0) > _WRAPAROUND_WORRY:
        return msg("{name} holds back vacuum by {n} transactions", name=slot.name, n=slot.xmin_age)
    if slot.active or slot.held_bytes is None:
        return None
    idle = msg(" for {age}", age=format_seconds(slot.idle_seconds)) if slot.idle_seconds else msg("")
    return msg(
        "nobody reads {name}{idle}, and it keeps {held}", name=slot.name, idle=idle, held=format_size(slot.held_bytes)
    )


def _wal_rate(view: View) -> Seen:
    forecast, wal = view.forecast, view.survey.wal
    if wal.rate_bytes is None:
        return unknown("not known how fast WAL is written")
    rate = format_size(wal.rate_bytes)
    if forecast.catches_up is False:
        return warning(
            "{rate}/s is written, {link}/s goes over: the standby would never catch up",
            rate=rate,
            link=format_size(forecast.link_bytes or 0),
        )
    if forecast.slot_survives is False:
        return warning(
            "{rate}/s makes {wal} during the copy, and {keeps} are kept: the slot would be lost before its end",
            msg("--wal-cap, --max-rate"),
            rate=rate,
            wal=format_size(forecast.wal_bytes or 0),
            keeps=format_size(forecast.keeps_bytes or 0),
        )
    if forecast.lasts_seconds is None:
        return fine("{rate}/s", rate=rate)
    return fine(
        "{rate}/s; with the standby away {keeps} last {age}",
        rate=rate,
        keeps=format_size(forecast.keeps_bytes or 0),
        age=format_seconds(forecast.lasts_seconds),
    )


def _idle_timeout(view: View) -> Seen:
    setting = view.survey.setting("idle_replication_slot_timeout")
    if setting is None or setting.value == "0":
        return fine("slots live however long they are idle")
    return warning("a standby that is away for {age} loses its slot", age=format_seconds(float(setting.value)))


def _logical(view: View) -> Seen:
    slots = [slot for slot in view.survey.slots if slot.slot_type == "logical"]
    stay = [slot.name for slot in slots if not slot.failover]
    if stay:
        return warning("{names}: not on the standby after a failover", names=", ".join(stay))
    if slots:
        return fine("{n}, with failover", n=len(slots))
    if view.survey.publications:
        return fine("none; {n} publications come with the copy", n=view.survey.publications)
    return fine("none")


def _unlogged(view: View) -> Seen:
    if count := view.survey.unlogged:
        return warning("{n} in database {name}: empty on the standby", n=count, name=view.survey.database)
    return fine("none in database {name}", name=view.survey.database)


def _sender_timeout(view: View) -> Seen:
    milliseconds = int(view.value("wal_sender_timeout") or 0)
    if milliseconds == 0:
        return warning("0: a standby that is gone without a word is never noticed")
    return fine("{age}", age=format_seconds(milliseconds / 1000))


def _tls(view: View) -> Seen:
    if view.target.tunnel.used:
        return fine("{value}; the connection goes through ssh", value=view.value("ssl") or "off")
    near = view.target.source_address in {"127.0.0.1", "::1"}
    value = view.value("ssl") or "off"
    if value == "on" and view.target.sslmode:
        return fine("on; the standby connects with sslmode {mode}", mode=view.target.sslmode)
    if value == "on" or near:
        return (
            fine("{value}; the connection stays on this machine", value=value) if near else fine("{value}", value=value)
        )
    return warning("off: WAL goes over the network in the clear")


def _collations(view: View) -> Seen:
    if found := view.survey.collations:
        words = ", ".join(f"{each.database} {each.recorded} -> {each.actual}" for each in found)
        return warning("recorded with another version than the library has: {words}; REINDEX first", words=words)
    if not view.survey.collations_recorded:
        if view.survey.likeness:
            return fine("versions are not recorded; of the two hosts, see P215")
        return fine("versions are not recorded; the standby uses the same libraries, on the same machine")
    return fine("as recorded")


def _readable(view: View) -> Seen:
    if found := view.survey.unreadable:
        return fine("not readable by the server's user: {paths}", paths=", ".join(found))
    if not view.survey.files_seen:
        return unknown("not seen: this is not the server's user")
    return fine("the server's user can read them")


def _checkpoint(view: View) -> Seen:
    if view.target.copy_from:
        return fine("a restartpoint on {node}; none here", node=view.target.copy_from)
    if view.target.from_restored:
        return fine("none: nothing is copied")
    if view.target.checkpoint == "fast":
        return fine("at once (--checkpoint fast): a burst of writes")
    seconds = float(view.value("checkpoint_timeout") or 0) * float(view.value("checkpoint_completion_target") or 0)
    return fine("spread: up to {age} before the first byte", age=format_seconds(seconds))


def _source(view: View) -> Seen:
    target, seen = view.target, view.sample.source
    if target.from_restored:
        return fine("{path}, as it is", path=target.data_directory)
    if not target.copy_from:
        return fine("{node} itself", node=target.primary)
    if seen is None:
        return fine("{node} is not needed: no copy is to be made", node=target.copy_from)
    where = f"{target.copy_from} ({target.copy_host}:{target.copy_port})"
    sender = seen.sender or msg("nobody")
    backlog = "-" if seen.backlog_bytes is None else format_size(seen.backlog_bytes)
    if seen.paused:
        return warning("{where}: replay is paused, and the copy waits until it goes on", where=where)
    delay = seen.server.setting("recovery_min_apply_delay").value
    if delay not in {"", "0"}:
        return warning("{where} lags by {age} on purpose, and the copy waits", where=where, age=f"{delay} ms")
    hba, address = seen.server.hba, seen.address or target.copy_host
    if doubtful := find_place(hba.rules, hba.path, target.role, address, tls=target.tls).doubtful:
        return warning(
            "{where}: whether line {n} of its pg_hba.conf lets in is seen then", where=where, n=doubtful.line
        )
    return fine("{where}, streams from {sender}, {n} to replay", where=where, sender=sender, n=backlog)


def _direct(_: View) -> Seen:
    return fine("the session is the server's own: no pooler between")


LINES = (
    Line("P109", msg("pg_rewind"), _rewind),
    Line("P117", msg("managed service"), _managed),
    Line("P118", msg("cluster manager"), _manager),
    Line("P121", msg("archiver"), _archiver),
    Line("P122", msg("base backups"), _backups),
    Line("P123", msg("transactions"), _transactions),
    Line("P124", msg("other slots"), _others),
    Line("P125", msg("WAL rate"), _wal_rate),
    Line("P126", msg("idle slots"), _idle_timeout),
    Line("P127", msg("logical slots"), _logical),
    Line("P128", msg("unlogged tables"), _unlogged),
    Line("P129", msg("wal_sender_timeout"), _sender_timeout),
    Line("P130", msg("TLS"), _tls),
    Line("P132", msg("collations"), _collations),
    Line("P133", msg("files"), _readable),
    Line("P134", msg("checkpoint"), _checkpoint),
    Line("P135", msg("connection"), _direct),
    Line("P137", msg("source of the copy"), _source),
)
