"""What every server of a cluster is now, from its host and from itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.facts import Facts, Node
from standbyctl.domain.member import Member, Power
from standbyctl.domain.roles import RoleChange, Seat
from standbyctl.domain.switching import Around, RoleSample, Sender, SlotUse
from standbyctl.nodes.ports import Doors
from standbyctl.observe.following import stopped_timeline
from standbyctl.observe.hosts import Part, ask_hosts
from standbyctl.observe.texts import text

ANSWER_SECONDS = 5.0


def look_at_members(doors: Doors, change: RoleChange, silent: frozenset[str] = frozenset()) -> tuple[Facts, RoleSample]:
    """Ask every host and every server that runs, side by side; raises CannotTellError where a host does not answer.

    Only that of a primary that is gone need not answer. Who is `silent` is not asked: nothing is known of it.
    """
    asked = [seat for seat in change.seats if not seat.away and not (change.unplanned and seat.name == change.old)]
    with ThreadPoolExecutor(2) as pool:
        gone = pool.submit(_ask_gone, doors, change) if change.unplanned and change.old not in silent else None
        said = dict(ask_hosts(doors, *map(_part, asked))) | (gone.result() if gone else {})
    running = [
        seat.name for seat in change.seats if seat.name not in silent and said.get(f"{seat.name}.running") != "no"
    ]
    with ThreadPoolExecutor(max(len(running), 1)) as pool:
        words = dict(zip(running, pool.map(lambda name: _ask(doors, name), running), strict=True))
    members = {seat.name: _member(seat.name, change, said, words) for seat in change.seats}
    facts = Facts(tuple(Node(name, member=member) for name, member in sorted(members.items())))
    around = {name: _around(name, raw, said) for name, raw in words.items() if raw}
    known = {seat.name for seat in change.seats}
    strangers = tuple(
        sender.name
        for sender in (around[change.old].senders if change.old in around else ())
        if sender.name not in known and not sender.logical
    )
    return facts, RoleSample(around=around, strangers=strangers)


def _part(seat: Seat) -> Part:
    return Part(seat.name, "member.sh", (seat.name, seat.data_directory, seat.bin_directory))


def _ask_gone(doors: Doors, change: RoleChange) -> dict[str, str]:
    """What the host of the old primary says, where it still says something."""
    seat = change.seat(change.old)
    if seat.away:
        return {}
    try:
        return dict(ask_hosts(doors, _part(seat)))
    except CannotTellError:
        return {}


def _ask(doors: Doors, name: str) -> Mapping[str, Any]:
    """What a server says; nothing where it does not answer."""
    server = doors[name].server
    for _ in range(2):
        try:
            [(raw,)] = server.observe(text("member.sql"), timeout_seconds=ANSWER_SECONDS)
        except CannotTellError:
            # The session that was kept may have ended since it was last used: with its server, or for being idle.
            server.close()
        else:
            return dict(raw)
    return {}


def _member(name: str, change: RoleChange, said: Mapping[str, str], words: Mapping[str, Mapping[str, Any]]) -> Member:
    own = {key.removeprefix(f"{name}."): value for key, value in said.items() if key.startswith(f"{name}.")}
    raw = words.get(name, {})
    # Another server may have taken its port. (A server does not resolve links in the path that it was started with.)
    paths = {own.get("real"), change.seat(name).data_directory}
    same = raw and raw["system_identifier"] == own.get("system_identifier") and not raw["in_recovery"]
    if raw and own and raw["data_directory"] not in paths and not same:
        raw = {}
    power = Power.SHUT_DOWN if own.get("state") == "shut down" else Power.ENDED if own else Power.UNKNOWN
    running = bool(raw) or own.get("running") == "yes"
    sealed = own.get("sealed") == "yes"
    return Member(
        data_directory=change.seat(name).data_directory,
        system_identifier=raw.get("system_identifier", "") or own.get("system_identifier", ""),
        power=Power.RUNNING if running else power,
        in_recovery=raw.get("in_recovery"),
        timeline=int(raw.get("timeline") or stopped_timeline(own)),
        sealed=sealed,
        fenced=sealed and not running,
        follows=_follows(name, change, own),
        upstream=next(iter(_upstream(name, raw, change, words)), ""),
        slots=tuple(slot["name"] for slot in raw.get("slots", ()) if slot["type"] == "physical"),
    )


def _follows(name: str, change: RoleChange, own: Mapping[str, str]) -> str:
    """The new primary, where the files of a standby name it and its slot; what else is there is the DBA's affair."""
    target = next((each for each in change.followers if each.name == name), None)
    if target is None:
        return ""
    words = set(own.get("conninfo", "").split())
    wanted = {word for word in change.conninfo(name).split() if word.startswith(("host=", "port=", "application_"))}
    return target.primary if wanted <= words and own.get("slot_name", "") == target.slot else ""


def _upstream(
    name: str, raw: Mapping[str, Any], change: RoleChange, words: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Who sends to it: both ends must say so."""
    if not raw.get("in_recovery") or raw.get("receiving") is None:
        return
    for other in (change.new, change.old, *(seat.name for seat in change.seats)):
        for sender in words.get(other, {}).get("senders", ()):
            same_slot = (sender["slot"] or "") == raw["receiving"]
            if sender["name"] == name and sender["state"] == "streaming" and same_slot and other != name:
                yield other


def _around(name: str, raw: Mapping[str, Any], said: Mapping[str, str]) -> Around:
    free = said.get(f"{name}.free_kb", "")
    return Around(
        lsn=raw["lsn"],
        received=raw["received"],
        heard_seconds=raw["heard_seconds"],
        paused=raw["paused"],
        unreceived=raw["unreceived"],
        version_num=raw["version_num"],
        superuser=raw["superuser"],
        user=raw["user"],
        senders=tuple(
            Sender(
                each["name"] or "",
                each["state"] or "",
                each["slot"] or "",
                logical=each["logical"],
                silent_seconds=each["silent_seconds"],
                behind_bytes=each["behind"],
            )
            for each in raw["senders"]
        ),
        slots=tuple(SlotUse(each["name"], each["type"], each["active"], each["failover"]) for each in raw["slots"]),
        settings=raw["settings"],
        sessions=raw["sessions"],
        in_transaction=raw["in_transaction"],
        prepared=raw["prepared"],
        unlogged=raw["unlogged"],
        backups=raw["backups"],
        archiver_failing=raw["archiver_failing"],
        archive_ready=raw["archive_ready"],
        free_bytes=int(free) << 10 if free.isdigit() else None,
    )
