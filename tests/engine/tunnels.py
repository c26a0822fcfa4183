"""What the effects of a tunnel do to the toy world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.message import msg
from standbyctl.domain.tunnel import Trace, TunnelSeen
from tests.engine.toy import Toy

Deed = Iterator[None]


def _change(toy: Toy, **changes: Any) -> None:
    toy.on_standby(tunnel=replace(toy.place.tunnel, **changes))


def _of_another_key(seen: TunnelSeen) -> Trace:
    return Trace.OTHER if seen.line is Trace.OURS else seen.line


def make_key(toy: Toy, effect: fx.MakeTunnelKey) -> Deed:
    if toy.place.tunnel.key is not Trace.OURS:
        yield
        _change(toy, key=Trace.OURS, known=False, line=_of_another_key(toy.place.tunnel))


def trust_host(toy: Toy, effect: fx.TrustHost) -> Deed:
    assert toy.place.tunnel.key is Trace.OURS
    yield
    _change(toy, known=True)


def remove_key(toy: Toy, effect: fx.RemoveTunnelKey) -> Deed:
    assert not toy.place.tunnel.running, "its key is taken from a tunnel that runs"
    yield
    _change(toy, known=False)
    yield
    _change(toy, key=Trace.ABSENT, line=_of_another_key(toy.place.tunnel))


def admit_key(toy: Toy, effect: fx.AdmitTunnelKey) -> Deed:
    assert toy.place.tunnel.key is Trace.OURS
    yield
    _change(toy, line=Trace.OURS)


def expel_key(toy: Toy, effect: fx.ExpelTunnelKey) -> Deed:
    yield
    if toy.place.tunnel.line in {Trace.OURS, Trace.OTHER}:
        _change(toy, line=Trace.ABSENT)


def try_tunnel(toy: Toy, effect: fx.TryTunnel) -> Deed:
    seen = toy.place.tunnel
    if not (seen.key is seen.line is Trace.OURS and seen.known):
        raise StoppedError("A214", msg("ssh does not get in"))
    yield


def run_tunnel(toy: Toy, effect: fx.RunTunnel) -> Deed:
    yield
    _change(toy, unit=Trace.OURS)
    yield
    _change(toy, running=True)


def remove_tunnel(toy: Toy, effect: fx.RemoveTunnel) -> Deed:
    assert not toy.place.running, "its tunnel is taken from a standby that runs"
    if toy.place.tunnel.unit in {Trace.OURS, Trace.OTHER}:
        yield
        _change(toy, running=False)
        yield
        _change(toy, unit=Trace.ABSENT)


DEEDS: dict[type[Any], Callable[[Toy, Any], Deed]] = {
    fx.MakeTunnelKey: make_key,
    fx.TrustHost: trust_host,
    fx.RemoveTunnelKey: remove_key,
    fx.AdmitTunnelKey: admit_key,
    fx.ExpelTunnelKey: expel_key,
    fx.TryTunnel: try_tunnel,
    fx.RunTunnel: run_tunnel,
    fx.RemoveTunnel: remove_tunnel,
}
