"""The tutorial is run as it stands: every command, in one shell, and what each prints is compared.

What a reader takes from their own screen (where the demo is, which port it has) is taken from the demo that runs here.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from standbyctl.lab.server import Area, stop_server
from tests.docs.console import Shell, follow, read_commands, reader

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"


def own_values(demo):
    """What a reader takes over from the end of what `demo --keep` prints."""
    path = re.search(r"export STANDBYCTL_STATE=(\S+)/state", demo)
    port = re.search(r"psql '.*\bport=(\d+)", demo)
    assert path, demo
    assert port, demo
    return path[1], f"port={port[1]}"


@pytest.fixture
def state(tmp_path):
    """Where the demo is written down; whatever was left running is ended, and removed."""
    directory = tmp_path / "state"
    yield directory
    note = directory / "demo.json"
    if not note.exists():
        return
    kept = json.loads(note.read_text())
    path = Path(kept["area"])
    if path.is_dir():
        area = Area(path, kept["user"], Path(kept["bin"]), kept["major"])
        for data in path.iterdir():
            if data.is_dir():
                stop_server(area, data)
        stop = [sys.executable, "-m", "standbyctl", "demo", "stop"]
        subprocess.run(stop, env=os.environ | {"STANDBYCTL_STATE": str(directory)}, check=True)


@pytest.fixture
def shell(tmp_path, state):
    """A reader's shell."""
    made = Shell(reader(STANDBYCTL_STATE=str(state)), tmp_path)
    yield made
    made.close()


def processes_of(path):
    """The command lines that name a directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found += [line] if path in line else []
    return found


def is_soon_so(question, seconds=10):
    """Whether it comes true; what was told to end needs a moment."""
    deadline = time.monotonic() + seconds
    while not question() and time.monotonic() < deadline:
        time.sleep(0.1)
    return question()


@pytest.mark.live
@pytest.mark.timeout(180)
def test_every_command_of_the_tutorial_works_and_says_what_the_tutorial_shows(shell):
    first, *rest = read_commands(TUTORIAL.read_text())
    assert first.text == "standbyctl demo --keep"
    assert rest[-1].text == "standbyctl demo stop"
    shown = own_values("\n".join(first.expected))
    here = own_values(follow(shell, TUTORIAL, [first], {}))
    follow(shell, TUTORIAL, rest, dict(zip(shown, here, strict=True)))
    assert not Path(here[0]).exists()
    assert is_soon_so(lambda: processes_of(here[0]) == []), processes_of(here[0])
