"""What ends our talks on another host where the line to it is cut: its sshd may not notice for hours.

A psql that waits for us would hold its advisory lock so long, and a lock on a directory would stay.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from standbyctl.nodes.children import PipedChild

# We have given up by then: ssh does after 15 s, and so does whoever asks for a lock.
BEAT_SECONDS = 5
SILENCE_SECONDS = 20
# Lines come: +PID and -PID of process groups, and others that only say that we live. Where none comes for a while, or
# never again, the groups that are left end. (`read` takes one byte at a time, so nothing of the next line is lost.)
WATCH = f"""
pids=
while line=$(timeout --foreground {SILENCE_SECONDS} sh -c 'IFS= read -r line && printf "%s" "$line"'); do
    case $line in
    +*) pids="$pids -${{line#+}}" ;;
    -*) pids=$(printf '%s' "$pids " | sed "s/ $line / /; s/ *$//") ;;
    esac
done
[ -z "$pids" ] || kill -TERM $pids 2>/dev/null
"""


class Lifeline:
    """One a host and user, for as long as there is anything to end. `argv`: what runs WATCH there."""

    def __init__(self, argv: Callable[[], list[str]]) -> None:
        self._argv = argv
        self._child: PipedChild | None = None
        self._held: set[str] = set()
        self._lock, self._over = threading.Lock(), threading.Event()

    def hold(self, pid: str) -> None:
        """From now on this process group ends where we are not heard of any more."""
        with self._lock:
            if self._child is None:
                self._child, self._over = PipedChild(self._argv(), None, fed=True), threading.Event()
                threading.Thread(target=self._beating, args=(self._child, self._over), daemon=True).start()
            self._held.add(pid)
            self._tell(self._child, f"+{pid}")

    def release(self, pid: str) -> None:
        """It has ended."""
        with self._lock:
            if self._child is None or pid not in self._held:
                return
            self._held.discard(pid)
            self._tell(self._child, f"-{pid}")
            if not self._held:
                self._over.set()
                self._child.finish(1)
                self._child.end()
                self._child = None

    def _beating(self, child: PipedChild, over: threading.Event) -> None:
        while not over.wait(BEAT_SECONDS):
            with self._lock:
                if not over.is_set():
                    self._tell(child, ".")

    @staticmethod
    def _tell(child: PipedChild, line: str) -> None:
        # Where the line is lost, whoever talks is told so; here there is nobody to tell.
        with contextlib.suppress(OSError, ValueError):
            child.feed(f"{line}\n".encode())
