"""What a cluster holds of somebody: asked when a plan is made, and once more right before it is stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from standbyctl.domain.errors import StandbyctlError
from standbyctl.nodes.ports import Server
from standbyctl.nodes.world import script_text

_DATABASES = ("postgres", "template1")
_SECONDS = 10


def ask_holding(server: Server) -> Mapping[str, Any]:
    """What the cluster says of itself, with all that it holds of somebody; empty where it cannot be asked.

    Of both databases that everybody has and that let themselves be connected to: what is in template1 goes into
    every new one.
    """
    said: dict[str, Any] = {}
    holds: list[str] = []
    for database in _DATABASES:
        try:
            session = server.session(database)
            try:
                [(said,)] = session.rows(script_text("holding.sql"), timeout_seconds=_SECONDS)
            finally:
                session.close()
        except StandbyctlError:
            return {}
        holds += said["holds"]
    return {**said, "holds": sorted(set(holds))}
