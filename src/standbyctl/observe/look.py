"""One observation of the primary and of the place where the standby goes, or is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.facts import (
    Contents,
    Draft,
    Facts,
    HbaFile,
    HbaRule,
    Node,
    Passfile,
    Place,
    Role,
    Server,
    Setting,
    Slot,
)
from standbyctl.domain.lsn import parse_lsn, parse_walfile
from standbyctl.domain.message import msg
from standbyctl.domain.sample import Sample
from standbyctl.nodes.ports import Door, Doors

SETTINGS = (
    "archive_mode", "data_directory", "external_pid_file", "hba_file", "listen_addresses", "max_connections",
    "max_locks_per_transaction", "max_prepared_transactions", "max_replication_slots", "max_slot_wal_keep_size",
    "max_wal_senders", "max_worker_processes", "port", "recovery_target", "recovery_target_lsn",
    "recovery_target_name", "recovery_target_time", "recovery_target_xid", "synchronous_commit",
    "synchronous_standby_names", "wal_level",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What a look must know to look: names, paths and conninfos, no secrets."""

    primary: str
    name: str
    data_directory: str
    bin_directory: str
    port: int
    role: str
    slot: str
    passfile: str
    passfile_marker: str
    passfile_entry: str
    replication_conninfo: str
    primary_conninfo: str
    hba_line: str
    condemned: str
    own_role: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look brought: facts, and the little of a sample that comes with them."""

    facts: Facts
    sample: Sample
    bindir: str


def look(doors: Doors, question: Question) -> Seen:
    """Observe both; raises CannotTellError."""
    raw = ask_primary(doors[question.primary], question.role)
    data_directory = next(s["value"] for s in raw["settings"] if s["name"] == "data_directory")
    probe, drafts = _probe(doors[question.name], question, raw, data_directory)
    server = parse_server(raw, probe)
    standby = _ask_standby(doors[question.name], question) if probe.get("running") == "yes" else {}
    place = parse_place(raw, probe, drafts, standby, question, doors[question.name].host.user)
    facts = Facts((Node(question.primary, server=server), Node(question.name, place=place)))
    return Seen(facts, parse_sample(raw, probe), raw["bindir"])


def ask_primary(door: Door, role: str) -> dict[str, Any]:
    """Everything a plan needs to know of the primary, as it came."""
    [(raw,)] = door.server.observe(_text("server.sql"), {"role": role, "settings": list(SETTINGS)})
    return dict(raw)


def _ask_standby(door: Door, question: Question) -> dict[str, Any]:
    try:
        [(raw,)] = door.server.observe(_text("standby.sql"), {"slot": question.slot})
    except CannotTellError:
        return {}
    return dict(raw)


def _probe(
    door: Door, question: Question, raw: Mapping[str, Any], data_directory: str
) -> tuple[dict[str, str], list[str]]:
    hba = next(s["value"] for s in raw["settings"] if s["name"] == "hba_file")
    done = door.host.script(
        _text("probe.sh"),
        question.data_directory,
        question.bin_directory,
        question.passfile,
        question.passfile_marker,
        question.passfile_entry,
        question.replication_conninfo,
        str(question.port),
        hba,
        question.hba_line,
        data_directory,
        question.condemned,
    )
    pairs = parse_probe(done.stdout.decode("utf-8", "surrogateescape"))
    probe = dict(pairs)
    if probe.get("end") != "yes":
        raise CannotTellError(
            "A202", msg("cannot look at the host of {node}", node=question.name), detail=msg("{e}", e=done.stderr)
        )
    return probe, [value for key, value in pairs if key == "draft"]


def parse_probe(output: str) -> list[tuple[str, str]]:
    """The key=value lines of the probe.

    >>> parse_probe("a=1\\nb=x=y\\n")
    [('a', '1'), ('b', 'x=y')]
    """
    return [(key, value) for key, _, value in (line.partition("=") for line in output.splitlines())]


def parse_server(raw: Mapping[str, Any], probe: Mapping[str, str]) -> Server:
    """The primary, from its own words and those of its host."""
    settings = tuple(Setting(**setting) for setting in raw["settings"])
    hba_path = next(s.value for s in settings if s.name == "hba_file")
    return Server(
        version_num=raw["version_num"],
        system_identifier=raw["system_identifier"],
        timeline=raw["timeline"],
        in_recovery=raw["in_recovery"],
        started_at=raw["started_at"],
        settings=settings,
        roles=tuple(_role(role) for role in raw["roles"]),
        slots=tuple(Slot(s["slot_name"], s["slot_type"], s["wal_status"] == "lost") for s in raw["slots"]),
        hba=HbaFile(
            path=hba_path,
            rules=tuple(_rule(rule) for rule in raw["hba"]),
            at_hand=probe["hba_at_hand"] == "yes",
            has_line=probe.get("hba_has_line") == "yes",
            loaded=not probe.get("hba_changed_at") or float(probe["hba_changed_at"]) < raw["loaded_at"],
            digest=probe.get("hba_digest", ""),
        ),
        tablespaces=tuple(raw["tablespaces"]),
        config_sources=tuple(raw["sources"]),
    )


def _role(raw: Mapping[str, Any]) -> Role:
    made_for, _, print_made = _marked(raw["comment"])
    pristine = not raw["altered"] and bool(made_for) and print_made == raw["fingerprint"]
    return Role(raw["name"], raw["login"], raw["replication"], made_for, pristine)


def _marked(comment: str | None) -> tuple[str, str, str]:
    """Node, key of the passfile and fingerprint of the password in a comment of ours; empty otherwise."""
    words = (comment or "").split(", ")
    if len(words) != 3 or not words[0].startswith("standbyctl: ") or not words[1].startswith("key "):  # noqa: PLR2004
        return "", "", ""
    return words[0].removeprefix("standbyctl: "), words[1].removeprefix("key "), words[2]


def _rule(raw: Mapping[str, Any]) -> HbaRule:
    return HbaRule(
        line=raw["line_number"],
        type=raw["type"] or "",
        databases=tuple(raw["database"] or ()),
        users=tuple(raw["user_name"] or ()),
        address=raw["address"] or "",
        netmask=raw["netmask"] or "",
        method=raw["auth_method"] or "",
        file=raw.get("file_name") or "",
        error=raw["error"] or "",
    )


def parse_place(
    raw: Mapping[str, Any],
    probe: Mapping[str, str],
    drafts: Iterable[str],
    standby: Mapping[str, Any],
    question: Question,
    os_user: str = "",
) -> Place:
    """The standby's place, from its host, its server where it runs, and the primary's view of it."""
    running = probe.get("running") == "yes"
    contents = _contents(raw, probe)
    slot = next((s for s in raw["slots"] if s["slot_name"] == question.slot), None)
    streaming = any(
        r["application_name"] == question.name and r["slot_name"] == question.slot and r["state"] == "streaming"
        for r in raw["streaming"]
    )
    keys = [_marked(role["comment"]) for role in raw["roles"]]
    password_set = probe.get("key") is not None and any(
        (mark[0], mark[1]) == (question.name, probe["key"]) and mark[2] == role["fingerprint"]
        for mark, role in zip(keys, raw["roles"], strict=True)
    )
    major_minor = [int(word) for word in probe["binary"].split()] or [0, 0]
    return Place(
        data_directory=question.data_directory,
        contents=contents,
        os_user=os_user,
        bin_directory=question.bin_directory,
        bin_version_num=major_minor[0] * 10000 + major_minor[1],
        parent_writable=probe["parent_writable"] == "yes",
        mount_point=probe.get("mount_point") == "yes",
        is_primary_directory=_is_primary(probe),
        port_taken=probe["port_taken"] == "yes" and not (running and probe.get("running_port") == str(question.port)),
        passfile=Passfile(
            probe["passfile"] if question.own_role or probe["passfile"] in {"absent", "unsafe"} else "foreign"
        ),
        password_set=password_set,
        admitted=probe.get("admitted", "").split("|")[0] == raw["system_identifier"],
        drafts=tuple(_draft(line, slot) for line in drafts),
        condemned="condemned" in probe,
        covered=contents is not Contents.STANDBY or _covers(slot, probe["last_wal"], probe.get("segment_bytes", "")),
        never_started=probe.get("label") == "yes",
        follows=_follows(probe, question),
        running=running,
        started_by=(probe.get("started_by", "") if running else ""),
        in_recovery=bool(standby.get("in_recovery", probe.get("signal", "yes") == "yes")),
        timeline=int(standby.get("timeline", probe.get("control_timeline") or 0)) if running else 0,
        upstream=question.primary if running and streaming and standby.get("receiving") else "",
        downstreams=tuple(standby.get("downstreams", ())),
        foreign_sessions=int(standby.get("sessions", 0)),
    )


def _contents(raw: Mapping[str, Any], probe: Mapping[str, str]) -> Contents:
    if probe["contents"] in {"absent", "empty"}:
        return Contents(probe["contents"])
    if not probe.get("system_identifier"):
        return Contents.FOREIGN
    ours = probe["system_identifier"] == raw["system_identifier"]
    return Contents.STANDBY if ours and probe.get("conninfo") else Contents.CLUSTER


def _is_primary(probe: Mapping[str, str]) -> bool:
    """The primary's directory, by whatever name or mount; or a place inside it, or around it."""
    here, there = probe["real"], probe["primary_real"]
    same = probe.get("identity") not in {None, ""} and probe.get("identity") == probe["primary_identity"]
    return bool(there) and (same or f"{here}/".startswith(f"{there}/") or f"{there}/".startswith(f"{here}/"))


