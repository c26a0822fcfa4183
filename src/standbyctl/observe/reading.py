"""From the words of servers and hosts to Facts and Sample. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from standbyctl.domain.copies import ended
from standbyctl.domain.facts import (
    Contents,
    Draft,
    HbaFile,
    HbaRule,
    Passfile,
    Place,
    Role,
    Server,
    Setting,
    Slot,
    Tablespace,
)
from standbyctl.domain.replacing import Replaced, Resident
from standbyctl.domain.sample import Sample
from standbyctl.observe.covering import copy_covered, restored_contents, standby_covered, unstarted_copy
from standbyctl.observe.following import follows, restores, stopped_timeline
from standbyctl.observe.question import Question
from standbyctl.observe.tunnel import parse_tunnel


def parse_probe(output: str) -> list[tuple[str, str]]:
    """The key=value lines of the probe.

    >>> parse_probe("a=1\\nb=x=y\\n")
    [('a', '1'), ('b', 'x=y')]
    """
    return [(key, value) for key, _, value in (line.partition("=") for line in output.split("\n") if line)]


def parse_server(raw: Mapping[str, Any], probe: Mapping[str, str]) -> Server:
    """The primary, from its own words and those of its host."""
    settings = tuple(Setting(**setting) for setting in raw["settings"])
    # pg_basebackup leaves out what is a symbolic link: a file that is one is outside, wherever it stands.
    links = (f"symbolic link {name}" for name in probe.get("config_links", "").split())
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
        hba=_hba(raw, probe, hba_path),
        tablespaces=tuple(Tablespace(**each) for each in raw["tablespaces"]),
        config_sources=(*raw["sources"], *links),
        fault=raw.get("fault") or "",
        superuser=raw.get("superuser", True),
        user=raw.get("user", ""),
        database=raw.get("database", ""),
        lacks=tuple(raw.get("lacks", ())),
    )


def parse_partly(raw: Mapping[str, Any], slots: Iterable[Slot]) -> Server:
    """A server of which only settings and slots are known: what decides about its slots, or about its next start."""
    return Server(
        version_num=raw["version_num"],
        system_identifier=raw["system_identifier"],
        timeline=0,
        in_recovery=raw["in_recovery"],
        started_at=raw["started_at"],
        settings=tuple(Setting(**setting) for setting in raw["settings"]),
        roles=(),
        slots=tuple(slots),
        hba=HbaFile("", ()),
        fault=raw["fault"] or "",
        superuser=raw.get("superuser", True),
        user=raw["user"],
        database=raw.get("database", ""),
        lacks=tuple(raw.get("lacks", ())),
    )


def _hba(raw: Mapping[str, Any], probe: Mapping[str, str], path: str) -> HbaFile:
    """The file as its host shows it, or where it is edited by SQL, as the server itself reads it."""
    rules = parse_rules(raw)
    if own := raw.get("hba_by_sql"):
        return HbaFile(path, rules, True, own["has_line"], own["loaded"], own["digest"])
    return HbaFile(
        path=path,
        rules=rules,
        at_hand=probe.get("hba_at_hand") == "yes" and _same_system(raw, probe),
        has_line=probe.get("hba_has_line") == "yes",
        loaded=not probe.get("hba_changed_at") or float(probe["hba_changed_at"]) < raw["loaded_at"],
        digest=probe.get("hba_digest", ""),
    )


def _role(raw: Mapping[str, Any]) -> Role:
    made_for, _, print_made = _marked(raw["comment"])
    as_made = raw["login"] and raw["replication"] and not raw["altered"]
    pristine = as_made and bool(made_for) and print_made == raw["fingerprint"]
    return Role(raw["name"], raw["login"], raw["replication"], made_for, pristine, raw.get("superuser", False))


def _marked(comment: str | None) -> tuple[str, str, str]:
    """Node, key of the passfile and fingerprint of the password in a comment of ours; empty otherwise."""
    words = (comment or "").split(", ")
    if len(words) != 3 or not words[0].startswith("standbyctl: ") or not words[1].startswith("key "):  # noqa: PLR2004
        return "", "", ""
    return words[0].removeprefix("standbyctl: "), words[1].removeprefix("key "), words[2]


def parse_rules(raw: Mapping[str, Any]) -> tuple[HbaRule, ...]:
    """Every rule of pg_hba.conf, in the order of the file."""
    return tuple(_rule(rule) for rule in raw["hba"])


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
    contents = _contents(raw, probe, question)
    unstarted = question.from_restored and unstarted_copy(probe)
    senders = [r for r in raw["streaming"] if r["application_name"] != f"{question.name}_copy"]
    streaming = any(
        r["application_name"] == question.name and (r["slot_name"] or "") == question.slot and r["state"] == "streaming"
        for r in senders
    )
    elsewhere = any(
        (r["slot_name"] == question.slot and r["application_name"] != question.name)
        or (r["application_name"] == question.name and not running)
        for r in senders
    )
    keys = [_marked(role["comment"]) for role in raw["roles"]]
    password_set = probe.get("key") is not None and any(
        (mark[0], mark[1]) == (question.name, probe["key"]) and mark[2] == role["fingerprint"]
        for mark, role in zip(keys, raw["roles"], strict=True)
    )
    major_minor = [int(word) for word in probe.get("binary", "").split() if word.isdigit()] or [0]
    timeline = int(standby.get("timeline") or stopped_timeline(probe))
    upstream = question.primary if running and streaming and standby.get("receiving") else ""
    return Place(
        data_directory=question.data_directory,
        contents=contents,
        os_user=os_user,
        bin_directory=question.bin_directory,
        bin_version_num=major_minor[0] * 10000 + major_minor[-1],
        parent_writable=probe["parent_writable"] == "yes",
        mount_point=probe.get("mount_point") == "yes",
        lost_found=probe.get("lost_found") == "yes",
        private=probe.get("private") != "no",
        rewinding=probe.get("rewinding") == "yes",
        rewound=probe.get("rewound") == "yes",
        is_primary_directory=_is_primary(probe),
        port_taken=probe["port_taken"] == "yes" and not (running and probe.get("running_port") == str(question.port)),
        passfile=Passfile(
            probe["passfile"] if question.own_role or probe["passfile"] in {"absent", "unsafe"} else "foreign"
        ),
        password_set=password_set,
        # Whoever streams is let in, even where no walsender is left for another attempt.
        admitted=bool(upstream) or probe.get("admitted", "").split("|")[0] == raw["system_identifier"],
        drafts=tuple(_draft(line, raw, question.slot) for line in drafts),
        condemned="condemned" in probe,
        covered=contents is not Contents.STANDBY
        or standby_covered(raw, probe, question.slot, restored=question.from_restored),
        never_started=unstarted or probe.get("label") == "yes",
        follows=follows(probe, question),
        restores=restores(probe, question),
        running=running,
        started_by=(standby.get("started_by") or probe.get("started_by", "") if running else ""),
        asked=not running or bool(standby) or probe.get("server_status") != "ready",
        in_recovery=bool(standby.get("in_recovery", probe.get("signal", "yes") == "yes")),
        timeline=timeline if running and contents is not Contents.CLUSTER else 0,
        same_timeline=contents is not Contents.STANDBY or unstarted or timeline == raw["timeline"],
        elsewhere=elsewhere,
        slots=tuple(probe.get("slots", "").split()),
        upstream=upstream,
        downstreams=tuple(standby.get("downstreams", ())),
        foreign_sessions=int(standby.get("sessions", 0)),
        verifier=_verifier(probe.get("verifier", "")),
        os=probe.get("os", ""),
        at_boot=probe.get("at_boot") != "no",
        resident=_resident(probe, standby) if contents is Contents.CLUSTER else None,
        replaced=_replaced(probe.get("replaced", "")),
        tunnel=parse_tunnel(probe),
    )


def _resident(probe: Mapping[str, str], standby: Mapping[str, Any]) -> Resident:
    running, mark = probe.get("running") == "yes", probe.get("resident_mark")
    return Resident(
        system_identifier=probe["system_identifier"],
        holds=tuple(standby["holds"]) if "holds" in standby else None,
        marked=bool(mark) if running else mark == "stopped",
    )


def _replaced(said: str) -> Replaced | None:
    """What stands where a replaced cluster is kept.

    >>> _replaced("yes 7 64768:9"), _replaced("no - 64768:9"), _replaced("")
    (Replaced(system_identifier='7', identity='64768:9', ours=True), \
Replaced(system_identifier='-', identity='64768:9', ours=False), None)
    """
    ours, _, rest = said.partition(" ")
    system, _, identity = rest.partition(" ")
    return Replaced(system, identity, ours == "yes") if said else None


def _contents(raw: Mapping[str, Any], probe: Mapping[str, str], question: Question) -> Contents:
    if probe["contents"] in {"absent", "empty"}:
        return Contents(probe["contents"])
    if question.from_restored:
        return restored_contents(raw, probe, follows=follows(probe, question))
    if not probe.get("system_identifier"):
        return Contents.FOREIGN
    ours = probe["system_identifier"] == raw["system_identifier"]
    return Contents.STANDBY if ours and probe.get("conninfo") else Contents.CLUSTER


def _is_primary(probe: Mapping[str, str]) -> bool:
    """The primary's directory, by whatever name or mount; or a place inside it, or around it."""
    if probe["machine"] != probe.get("primary_machine"):
        return False
    here, there = probe["real"], probe["primary_real"]
    same = probe.get("identity") not in {None, ""} and probe.get("identity") == probe["primary_identity"]
    return bool(here and there) and (same or f"{here}/".startswith(f"{there}/") or f"{there}/".startswith(f"{here}/"))


