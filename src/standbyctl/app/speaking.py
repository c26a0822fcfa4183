"""What takes long, and is not a deed that tells how far it is: that it goes on is said now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from standbyctl.domain.message import Message
from standbyctl.domain.progress import Note, Tell

EVERY_SECONDS = 5.0


@contextmanager
def speaking(tell: Tell, say: Callable[[int], Message], every_seconds: float = EVERY_SECONDS) -> Iterator[None]:
    """Tell, every so many seconds until it is left, what `say` makes of the seconds since it was entered."""
    ended = Event()

    def speak() -> None:
        waited = every_seconds
        while not ended.wait(every_seconds):
            tell(Note(say(round(waited))))
            waited += every_seconds

    thread = Thread(target=speak, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