def _follows(probe: Mapping[str, str], question: Question) -> bool:
    """Whether the configuration names this primary and this slot; what else was changed is the DBA's affair."""
    words = set(probe.get("conninfo", "").split())
    wanted = {
        word for word in question.primary_conninfo.split() if word.startswith(("host=", "port=", "application_name="))
    }
    return wanted <= words and probe.get("slot_name") == question.slot


def _draft(line: str, slot: Mapping[str, Any] | None) -> Draft:
    alive, whole, last, segment, path = line.split(" ", 4)
    return Draft(path, alive == "yes", whole == "yes" and _covers(slot, last, segment))


def _covers(slot: Mapping[str, Any] | None, last_wal: str, segment_bytes: str) -> bool:
    """Whether the slot keeps everything after the last WAL file of a copy: files are kept whole."""
    if slot is None or slot["wal_status"] == "lost" or slot["restart_lsn"] is None:
        return False
    if not segment_bytes.isdigit() or last_wal in {"", "-"}:
        return False
    size = int(segment_bytes)
    _, last = parse_walfile(last_wal, size)
    return parse_lsn(slot["restart_lsn"]) // size <= last + 1


def parse_sample(raw: Mapping[str, Any], probe: Mapping[str, str]) -> Sample:
    """What moves, as far as a look sees it anyway."""
    return Sample(
        free_bytes=_kilobytes(probe["free_kb"]),
        wal_free_bytes=_kilobytes(probe["wal_free_kb"]),
        slots_in_use=len(raw["slots"]),
        refusal=probe.get("refusal", ""),
        entries=probe.get("entries", "").strip(),
        free_aside=probe["free_aside"],
        directory_identity=probe.get("identity", ""),
        condemned_identity=probe.get("condemned", ""),
    )


def _kilobytes(text: str) -> int | None:
    return int(text) * 1024 if text.isdigit() else None


@cache
def _text(name: str) -> str:
    return files("standbyctl.observe").joinpath(name).read_text(encoding="utf-8")
