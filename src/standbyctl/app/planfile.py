"""A plan as a file: what was asked, of which system, and every step. No secret is in it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from standbyctl import __version__, steps
from standbyctl.app.attach import Planned
from standbyctl.app.desk import desks
from standbyctl.app.request import Request, Resolved
from standbyctl.app.session import Session
from standbyctl.app.state import now
from standbyctl.app.ways import written
from standbyctl.domain.codec import decode, decode_tagged, encode, encode_tagged
from standbyctl.domain.errors import DriftError, UsageError
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.target import Target
from standbyctl.planner.plan import Plan
from standbyctl.planner.runbook import way_back
from standbyctl.steps.base import GiveBack, Step

SCHEMA = "standbyctl.plan/1"
ATTACH, DETACH, SWITCHOVER, FAILOVER, RESYNC = "attach", "detach", "switchover", "failover", "resync"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan that was read back. `digest`: sha256 of the file."""

    target: Target
    request: Request
    system_identifier: str
    timeline: int
    plan: Plan
    digest: str = ""

    def check(self, session: Session) -> None:
        """Raise DriftError where the primary is another, or is reached another way."""
        server = session.look().server(session.target.primary)
        for what, was, is_ in (
            (msg("system identifier"), self.system_identifier, server.system_identifier),
            (msg("timeline"), self.timeline, server.timeline),
            (msg("target"), self.target, session.target),
        ):
            if was != is_:
                raise DriftError(
                    "A207",
                    msg("the plan was made for another {what}", what=what),
                    begun=False,
                    detail=msg("Then: {was}. Now: {now}.", was=was, now=is_),
                    hint=msg("Make a new plan."),
                )


def save_plan(path: str, verb: str, command: str, resolved: Resolved, planned: Planned) -> None:
    """Write a plan, and for those who do it by hand where things are, and what gives it back.

    `command`: what carries it out; of an attach, the one that follows the file.
    """
    there = (planned.plan, planned.facts, planned.sample, planned.target, planned.memory)
    back = way_back(*there) if verb == ATTACH else Plan()
    server = planned.facts.server(resolved.target.primary)
    record = {
        "schema": SCHEMA,
        "made_at": now(),
        "conninfo": resolved.conninfo,
        "target": encode(resolved.target),
        "system_identifier": server.system_identifier,
        "timeline": server.timeline,
        "steps": [written_step(step) for step in planned.plan.steps],
        "text": [str(step.text) for step in planned.plan.steps],
        # From here on: what export makes a runbook of.
        "verb": verb,
        "command": command,
        "version": __version__,
        "notes": encode(planned.plan.notes),
        "facts": encode(planned.facts),
        "way_back": [written_step(step) for step in back.steps],
        "way_back_notes": encode(back.notes),
        "desks": encode(desks(resolved)),
    }
    write_text(path, json.dumps(record, indent=1) + "\n")


def write_text(path: str, text: str) -> None:
    """Write a file of ours; UsageError where that cannot be."""
    # A name that is no UTF-8 must not leave half a file behind, nor a disk that fills up take the old one away.
    data, whole = text.encode("utf-8", "backslashreplace"), Path(os.path.realpath(path))
    try:
        if whole.exists() and not whole.is_file():
            whole.write_bytes(data)
            return
        beside = whole.with_name(f".{whole.name}.new")
        try:
            beside.write_bytes(data)
            beside.replace(whole)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError("C114", msg("cannot write {path}", path=path), detail=msg("{e}", e=error)) from error


def written_step(step: Step) -> dict[str, Any]:
    """For a plan file. One that gives back another names that one's kind, too."""
    if not isinstance(step, GiveBack):
        return encode_tagged(step)
    return {"kind": "GiveBack", "step": encode_tagged(step.step), "before": encode(step.before)}


def read_step(data: dict[str, Any]) -> Step:
    """The same back."""
    if data["kind"] != "GiveBack":
        step: Step = decode_tagged(steps.ALL, data)
        return step
    return GiveBack(decode_tagged(steps.ALL, data["step"]), decode(Facts, data["before"]))


