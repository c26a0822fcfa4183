"""Real time."""

from __future__ import annotations

import secrets
import time
from functools import cache
from pathlib import Path


@cache
def boot_id() -> str:
    """Another one with each start of this host; the same in all of its containers."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return secrets.token_hex(16)  # not told here: of no other process's start then


def elapsed_seconds() -> float:
    """Since that start: goes on while the host sleeps, and nobody sets it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SystemClock:
    """The clock of this machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
