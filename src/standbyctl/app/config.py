"""standbyctl.toml: what need not be typed. Unknown keys are errors, and no key is a secret."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from standbyctl.domain.errors import UsageError
from standbyctl.domain.finding import Limits
from standbyctl.domain.handover import NO_HOOKS, Hooks
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, field, replace
from standbyctl.domain.size import parse_period

T = TypeVar("T")
_ARGV = msg("a list of texts: a program and its arguments")
_NUMBER, _TRUTH = (int, msg("a number")), (bool, msg("true or false"))
_KINDS: dict[str, tuple[type, Message]] = {
    "port": _NUMBER,
    "no_slot": _TRUTH,
    "verify_backup": _TRUTH,
    "max_wal_senders": _NUMBER,
    "max_replication_slots": _NUMBER,
    "tablespace_mapping": (list, msg('a list of texts, each "OLD=NEW"')),
    "before": (list, _ARGV),
    "at": (list, _ARGV),
    "after": (list, _ARGV),
    "back": (list, _ARGV),
}


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """[[node]]: a server by name."""

    name: str
    conninfo: str = ""
    data_directory: str = ""
    port: int = 0
    ssh: str = ""
    cluster: str = ""
    waldir: str = ""
    tablespace_mapping: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttachConfig:
    """[attach]: defaults for the options of the same names."""

    slot: str = ""
    role: str = ""
    passfile: str = ""
    hba: str = ""
    max_rate: str = ""
    checkpoint: str = ""
    max_slot_wal_keep_size: str = ""
    no_slot: bool = False
    wal_method: str = ""
    wal_keep_size: str = ""
    synchronous_commit: str = ""
    auth_method: str = ""
    sslmode: str = ""
    sslrootcert: str = ""
    restore_command: str = ""
    settings: str = ""
    copy_from: str = ""
    verify_backup: bool = False
    wal_level: str = ""
    max_wal_senders: int = 0
    max_replication_slots: int = 0
    via: str = ""
    tunnel_login: str = ""
    primary_address: str = ""


@dataclass(frozen=True, slots=True)
class MonitorConfig:
    """[monitor]: from where on `status` and `check` find something wrong. Times as postgresql.conf has them."""

    lag_warning: str = ""
    lag_critical: str = ""
    full_warning: str = ""
    full_critical: str = ""

    def limits(self, path: str) -> Limits:
        """The limits that are given, and the defaults of the others; UsageError where one is no time."""
        limits = Limits()
        for each in fields(self):
            if value := getattr(self, each.name):
                if (seconds := parse_period(value)) is None:
                    told = msg(
                        "{path}: monitor.{key} is no time: {value}; for instance 500ms, 5s, 2min",
                        path=path,
                        key=each.name,
                        value=value,
                    )
                    raise UsageError("C101", told)
                limits = replace(limits, **{each.name: seconds})  # type: ignore[arg-type]
        return limits


@dataclass(frozen=True, slots=True)
class SwitchoverConfig:
    """[switchover]: programs that are run around a change of roles, and how long each may take."""

    before: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    hook_timeout: str = ""

    def hooks(self, path: str) -> Hooks:
        """The same as the deeds have it; UsageError where the time is none."""
        hooks = Hooks(self.before, self.at, self.after, self.back)
        if not self.hook_timeout:
            return hooks
        if (seconds := parse_period(self.hook_timeout)) is None:
            given = {"key": "hook_timeout", "value": self.hook_timeout}
            raise UsageError(
                "C101",
                msg("{path}: switchover.{key} is no time: {value}; for instance 500ms, 5s, 2min", path=path, **given),
            )
        return replace(hooks, timeout_seconds=max(1, round(seconds)))


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file."""

    nodes: tuple[NodeConfig, ...] = ()
    attach: AttachConfig = field(default_factory=AttachConfig)
    limits: Limits = field(default_factory=Limits)
    hooks: Hooks = field(default=NO_HOOKS)

    def node(self, name: str) -> NodeConfig | None:
        """The node of that name."""
        return next((node for node in self.nodes if node.name == name), None)


def load_config(given: str | None, environment: Mapping[str, str]) -> Config:
    """The file given, or the first that exists of $STANDBYCTL_CONFIG, the user's and the machine's."""
    named = given or environment.get("STANDBYCTL_CONFIG")
    for path in config_places(given, environment):
        if named or path.exists():
            return parse_config(_read(path), str(path))
    return Config()


def config_places(given: str | None, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where it is looked for, in this order."""
    if named := given or environment.get("STANDBYCTL_CONFIG"):
        return (Path(named),)
    home = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home, "standbyctl/standbyctl.toml"), Path("/etc/standbyctl/standbyctl.toml")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("C101", msg("cannot read {path}", path=path), detail=msg("{e}", e=error)) from error


def parse_config(text: str, path: str) -> Config:
    """Parse a file; UsageError names the key and the nearest right one."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("C101", msg("{path} is no TOML", path=path), detail=msg("{e}", e=error)) from error
    _check_keys(raw, {"node", "attach", "monitor", "switchover"}, path, "")
    nodes = raw.get("node", [])
    tables = (raw.get(name, {}) for name in ("attach", "monitor", "switchover"))
    if not isinstance(nodes, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(
            "C101",
            msg("{path}: write [[node]] for each node, and [attach], [monitor] and [switchover] once", path=path),
        )
    return Config(
        nodes=tuple(_fill(NodeConfig, node, path, "node") for node in nodes),
        attach=_fill(AttachConfig, raw.get("attach", {}), path, "attach"),
        limits=_fill(MonitorConfig, raw.get("monitor", {}), path, "monitor").limits(path),
        hooks=_fill(SwitchoverConfig, raw.get("switchover", {}), path, "switchover").hooks(path),
    )


def _fill(kind: type[T], raw: dict[str, Any], path: str, table: str) -> T:
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    _check_keys(raw, set(known), path, table)
    for key, value in raw.items():
        wanted, word = _KINDS.get(key, (str, msg("a text")))
        if type(value) is not wanted or (isinstance(value, list) and any(type(each) is not str for each in value)):
            raise UsageError(
                "C101", msg("{path}: {table}.{key} must be {kind}", path=path, table=table, key=key, kind=word)
            )  # fmt: skip
    try:
        return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()})
    except TypeError as error:
        raise UsageError("C101", msg("{path}: every [[node]] needs a name", path=path)) from error


def _check_keys(raw: Mapping[str, Any], known: set[str], path: str, table: str) -> None:
    for key in raw:
        if key in known:
            continue
        near = get_close_matches(key, known, 1)
        raise UsageError(
            "C101",
            msg(
                '{path}: unknown key "{key}"{where}',
                path=path,
                key=key,
                where=msg(" in [{table}]", table=table) if table else "",
            ),
            hint=msg('Did you mean "{near}"?', near=near[0])
            if near
            else msg("Known: {known}.", known=", ".join(sorted(known))),
        )