def _draft(line: str, raw: Mapping[str, Any], slot: str) -> Draft:
    alive, whole, last, segment, system, path = line.split(" ", 5)
    sound = (
        whole in {"yes", "verified"} and system == raw["system_identifier"] and copy_covered(raw, slot, last, segment)
    )
    return Draft(path, alive == "yes", sound, verified=sound and whole == "verified")


def _verifier(said: str) -> str:
    """What is wrong with a program that verifies copies, from its exit status and its path."""
    status, _, program = said.partition(" ")
    return f"{program} {ended(int(status))}" if program else ""


def parse_sample(raw: Mapping[str, Any], probe: Mapping[str, str], name: str = "") -> Sample:
    """What moves, as far as a look sees it anyway. `name`: that of the standby itself."""
    others = {r["application_name"] for r in raw["streaming"] if r["state"] == "streaming" and not r["slot_name"]}
    return Sample(
        free_bytes=_kilobytes(probe["free_kb"]),
        free_device=probe.get("free_device", ""),
        wal_free_bytes=_kilobytes(probe.get("wal_free_kb", "")) if _same_system(raw, probe) else None,
        slots_in_use=len(raw["slots"]),
        refusal=probe.get("refusal", ""),
        entries=probe.get("entries", "").strip(),
        free_aside=probe["free_aside"],
        directory_identity=probe.get("identity", ""),
        condemned_identity=probe.get("condemned", ""),
        others_without_slot=", ".join(sorted(others - {name})),
    )


def _same_system(raw: Mapping[str, Any], probe: Mapping[str, str]) -> bool:
    """Whether the primary's data directory, as this host sees it, is the primary's: not that of a namesake."""
    return bool(probe.get("primary_system") == raw["system_identifier"])


def _kilobytes(text: str) -> int | None:
    return int(text) * 1024 if text.isdigit() else None
