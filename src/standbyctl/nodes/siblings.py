"""Runs of our own side by side: each in a process, heard line by line; they end when we do."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import selectors
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess

OUT, ERR = 1, 2
Hear = Callable[[str, int, str], None]
_PIECE = 1 << 16


def side_by_side(jobs: Mapping[str, Callable[[], None]], hear: Hear, columns: int) -> dict[str, int]:
    """The exit status of each job; negative: the signal that ended it.

    `hear` is told of every line: whose, on which of OUT and ERR, and what. `columns`: how wide they may write. What
    interrupts us (KeyboardInterrupt) interrupts them, and they are heard to their end all the same.
    """
    living, ours = os.pipe()
    processes: dict[str, BaseProcess] = {}
    fork = multiprocessing.get_context("fork")
    ears: dict[int, tuple[str, int]] = {}
    try:
        for name, job in jobs.items():
            pipes = {OUT: os.pipe(), ERR: os.pipe()}
            # Forked, not begun anew: we may be one file (a zipapp) that nobody can be told to run again. No session of
            # ours is open now, and there is one thread.
            process: BaseProcess = fork.Process(
                target=_live, args=(job, {number: pipes[number][1] for number in pipes}, living, ours, columns)
            )
            process.start()
            processes[name] = process
            for number, (read, write) in pipes.items():
                os.close(write)
                ears[read] = (name, number)
        _listen(ears, processes, hear)
    finally:
        # Whoever still lives reads our end of it.
        os.close(ours)
        os.close(living)
        for process in processes.values():
            process.join()
    return {name: process.exitcode or 0 for name, process in processes.items()}


def _live(job: Callable[[], None], write: dict[int, int], living: int, ours: int, columns: int) -> None:
    os.close(ours)
    for number, pipe in write.items():
        os.dup2(pipe, number)
        os.close(pipe)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.environ["COLUMNS"] = str(columns)
    threading.Thread(target=_end_with, args=(living,), daemon=True).start()
    job()
    sys.stdout.flush()


def _end_with(living: int) -> None:
    os.read(living, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _encoding() -> str:
    """That of our own output, which is theirs too."""
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def _listen(ears: dict[int, tuple[str, int]], processes: Mapping[str, BaseProcess], hear: Hear) -> None:
    begun = dict.fromkeys(ears, b"")
    with selectors.DefaultSelector() as selector:
        for ear in ears:
            selector.register(ear, selectors.EVENT_READ)
        while selector.get_map():
            try:
                for key, _ in selector.select():
                    piece = os.read(key.fd, _PIECE)
                    *lines, begun[key.fd] = (begun[key.fd] + piece).split(b"\n")
                    if not piece:
                        selector.unregister(key.fd)
                        os.close(key.fd)
                        lines = [begun[key.fd]] if begun[key.fd] else []
                    for line in lines:
                        hear(*ears[key.fd], line.decode(_encoding(), errors="replace"))
            except KeyboardInterrupt:
                for process in processes.values():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process.pid or 0, signal.SIGTERM)
