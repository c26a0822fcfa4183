"""Lines about a tunnel, where there is to be one."""

from __future__ import annotations

from standbyctl.domain.message import msg
from standbyctl.planner.checks.line import Line, Seen, View, fine
from standbyctl.steps.tunnel import AdmitTunnel, OpenTunnel, ProvideTunnelKey


def _way_in(view: View) -> Seen:
    tunnel, approach = view.target.tunnel, view.sample.approach
    if not approach.reached:
        return fine("{account}: not reached", account=tunnel.account)
    return fine("{account} answers, with the key of {node}'s host", account=tunnel.account, node=view.target.primary)


def _unit(view: View) -> Seen:
    tunnel, running = view.target.tunnel, view.place.tunnel.running
    text = "{unit} keeps 127.0.0.1:{port} open" if running else "{unit} is to keep 127.0.0.1:{port} open"
    return fine(text, unit=tunnel.unit, port=tunnel.port)


PRIMARY_LINES = (Line("P138", msg("sshd"), _way_in, (AdmitTunnel,)),)
STANDBY_LINES = (Line("P214", msg("tunnel"), _unit, (OpenTunnel, ProvideTunnelKey)),)
