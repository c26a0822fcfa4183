"""A screen that is drawn anew in place, and the keys that steer it."""

from __future__ import annotations

import os
import select
import shutil
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from standbyctl.domain.message import msg
from standbyctl.ui.render import text
from standbyctl.ui.width import cells

# The terminal's other screen, without a cursor; and back.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"


def live(frame: Callable[[], str], every_seconds: float) -> None:
    """Until q: a frame each so many seconds; a blank stops it, and lets it go on; any other key is a frame now.

    What is not a terminal gets one frame after the other.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        _stream(frame, every_seconds)
        return
    with _screen():
        paused, shown = False, ""
        while True:
            if not paused:
                shown = frame()
            _draw(shown, paused=paused)
            key = _key(None if paused else every_seconds)
            if key in {"q", "Q", "\x04", ""}:
                return
            if key == " ":
                paused = not paused


def _stream(frame: Callable[[], str], every_seconds: float) -> None:
    while True:
        sys.stdout.write(f"{frame()}\n\n")
        sys.stdout.flush()
        time.sleep(every_seconds)


@contextmanager
def _screen() -> Iterator[None]:
    """Letter by letter, without echo; whatever ends it, the terminal is as it was."""
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    try:
        tty.setcbreak(number)
        sys.stdout.write(_ENTER)
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()


def _key(timeout_seconds: float | None) -> str | None:
    """What was pressed; None for nothing in that time, and empty where nobody can press anything any more."""
    ready, _, _ = select.select([sys.stdin], [], [], timeout_seconds)
    return os.read(sys.stdin.fileno(), 1).decode(errors="replace") if ready else None


def _draw(shown: str, *, paused: bool) -> None:
    columns, rows = shutil.get_terminal_size((80, 24))
    foot = msg("paused; space: go on, q: end") if paused else msg("space: pause, q: end")
    lines = shown.splitlines()
    if len(lines) > rows - 1:
        lines = [*lines[: rows - 2], text(msg("... {n} more lines", n=len(lines) - rows + 2))]
    body = "".join(f"{_cut(line, columns)}{_REST_OF_LINE}\r\n" for line in lines)
    sys.stdout.write(f"{_HOME}{body}{_REST}\x1b[{rows};1H{_cut(text(foot), columns)}{_REST_OF_LINE}")
    sys.stdout.flush()


def _cut(line: str, columns: int) -> str:
    """What fits: a line that is broken would move all below it."""
    if cells(line) <= columns:
        return line
    while line and cells(line) > columns - 1:
        line = line[:-1]
    return f"{line}>"
