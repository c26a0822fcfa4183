"""An ssh tunnel with a key of its own, kept up by systemd."""

from __future__ import annotations

import shlex

from standbyctl.domain import effects as fx
from standbyctl.domain.deed import literally
from standbyctl.domain.hand import ROOT, Hand, Kind, shell, written
from standbyctl.domain.message import msg
from standbyctl.domain.tunnel import HOST_ALIAS

_q = shlex.quote
_PUBLIC = "ssh-ed25519 PUBLIC-KEY"


def make_key(effect: fx.MakeTunnelKey) -> tuple[Hand, ...]:
    """Its private half never leaves the host."""
    here = _q(effect.directory)
    return (
        shell(
            effect.node,
            f"mkdir -m 700 {here}",
            f"ssh-keygen -q -t ed25519 -N '' -C {_q(effect.marker)} -f {here}/id_ed25519",
            f"cat {here}/id_ed25519.pub",
            expected=msg("the public key: it goes into authorized_keys"),
        ),
    )


def remove_key(effect: fx.RemoveTunnelKey) -> tuple[Hand, ...]:
    """And what was known with it."""
    here = _q(effect.directory)
    names = " ".join(f"{here}/{name}" for name in ("known_hosts", "id_ed25519", "id_ed25519.pub"))
    return (shell(effect.node, f"rm {names}", f"rmdir {here}", expected=msg("no error")),)


def trust_host(effect: fx.TrustHost) -> tuple[Hand, ...]:
    """The keys come from the host's own files, not from whoever answers."""
    keys = shell(effect.primary, "cat /etc/ssh/ssh_host_*_key.pub", expected=msg("the host keys: write them down"))
    known = f"{effect.directory}/known_hosts"
    line = f"{HOST_ALIAS} TYPE KEY"
    return keys, Hand(effect.node, Kind.INSERT, line, msg("one such line for each host key"), path=known)


def _line(effect: fx.AdmitTunnelKey | fx.ExpelTunnelKey) -> str:
    return f"{effect.restrictions} {_PUBLIC} {effect.marker}"


def admit_key(effect: fx.AdmitTunnelKey) -> tuple[Hand, ...]:
    """For nothing but connections to the primary's port."""
    path = f"~{effect.login}/.ssh/authorized_keys"
    seen = msg("PUBLIC-KEY is that of {path}", path=f"{effect.directory}/id_ed25519.pub")
    return (Hand(effect.node, Kind.INSERT, _line(effect), seen, effect.login, path),)


def expel_key(effect: fx.ExpelTunnelKey) -> tuple[Hand, ...]:
    """That line alone."""
    path = f"~{effect.login}/.ssh/authorized_keys"
    return (Hand(effect.node, Kind.REMOVE, _line(effect), msg("every other line stays"), effect.login, path),)


def try_tunnel(effect: fx.TryTunnel) -> tuple[Hand, ...]:
    """As it will be used."""
    tunnel = effect.tunnel
    command = shlex.join(["timeout", "30", *tunnel.argv("-W", tunnel.there)])
    return (shell(effect.node, f"cd {_q(tunnel.directory)} && {command} </dev/null; echo $?", expected=literally("0")),)


def run_tunnel(effect: fx.RunTunnel) -> tuple[Hand, ...]:
    """A unit of its own."""
    tunnel = effect.tunnel
    return (
        shell(
            effect.node,
            written(tunnel.unit_path, tunnel.unit_text(effect.marker)),
            user=ROOT,
            expected=msg("no error"),
        ),
        shell(
            effect.node,
            "systemctl daemon-reload",
            f"systemctl enable --now {_q(tunnel.unit)}",
            f"ss -ltn 'sport = :{tunnel.port}'",
            user=ROOT,
            expected=msg("it listens on 127.0.0.1:{port}", port=tunnel.port),
        ),
    )


def remove_tunnel(effect: fx.RemoveTunnel) -> tuple[Hand, ...]:
    """Stopped, disabled, gone."""
    unit = _q(effect.unit)
    return (
        shell(
            effect.node,
            f"systemctl disable --now {unit}",
            f"rm /etc/systemd/system/{unit}",
            "systemctl daemon-reload",
            user=ROOT,
            expected=msg("no error"),
        ),
    )
