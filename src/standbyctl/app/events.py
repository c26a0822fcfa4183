"""What a watch has told, read from its history."""

from __future__ import annotations

from pathlib import Path

from standbyctl.app.cluster import open_cluster
from standbyctl.app.config import Config
from standbyctl.app.state import State
from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.message import msg
from standbyctl.monitor.files import history_path
from standbyctl.nodes.clock import SystemClock


def find_history(asked: str, name: str, config: Config, state: State) -> Path:
    """Of the cluster that is asked for. With nothing asked, the only one there is; no server is needed then."""
    found = sorted((state.root / "history").glob("*.db"))
    if not asked and len(found) == 1:
        return found[0]
    with open_cluster(asked, name, config, state, SystemClock()) as cluster:
        path = history_path(state.root, cluster.system_identifier)
    if not path.exists():
        raise no_history(path)
    return path


def no_history(path: Path) -> CannotTellError:
    """Nobody has watched."""
    return CannotTellError(
        "M611",
        msg("there is no history of this cluster"),
        detail=msg("History: {path}.", path=path),
        hint=msg("It is written by: standbyctl watch"),
    )
