"""Lines about the primary that a plan rests on: what a blocker or a step may be about."""

from __future__ import annotations

from standbyctl.domain.check import Status
from standbyctl.domain.facts import Setting
from standbyctl.domain.hba import find_place
from standbyctl.domain.message import Message, clauses, listed, msg
from standbyctl.domain.size import format_size
from standbyctl.domain.version import END_OF_LIFE, major, version_text
from standbyctl.planner.blockers.capacity import needed_senders
from standbyctl.planner.blockers.primary import source_words
from standbyctl.planner.checks.line import Line, Seen, View, fine, unknown, warning
from standbyctl.planner.parameters import parameters_of
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.role import CreateRole, ProvidePassfile
from standbyctl.steps.setting import WAL_KEEP, Alteration
from standbyctl.steps.slot import CAP


def _version(view: View) -> Seen:
    number = view.server.version_num
    there, here = version_text(number), version_text(view.place.bin_version_num)
    ends = END_OF_LIFE.get(major(number), "")
    if ends and view.survey.today > ends:
        return warning("{there}, past its end of life since {ends}; here {here}", there=there, ends=ends, here=here)
    return fine("{there}; here {here} (the same major is required)", there=there, here=here)


def _wal_level(view: View) -> Seen:
    return fine("{value}; streaming needs replica", value=view.value("wal_level"))


def _senders(view: View) -> Seen:
    total, used = view.value("max_wal_senders"), view.sample.wal_senders_in_use
    if view.target.copy_from:
        return fine("{total}, {used} in use; the standby needs 1", total=total, used=used)
    return fine(
        "{total}, {used} in use; the copy needs {needs}, afterwards the standby 1",
        total=total,
        used=used,
        needs=needed_senders(view.target),
    )


def _slots(view: View) -> Seen:
    total, used = view.value("max_replication_slots"), view.sample.slots_in_use
    if not view.target.slot:
        return fine("{total}, {used} in use; none is asked for (--no-slot)", total=total, used=used)
    return fine("{total}, {used} in use", total=total, used=used)


def _listens(view: View) -> Seen:
    value, target = view.value("listen_addresses") or "''", view.target
    if not view.sample.reachable:
        return fine("{value}: not reached by TCP", value=value)
    if target.tunnel.used:
        return fine("{value}; reached by way of a tunnel", value=value)
    where = f"{target.primary_host}:{target.primary_port}"
    if target.own_address:
        return fine(
            "{value}; reached at {where}, which sees {own} as {seen} (address translation)",
            value=value, where=where, own=target.own_address, seen=target.source_address,
        )  # fmt: skip
    return fine("{value}; reached at {where}", value=value, where=where)


def _hba(view: View) -> Seen:
    hba, target = view.server.hba, view.target
    if view.place.upstream or view.place.admitted:
        return fine("{role} gets in from {source}", role=target.role, source=target.source_address)
    found = find_place(hba.rules, hba.path, target.role, target.source_address, tls=target.tls)
    if found.admits:
        return fine(
            "line {n} admits {role} from {source}", n=found.admits.line, role=target.role, source=target.source_address
        )
    if not hba.loaded:
        return warning("{path} was changed and not reloaded: our reload puts that into force too", path=hba.path)
    return fine("no rule admits {role} from {source}", role=target.role, source=target.source_address)


def _role(view: View) -> Seen:
    role = view.server.role(view.target.role)
    if role is None:
        return fine("{role} is not there", role=view.target.role)
    if role.made_for == view.target.name:
        return fine("{role}, made for {name}", role=role.name, name=role.made_for)
    lacks = [
        word
        for word, has_it in (("LOGIN", role.login), ("REPLICATION", role.replication or role.superuser))
        if not has_it
    ]
    if lacks:
        return fine("{role} exists, without {lacks}", role=role.name, lacks=" and ".join(lacks))
    if role.superuser:
        return fine("{role} exists, a superuser", role=role.name)
    return fine("{role} exists, with LOGIN and REPLICATION", role=role.name)


def _cap(view: View) -> Seen:
    value = view.value(CAP)
    if not view.target.slot:
        return fine("no slot to cap; wal_keep_size keeps {kept}", kept=format_size(int(view.value(WAL_KEEP)) << 20))
    if value == "-1":
        free = view.sample.wal_free_bytes
        room = format_size(free) if free is not None else "?"
        seen = msg("no limit: a dead standby would fill pg_wal ({room} free)", room=room)
        dealt = any(CAP in parameters_of(step) for step in view.steps) or any(b.code == "P108" for b in view.blockers)
        return Seen(seen, Status.OK if dealt else Status.WARN)
    return fine("{cap}", cap=format_size(int(value) << 20))


