"""What was asked of the primary, and only a restart could bring."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.facts import Facts, Server, Setting
from standbyctl.domain.message import Message, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.staging import LEVELS, level, number
from standbyctl.domain.target import Target


def restart_hint(server: Server, node: str, name: str, option: str = "", first: Message | None = None) -> Message:
    """How to prepare a restart that somebody else carries out; or that it is prepared. `first`: what else would do."""
    setting = server.setting(name)
    if _raised(setting):
        way = msg(
            "{name} = {due} stands in {file} and waits for the next restart: restart {node} in a window of your own,"
            " then run this again; standbyctl never restarts a primary.",
            name=name,
            due=setting.due,
            file=setting.file or msg("a file"),
            node=node,
        )
    elif server.in_recovery:
        way = msg(
            "Raise {name} on {node} itself (ALTER SYSTEM works on a standby) and restart {node} in a window of your"
            " own, then run this again; standbyctl restarts no server. Or leave --upstream out.",
            name=name,
            node=node,
        )
    else:
        way = msg(
            "For the next restart, this writes what it takes: standbyctl plan --stage-restart{option} -p CONNINFO."
            " Restart {node} in a window of your own, then run this again; standbyctl never restarts a primary.",
            option=f" {option}" if option else "",
            node=node,
        )
    return msg("{first} {way}", first=first, way=way) if first else way


def _raised(setting: Setting) -> bool:
    if setting.name == "listen_addresses":
        return setting.due != setting.value
    rank = level if setting.name == "wal_level" else number
    return (rank(setting.due) or 0) > (rank(setting.value) or 0)


def need(server: Server, name: str) -> Need:
    """What would lift a blocker about a setting: as this very server says."""
    return Need.RESTART if server.setting(name).restart_only else Need.WAY


def due_blockers(facts: Facts, sample: Sample, target: Target) -> Iterator[Blocker]:
    """What runs would do, and what waits in a file for the next restart would not.

    A slot keeps a server from starting with less than it needs; and the copy starts with what the files say.
    """
    server, node = facts.server(target.primary), target.primary
    new = 1 if target.slot and server.slot(target.slot) is None else 0
    needed = (
        ("P102", "wal_level", LEVELS["replica"], level, "replica"),
        ("P103", "max_wal_senders", 1, number, "1"),
        ("P104", "max_replication_slots", sample.slots_in_use + new, number, str(sample.slots_in_use + new)),
    )
    for code, name, least, rank, words in needed:
        setting = server.setting(name)
        due = rank(setting.due)
        if due is None or due >= least or (rank(setting.value) or 0) < least:
            continue
        yield Blocker(
            code,
            msg("the next restart of {node} brings {name} = {due}", node=node, name=name, due=setting.due),
            msg(
                "It stands in {file}, and runs with {value} until then. With a standby {node} needs {least}: it would"
                " not start again with its slot, and the copy, which comes with its files, would not start at all.",
                file=setting.file or msg("a file"),
                value=setting.value,
                node=node,
                least=words,
            ),
            msg(
                "Take it out of that file again (ALTER SYSTEM RESET {name}, or by hand){or_stage}.",
                name=name,
                or_stage=""
                if server.in_recovery
                else msg(", or write what it takes: standbyctl plan --stage-restart -p CONNINFO"),
            ),
        )


def asked_blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
    """--wal-level, --max-wal-senders and --max-replication-slots, where what runs does not do."""
    server, node = facts.server(target.primary), target.primary
    found: list[tuple[str, str, str]] = []
    # What no standby could do with is a blocker of its own already, and says the same.
    if (level(target.wal_level) or 0) > (level(server.setting("wal_level").value) or 0) >= LEVELS["replica"]:
        found.append(("P102", "wal_level", target.wal_level))
    for code, name, least in (
        ("P103", "max_wal_senders", target.max_wal_senders),
        ("P104", "max_replication_slots", target.max_replication_slots),
    ):
        if least > int(server.setting(name).value) and (int(server.setting(name).value) or name != "max_wal_senders"):
            found.append((code, name, str(least)))
    options = " ".join(f"--{name.replace('_', '-')} {wanted}" for _, name, wanted in found)
    for code, name, wanted in found:
        now = server.setting(name).value
        yield Blocker(
            code,
            msg("{name} of {node} is {now}, asked for is {wanted}", name=name, node=node, now=now, wanted=wanted),
            msg("{name} is read at server start only: a reload changes nothing.", name=name),
            restart_hint(server, node, name, options),
            need=need(server, name),
        )
