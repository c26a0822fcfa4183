"""Names that can be, and that are as they were at first."""

from __future__ import annotations

from collections.abc import Callable

from standbyctl.app.source import Source
from standbyctl.app.state import State
from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.names import valid_node_name, valid_slot_name
from standbyctl.domain.target import Target

_NAME_BYTES = 63
_ONES_OWN: dict[str, Callable[[Target], object]] = {
    "name": lambda each: each.name,
    "role": lambda each: each.role if each.own_role else None,
    "slot": lambda each: each.slot or None,
    "data_directory": lambda each: (each.standby_ssh, each.data_directory),
    "port": lambda each: (each.standby_ssh, each.port),
    "passfile": lambda each: (each.standby_ssh, each.passfile) if each.own_role else None,
    "waldir": lambda each: (each.standby_ssh, each.waldir) if each.waldir else None,
    "tablespace_mapping": lambda each: (each.standby_ssh, each.tablespace_mapping) if each.tablespace_mapping else None,
}
_KEPT = (
    "name", "upstream", "via", "standby_ssh", "data_directory", "port", "slot", "role", "passfile", "auth_method",
    "sslmode", "sslrootcert", "restore_command", "waldir", "tablespace_mapping",
)  # fmt: skip


def check_names(name: str, slot: str, primary: str, role: str, head: str = "") -> None:
    """Names that PostgreSQL takes, and that no other node has."""
    if not valid_node_name(name):
        raise UsageError(
            "C108",
            msg('"{name}" cannot be the name of a standby', name=name),
            detail=msg("It names the replication slot too: lower-case letters, digits and underscores, at most 58."),
            hint=msg("Give another with --name."),
        )
    if slot and not valid_slot_name(slot):
        raise UsageError(
            "C108",
            msg('"{slot}" cannot be the name of a replication slot', slot=slot),
            detail=msg("PostgreSQL allows lower-case letters, digits and underscores, at most 63."),
        )
    if len(role.encode()) > _NAME_BYTES or not role.isprintable():
        raise UsageError(
            "C108",
            msg('"{role}" cannot be the name of a role', role=role),
            detail=msg("PostgreSQL cuts names off after {n} bytes.", n=_NAME_BYTES),
        )
    if name in {primary, head}:
        raise UsageError(
            "C108",
            msg("{name} cannot stream from itself", name=name)
            if head and name == primary
            else msg('"{name}" is the name of the primary', name=name),
            hint=msg("Give the standby another with --name."),
        )


def check_source(source: Source, name: str, port: int) -> None:
    """A standby is no copy of itself."""
    if source.name and (source.name == name or source.port == port):
        raise UsageError(
            "C108",
            msg("{name} cannot be a copy of itself", name=name),
            detail=msg("--copy-from leads to {host}:{port}.", host=source.host, port=source.port),
            hint=msg("Give another standby with --copy-from, or the new one another name and --port."),
        )


def check_same(target: Target, earlier: Target | None, state: State) -> None:
    """One name is one standby: what an earlier attach has begun goes on as it was, or is detached first."""
    if earlier is None:
        run = state.journal(target.name).run()
        earlier = run[0] if run else None
    if earlier is None:
        return
    for field in _KEPT:
        was, is_ = (_said(getattr(each, field)) for each in (earlier, target))
        if was != is_:
            raise UsageError(
                "C109",
                msg("{name} was attached, or begun, with another {field}", name=earlier.name, field=field),
                detail=msg("Then: {was}. Now: {now}.", was=was, now=is_),
                hint=msg("Go on with the same, or detach first: standbyctl detach {name}", name=earlier.name),
            )


def check_beside(target: Target, others: tuple[Target, ...]) -> None:
    """What is attached by one command shares nothing that only one can have."""
    for other in others:
        for field, own in _ONES_OWN.items():
            if own(target) is not None and own(target) == own(other):
                raise UsageError(
                    "C123",
                    msg("two of the standbys have the same {field}", field=field),
                    detail=msg(
                        "{value}, for {one} and for {other}.",
                        value=_said(getattr(target, field)),
                        one=other.name,
                        other=target.name,
                    ),
                    hint=msg("Give each its own: with --name for each, and [[node]] in standbyctl.toml."),
                )


def _said(value: object) -> str:
    if isinstance(value, tuple):
        value = ", ".join("=".join(pair) for pair in value)
    return str(value or "(none)")
