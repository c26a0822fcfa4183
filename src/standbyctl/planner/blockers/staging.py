"""Why something is not staged for the next restart, or what was staged is not taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.facts import Facts, Server, Setting
from standbyctl.domain.message import Message, msg
from standbyctl.domain.rights import grants
from standbyctl.domain.sample import Sample
from standbyctl.domain.staging import StagedSetting, Staging, level, number, unheard
from standbyctl.domain.version import SUPPORTED_MAJORS, major, version_text

# All processes of a server together (MAX_BACKENDS); some are the server's own.
_MOST_PROCESSES = 262143
_OWN_PROCESSES = 64
ORIGINS_OF_THEIR_OWN = 18  # max_active_replication_origins
OVERRIDING = ("command line", "environment variable")


def kind_blockers(facts: Facts, node: str) -> Iterator[Blocker]:
    """Not a primary of ours to prepare."""
    server = facts.server(node)
    if major(server.version_num) not in SUPPORTED_MAJORS:
        yield Blocker(
            "P101",
            msg("PostgreSQL {major}: not yet", major=major(server.version_num)),
            msg("{node} runs PostgreSQL {v}.", node=node, v=version_text(server.version_num)),
            msg("This release works with PostgreSQL {majors}.", majors=", ".join(map(str, SUPPORTED_MAJORS))),
            need=Need.IMPOSSIBLE,
        )
    if server.in_recovery:
        yield Blocker(
            "P111",
            msg("{node} is a standby itself", node=node),
            msg("pg_is_in_recovery() is true there; it must not have less than its primary."),
            msg("Give the conninfo of its primary with -p."),
        )
    if server.has("allow_alter_system") and server.setting("allow_alter_system").value == "off":
        yield Blocker(
            "P115",
            msg("{node} does not allow ALTER SYSTEM", node=node),
            msg("allow_alter_system is off: its settings are kept elsewhere."),
            msg("Put the values there, then restart {node} in a window of your own.", node=node),
        )


def stage_blockers(
    facts: Facts, asked: Staging, settings: tuple[StagedSetting, ...], ours: Mapping[str, set[str]]
) -> Iterator[Blocker]:
    """Every reason at once."""
    server, node = facts.server(asked.primary), asked.primary
    yield from bound_blockers(server, asked)
    if not settings:
        return
    yield from kind_blockers(facts, node)
    if server.fault:
        yield Blocker(
            "P114",
            msg("the configuration files of {node} have an error", node=node),
            msg("{fault}. The next restart would fail, whatever is staged.", fault=server.fault),
            msg("Mend it first (SELECT * FROM pg_file_settings WHERE error IS NOT NULL)."),
        )
    yield from _rights(server, node, settings)
    for each in settings:
        setting = server.setting(each.name)
        if setting.source in OVERRIDING:
            yield Blocker(
                "S305",
                msg("{name} is given on the command line of {node}", name=each.name, node=node),
                msg("That overrides every file: what is staged would not come into force."),
                msg("Change how {node} is started: there it says {value} now.", node=node, value=setting.value or "''"),
            )
        if setting.due != setting.value and setting.due not in ours.get(each.name, set()):
            yield _somebody_elses(setting, each, node)


def _rights(server: Server, node: str, settings: tuple[StagedSetting, ...]) -> Iterator[Blocker]:
    """All or nothing: half of it would be refused by the server when the other half is written."""
    lacks = [each.name for each in settings if not server.setting(each.name).alterable]
    if lacks:
        yield Blocker(
            "P116",
            msg("the role {user} lacks rights on {node}", user=server.user, node=node),
            msg("It is no superuser, and may not: set {names}.", names=", ".join(lacks)),
            msg("Connect as a superuser, or have one run:").followed_by(
                grants((f"alter {name}" for name in lacks), server.user, major(server.version_num))
            ),
        )


def _somebody_elses(setting: Setting, each: StagedSetting, node: str) -> Blocker:
    return Blocker(
        "S302",
        msg("{name} of {node} is set to change at the next restart already", name=setting.name, node=node),
        msg(
            "{file} says {due}, {now} is in force; wanted is {value}. What others have set is not overwritten.",
            file=setting.file or msg("A file"),
            due=setting.due or "''",
            now=setting.value or "''",
            value=each.value,
        ),
        msg("Agree with whoever wrote that, and change it there (in postgresql.auto.conf: ALTER SYSTEM RESET {name}).",
            name=setting.name),
    )  # fmt: skip


def bound_blockers(server: Server, asked: Staging) -> Iterator[Blocker]:
    """Less than what runs, or more than the server can start with."""
    if asked.wal_level and (level(asked.wal_level) or 0) < (level(server.setting("wal_level").value) or 0):
        yield Blocker(
            "S304",
            msg("wal_level is not lowered"),
            msg(
                "{now} is in force on {node}, asked for is {asked}: a slot or subscriber that needs more would keep"
                " the server from starting.",
                now=server.setting("wal_level").value,
                node=asked.primary,
                asked=asked.wal_level,
            ),
            msg("Leave --wal-level out."),
        )
    listens = server.setting("listen_addresses").value
    if asked.listen_addresses and (lost := unheard(listens, asked.listen_addresses)):
        yield Blocker(
            "S304",
            msg("listen_addresses is not narrowed"),
            msg(
                "{node} listens on {now}; with {asked}, whoever connects by {lost} would find nobody.",
                node=asked.primary,
                now=listens,
                asked=asked.listen_addresses,
                lost=", ".join(lost),
            ),
            msg("Give a list that has these too: --listen-addresses '{now}'", now=listens)
            if "*" in lost
            else msg(
                "Give a list that has these too: --listen-addresses '{now}, {asked}'",
                now=", ".join(lost),
                asked=asked.listen_addresses,
            ),
        )
    for name, wanted in (
        ("max_wal_senders", asked.max_wal_senders),
        ("max_replication_slots", asked.max_replication_slots),
    ):
        option = f"--{name.replace('_', '-')}"
        running, most = int(server.setting(name).value), _most(server, name)
        if wanted and wanted < running:
            yield Blocker(
                "S304",
                msg("{name} is not lowered", name=name),
                msg("{now} is in force on {node}, asked for is {n}.", now=running, node=asked.primary, n=wanted),
                msg("Give {option} {now} or more, or leave it out.", option=option, now=running),
            )
        elif wanted > most:
            yield Blocker(
                "S304",
                msg("{name} = {n} is more than {node} can start with", name=name, n=wanted, node=asked.primary),
                msg("At most {most}, beside its other processes.", most=most),
                msg("Give {option} {most} or less.", option=option, most=most),
            )


def _most(server: Server, name: str) -> int:
    most = number(server.setting(name).most) or _MOST_PROCESSES
    if name != "max_wal_senders":
        return most
    # Since 18 the number of autovacuum's processes is that of its slots.
    autovacuum = "autovacuum_worker_slots" if server.has("autovacuum_worker_slots") else "autovacuum_max_workers"
    others = ("max_connections", "max_worker_processes", autovacuum)
    taken = sum(number(server.setting(other).due) or 0 for other in others if server.has(other))
    return min(most, _MOST_PROCESSES - _OWN_PROCESSES - taken)


def in_use_blockers(
    facts: Facts, sample: Sample, node: str, given_back: Mapping[str, StagedSetting], attached: tuple[str, ...] = ()
) -> Iterator[Blocker]:
    """What came into force and is relied upon: the server would not start without it, or lose its standbys.

    `attached`: those that were attached from here, whether or not they stream at the moment.
    """
    server = facts.server(node)
    away = tuple(name for name in attached if name not in sample.streams)

    def kept(name: str, why: Message) -> Blocker:
        return Blocker(
            "S307",
            msg("{name} = {value} of {node} is in use", name=name, value=server.setting(name).value, node=node),
            msg("{why} It would be {to} after the next restart.", why=why, to=given_back[name].running),
            msg("Detach what needs it first; or keep it: it harms nobody."),
            refused=True,
        )

    if "wal_level" in given_back:
        senders = given_back.get("max_wal_senders")
        left = number(senders.running if senders else server.setting("max_wal_senders").due)
        if why := _needs_level(server, sample, level(given_back["wal_level"].running) or 0, left or 0, away):
            yield kept("wal_level", why)
    senders_after = number(given_back["max_wal_senders"].running) if "max_wal_senders" in given_back else None
    if senders_after is not None and sample.wal_senders_in_use + len(away) > senders_after:
        used = msg("{n} are connected.", n=sample.wal_senders_in_use)
        yield kept("max_wal_senders", msg("{used} {away}", used=used, away=_away(away)) if away else used)
    slots_after = number(given_back["max_replication_slots"].running) if "max_replication_slots" in given_back else None
    if slots_after is not None and len(server.slots) > slots_after:
        yield kept(
            "max_replication_slots",
            msg("With fewer the server does not start while slots exist: {names}.", names=_names(server)),
        )
    if slots_after is not None and (origins := origins_held(server, sample)) > slots_after:
        yield kept(
            "max_replication_slots",
            msg("With fewer the server does not start while replication origins exist: {n}.", n=origins),
        )


def origins_held(server: Server, sample: Sample) -> int:
    """How many origins may have progress on disk, which takes a place each at start, up to 17 of these ones."""
    if major(server.version_num) >= ORIGINS_OF_THEIR_OWN:
        return 0
    return min(sample.origins, number(server.setting("max_replication_slots").value) or 0)


def _away(names: tuple[str, ...]) -> Message:
    return msg("Attached from here, and away for the moment: {names}.", names=", ".join(names))


def _needs_level(server: Server, sample: Sample, to: int, senders: int, away: tuple[str, ...]) -> Message | None:
    """Why a server would not start, or not do what it does, with a lower wal_level (all versions)."""
    if to >= 1:
        logical = ", ".join(slot.name for slot in server.slots if slot.slot_type == "logical")
        return msg("Logical slots need it: {names}.", names=logical) if to == 1 and logical else None
    if server.slots:
        return msg("With less than replica the server does not start while slots exist: {n}.", n=_names(server))
    if sample.wal_senders_in_use:
        return msg("A standby or a copy streams.")
    if away:
        return msg("{away} With wal_level minimal they would be lost.", away=_away(away))
    if senders:
        return msg("max_wal_senders stays {n}: with wal_level minimal the server would not start.", n=senders)
    for name, off in (("archive_mode", "off"), ("summarize_wal", "off")):
        if server.has(name) and server.setting(name).due != off:
            return msg("{name} is on: with wal_level minimal the server would not start.", name=name)
    return None


def _names(server: Server) -> str:
    return ", ".join(slot.name for slot in server.slots)
