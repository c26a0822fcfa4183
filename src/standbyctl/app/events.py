"""What a watch has told, read from its history."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from standbyctl.app.cluster import open_cluster
from standbyctl.app.config import Config
from standbyctl.app.state import State
from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.event import Event
from standbyctl.domain.message import msg
from standbyctl.domain.record import dataclass
from standbyctl.monitor.boot import this_boot
from standbyctl.monitor.files import history_path
from standbyctl.monitor.recall import last_number, recall_events
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


# A file that is damaged is set aside by its watch, and a new one begun; who follows waits so long for that.
PATIENCE_SECONDS = 15.0


@dataclass(slots=True)
class Following:
    """Events as they come, each once, also over the end of a history and the beginning of another in its place."""

    path: Path
    _last: int = 0
    _file: tuple[int, int] | None = None
    _failing_since: float | None = None

    def begin(self, now_wall: float, since_seconds: float) -> Sequence[Event] | None:
        """Those of the last so many seconds; None where there is no history yet."""
        # Those that come are after all that there are, also where none of them is of that time.
        self._file, self._last = self._which(), last_number(self.path)
        found = recall_events(self.path, now_wall, since_seconds, boot=this_boot())
        return None if found is None else self._told(found)

    def take(self, now_wall: float, monotonic: float) -> Sequence[Event]:
        """Those that have come since; CannotTellError where nothing can be read for a while."""
        file = self._which()
        try:
            if file != self._file or last_number(self.path) < self._last:
                self._file, self._last = file, 0  # another one: numbers begin again
            found = recall_events(self.path, now_wall, after=self._last) or ()
        except CannotTellError:
            if self._failing_since is None:
                self._failing_since = monotonic
            if monotonic - self._failing_since > PATIENCE_SECONDS:
                raise
            return ()
        self._failing_since = None
        return self._told(found)

    def _told(self, found: Sequence[tuple[int, Event]]) -> Sequence[Event]:
        self._last = max([self._last, *(number for number, _ in found)])
        return [event for _, event in found]

    def _which(self) -> tuple[int, int] | None:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_dev, stat.st_ino
