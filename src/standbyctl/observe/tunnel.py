"""What there is of a tunnel, on both its hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from standbyctl.domain.tunnel import Trace, TunnelSeen


def tunnel_lines(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Keys of which there may be several, one a line."""
    found = {key: [each for name, each in pairs if name == key] for key in ("tunnel_line", "tunnel_odd_line")}
    return {key: "\n".join(values) for key, values in found.items() if values}


def parse_tunnel(probe: Mapping[str, str]) -> TunnelSeen:
    """From what both hosts say of it.

    >>> parse_tunnel({"tunnel_key": "ours", "tunnel_public": "ssh-ed25519 AA", "tunnel_line": "ssh-ed25519 AA"}).line
    <Trace.OURS: 'ours'>
    >>> parse_tunnel({"tunnel_line": "ssh-ed25519 AA"}).line
    <Trace.OTHER: 'other'>
    """
    known = probe.get("tunnel_known", "")
    return TunnelSeen(
        key=Trace(probe.get("tunnel_key", "absent")),
        known=bool(known) and known == probe.get("tunnel_host_keys"),
        line=_line(probe),
        unit=Trace(probe.get("tunnel_unit", "absent")),
        running=probe.get("tunnel_running") == "yes",
    )


def _line(probe: Mapping[str, str]) -> Trace:
    """One line for our key is what we want; one with other options before the same key is somebody's change."""
    key, lines = probe.get("tunnel_public"), probe.get("tunnel_line", "")
    if lines:
        return Trace.OURS if lines.split("\n") == [key] else Trace.OTHER
    odd = probe.get("tunnel_odd_line", "").split("\n")
    return Trace.CHANGED if key and any(f" {key} " in f" {line} " for line in odd) else Trace.ABSENT