def _asynchronous(view: View) -> Seen:
    names = view.value("synchronous_standby_names")
    if not names:
        return fine("synchronous_standby_names is empty: commits do not wait")
    return fine("synchronous_standby_names = '{names}'", names=names)


def _primary(view: View) -> Seen:
    if view.target.head and view.server.in_recovery:
        return fine("a standby of {head}, timeline {n}", head=view.target.head, n=view.server.timeline)
    if view.server.in_recovery:
        return fine("a standby itself (in recovery)")
    return fine("a primary, timeline {n}", n=view.server.timeline)


def _config(view: View) -> Seen:
    home = view.value("data_directory")
    outside = [path for path in view.server.config_sources if not path.startswith(f"{home}/")]
    if outside:
        return fine("outside the data directory: {paths}", paths=listed(map(source_words, outside)))
    return fine("all of it in the data directory")


def _tablespaces(view: View) -> Seen:
    return fine(
        "{names}",
        names=listed(msg("{name} in {path}", name=each.name, path=each.location) for each in view.server.tablespaces)
        if view.server.tablespaces
        else msg("none"),
    )


def _files(view: View) -> Seen:
    if view.server.fault:
        return warning("{fault}: the next reload and restart are refused", fault=view.server.fault)
    return fine("parse without an error")


def _alter_system(view: View) -> Seen:
    return fine("not allowed") if view.value("allow_alter_system") == "off" else fine("allowed")


def _rights(view: View) -> Seen:
    if view.survey.superuser:
        return fine("superuser")
    if any(blocker.code == "P116" for blocker in view.blockers):
        return fine("no superuser")
    return fine("no superuser, with the rights that attach needs")


def _foreign(view: View) -> Seen:
    """Files that somebody else writes, and settings of ours that stand in one: what is changed by hand comes back."""
    found: list[Message] = [
        msg("{path} carries a mark of {who}", path=path, who=who) for who, path in view.survey.foreign_files
    ]
    main = f"{view.value('data_directory')}/postgresql.conf"
    auto = f"{view.value('data_directory')}/postgresql.auto.conf"
    found += [
        msg("{name} stands in {path}, and ALTER SYSTEM would override it", name=setting.name, path=setting.file)
        for setting in _ours(view)
        if setting.file not in {"", main, auto}
    ]
    if not found:
        return fine("no file says that somebody else writes it")
    return warning("{what}", msg("--settings print, --hba wait"), what=clauses(found))


def _ours(view: View) -> list[Setting]:
    altered = (step.change.parameter for step in view.steps if isinstance(step, Alteration))
    return [view.server.setting(name) for name in altered]


def _pending(view: View) -> Seen:
    if not view.survey.pending:
        return fine("nothing waits for a restart")
    words = listed(
        msg("{name} {a} -> {b}", name=each.name, a=each.value, b=each.in_file or msg("default"))
        for each in view.survey.pending
    )
    return warning("the next restart of {node} brings: {words}", node=view.target.primary, words=words)


def _room(view: View) -> Seen:
    free, held = view.sample.wal_free_bytes, view.survey.wal_directory_bytes
    if free is None:
        return unknown("not known from here")
    return fine("{free} free; pg_wal holds {held}", free=format_size(free), held=format_size(held or 0))


LINES = (
    Line("P101", msg("version"), _version),
    Line("P102", msg("wal_level"), _wal_level),
    Line("P103", msg("max_wal_senders"), _senders),
    Line("P104", msg("replication slots"), _slots),
    Line("P105", msg("listen_addresses"), _listens),
    Line("P106", msg("pg_hba.conf"), _hba, (AdmitReplication,)),
    Line("P107", msg("role"), _role, (CreateRole, ProvidePassfile)),
    Line("P108", msg("cap on slots"), _cap, parameters=(CAP, WAL_KEEP)),
    Line("P110", msg("asynchronous"), _asynchronous),
    Line("P111", msg("role of the server"), _primary),
    Line("P112", msg("configuration"), _config),
    Line("P113", msg("tablespaces"), _tablespaces),
    Line("P114", msg("configuration files"), _files),
    Line("P115", msg("ALTER SYSTEM"), _alter_system),
    Line("P116", msg("rights"), _rights),
    Line("P119", msg("who writes files"), _foreign),
    Line("P120", msg("pending restart"), _pending),
    Line("P136", msg("room for WAL"), _room),
)
