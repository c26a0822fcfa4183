"""A way to the primary by ssh: a key of its own, a line that lets it in, a unit that keeps it up."""

from __future__ import annotations

from typing import Any, ClassVar

from standbyctl.domain import tunnel as fx
from standbyctl.domain.effects import Effect
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import marker
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.tunnel import Trace, Tunnel
from standbyctl.steps.base import Step

_MADE = {Trace.OURS, Trace.OTHER}


@dataclass(frozen=True, slots=True)
class ProvideTunnelKey(Step):
    """A key pair for nothing else, and the host keys of the primary's host as that host itself has them."""

    primary: str
    name: str
    directory: str
    label: ClassVar[Message] = msg("tunnel key")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg(
            "{path}: a key pair of its own, and the host keys of {primary}'s host",
            path=self.directory,
            primary=self.primary,
        )

    def after(self, facts: Facts) -> Facts:
        seen = facts.place(self.name).tunnel
        # What another key has let in does not let this one in.
        line = seen.line if seen.key is Trace.OURS or seen.line is Trace.ABSENT else Trace.OTHER
        return _with(facts, self.name, key=Trace.OURS, known=True, line=line)

    def effects(self) -> tuple[Effect, ...]:
        return (
            fx.MakeTunnelKey(self.name, self.directory, marker(self.name)),
            fx.TrustHost(self.name, self.primary, self.directory),
        )

    @property
    def undo_text(self) -> Message:
        return msg("remove {path}", path=self.directory)

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        return (fx.RemoveTunnelKey(self.name, self.directory, marker(self.name)),)

    def returned(self, facts: Facts, before: Facts) -> Facts:
        seen = facts.place(self.name).tunnel
        if seen.key not in _MADE:
            return facts
        line = Trace.OTHER if seen.line is Trace.OURS else seen.line
        return _with(facts, self.name, key=Trace.ABSENT, known=False, line=line)


@dataclass(frozen=True, slots=True)
class AdmitTunnel(Step):
    """Let the key in, for connections to the primary's port and for nothing else."""

    primary: str
    name: str
    tunnel: Tunnel
    label: ClassVar[Message] = msg("ssh account")

    @property
    def place(self) -> str:
        return self.primary

    @property
    def text(self) -> Message:
        return msg(
            "~{login}/.ssh/authorized_keys: {what} for that key",
            login=self.tunnel.login,
            what=self.tunnel.restrictions,
        )

    def after(self, facts: Facts) -> Facts:
        if facts.place(self.name).tunnel.line is Trace.CHANGED:
            return facts  # somebody has put other options before the same key: it is let in as they want it
        return _with(facts, self.name, line=Trace.OURS)

    def effects(self) -> tuple[Effect, ...]:
        tunnel = self.tunnel
        return (
            fx.AdmitTunnelKey(
                self.primary, self.name, tunnel.directory, tunnel.login, tunnel.restrictions, marker(self.name)
            ),
        )

    @property
    def undo_text(self) -> Message:
        return msg("~{login}/.ssh/authorized_keys: remove that line", login=self.tunnel.login)

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        return (fx.ExpelTunnelKey(self.primary, self.tunnel.login, self.tunnel.restrictions, marker(self.name)),)

    def returned(self, facts: Facts, before: Facts) -> Facts:
        if facts.place(self.name).tunnel.line not in _MADE:
            return facts
        return _with(facts, self.name, line=Trace.ABSENT)


@dataclass(frozen=True, slots=True)
class OpenTunnel(Step):
    """A systemd unit that keeps the tunnel up, through reboots and cuts. What it is to do is tried before."""

    name: str
    tunnel: Tunnel
    label: ClassVar[Message] = msg("tunnel")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg(
            "{unit}: 127.0.0.1:{port} leads to {there} on {host}, as {login}; enabled",
            unit=self.tunnel.unit,
            port=self.tunnel.port,
            there=self.tunnel.there,
            host=self.tunnel.host,
            login=self.tunnel.login,
        )

    def after(self, facts: Facts) -> Facts:
        seen = facts.place(self.name).tunnel
        if seen.unit is Trace.CHANGED and seen.running:
            return facts  # somebody wants it otherwise, and it does
        return _with(facts, self.name, unit=Trace.OURS, running=True)

    def effects(self) -> tuple[Effect, ...]:
        return fx.TryTunnel(self.name, self.tunnel), fx.RunTunnel(self.name, self.tunnel, marker(self.name))

    @property
    def undo_text(self) -> Message:
        return msg("systemctl disable --now {unit}, and remove it", unit=self.tunnel.unit)

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        return (fx.RemoveTunnel(self.name, self.tunnel.unit, marker(self.name)),)

    def returned(self, facts: Facts, before: Facts) -> Facts:
        if facts.place(self.name).tunnel.unit not in _MADE:
            return facts
        gone = _with(facts, self.name, unit=Trace.ABSENT, running=False)
        return gone.with_place(self.name, admitted=False)


def _with(facts: Facts, name: str, **changes: Any) -> Facts:
    return facts.with_place(name, tunnel=replace(facts.place(name).tunnel, **changes))