def read_record(path: str) -> tuple[bytes, dict[str, Any]]:
    """What is in a plan file, as it is and as JSON; UsageError where it is none."""

    def read() -> tuple[bytes, dict[str, Any]]:
        raw = Path(path).read_bytes()
        record = json.loads(raw)
        if record["schema"] != SCHEMA:
            raise ValueError(record["schema"])
        return raw, record

    return parsed(path, read)


def parsed(path: str, read: Callable[[], T]) -> T:
    """What is made of a plan file; UsageError where it is none."""
    try:
        return read()
    except FileNotFoundError as error:
        raise UsageError(
            "C114",
            msg("there is no plan file {path}", path=path),
            hint=msg("Make one with: standbyctl plan -o FILE"),
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            "C114",
            msg("{path} is no plan of standbyctl", path=path),
            detail=msg("{e}", e=f"{type(error).__name__}: {error}"),
            hint=msg("Make one with: standbyctl plan -o FILE"),
        ) from error


def load_plan(path: str, given: Mapping[str, Any]) -> SavedPlan:
    """Read a plan; UsageError where it is none, or where options try to change it."""
    if extra := [key for key, value in given.items() if value not in (None, ())]:
        raise UsageError(
            "C115",
            msg("a plan says everything; it cannot be changed by options"),
            detail=msg("Given: {names}.", names=", ".join(f"--{key.replace('_', '-')}" for key in extra)),
            hint=msg("Make a new plan with them."),
        )
    raw, record = read_record(path)
    if record.get("verb", ATTACH) != ATTACH:
        raise UsageError(
            "C115",
            msg("{path} is the plan of a {verb}", path=path, verb=record["verb"]),
            hint=msg("It is for export runbook. To carry it out: {command}", command=record.get("command", "")),
        )
    return parsed(path, lambda: _saved(record, hashlib.sha256(raw).hexdigest()))


def _saved(record: dict[str, Any], digest: str) -> SavedPlan:
    target = decode(Target, record["target"])
    planned = Plan(tuple(map(read_step, record["steps"])))
    request = _request(record["conninfo"], target)
    return SavedPlan(target, request, record["system_identifier"], record["timeline"], planned, digest)


def _request(conninfo: str, target: Target) -> Request:
    if target.head:
        direct = _request(
            target.head_conninfo, replace(target, primary=target.head, primary_ssh=target.head_ssh, head="")
        )
        return replace(
            direct,
            primary_address=_address(target),
            upstream=conninfo,
            upstream_name=target.primary,
            upstream_ssh=target.primary_ssh,
        )
    return Request(
        conninfo=conninfo,
        data_directory=target.data_directory,
        primary_name=target.primary,
        name=target.name,
        port=target.port,
        role=target.role,
        passfile="" if target.own_role else target.passfile,
        slot=target.slot,
        hba=target.hba.value,
        max_rate=target.max_rate,
        checkpoint=target.checkpoint,
        wal_cap=target.wal_cap,
        despite=target.despite,
        no_slot=not target.slot,
        wal_method=target.wal_method,
        wal_keep_size=target.wal_keep_size,
        synchronous_commit=target.synchronous_commit,
        auth_method=target.auth_method,
        sslmode=target.sslmode,
        sslrootcert=target.sslrootcert,
        restore_command=target.restore_command,
        settings=target.settings.value,
        verify_backup=target.verify_backup,
        wal_level=target.wal_level,
        max_wal_senders=target.max_wal_senders,
        max_replication_slots=target.max_replication_slots,
        copy_from=target.copy_conninfo,
        copy_name=target.copy_from,
        primary_ssh=target.primary_ssh,
        standby_ssh=target.standby_ssh,
        replace_cluster=target.replace_cluster,
        cluster="/".join(target.service.cluster) if target.service.config_file else "",
        waldir=target.waldir,
        tablespace_mapping=tuple(
            "=".join(path.replace("=", "\\=") for path in pair) for pair in target.tablespace_mapping
        ),
        via=target.via.value,
        from_restored=target.from_restored,
        tunnel_login=target.tunnel.account if target.tunnel.used else "",
        primary_address=_address(target),
    )


def _address(target: Target) -> str:
    return written(*target.shown) if target.apart and not target.tunnel.used else ""
