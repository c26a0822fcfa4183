"""Console blocks of a page: read, run in one shell, and compared with what the page shows.

Numbers, sizes, times, paths and line breaks may differ; words may not. A line of "..." stands for any lines.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from standbyctl.lab.bindirs import find_bin_directories

ANY = "..."


@dataclass
class Command:
    """A line that begins with "$ ", and the lines below it that it prints."""

    line: int
    text: str
    expected: list[str] = field(default_factory=list)


def read_commands(markdown):
    """The commands of every ```console block, in order."""
    found, inside = [], False
    for number, line in enumerate(markdown.splitlines(), 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            found.append(Command(number, line.removeprefix("$ ")))
        elif inside:
            assert found, f"line {number}: output of no command"
            found[-1].expected.append(line)
    return found


# --- what may differ

DIFFERS = [
    (r"(?m)^ {8}(copying|starting|STALLED).*\n|(?m:^ {8}.*slot holds .*\n)", ""),  # as often as the copy is slow
    (r"(?m)(\bdone) +\d.*$", r"\1"),  # how long a step took is said from one second on
    (r"/tmp/standbyctl-\w+/wheel/\S*/bin/|/\S*/bin/(?=p)", "BIN/"),
    (r"/tmp/standbyctl-\w+", "DEMO"),
    (r"(?<![\w.])[0-9A-F]+/[0-9A-F]+\b", "LSN"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:\d\d)?", "WHEN"),
    # Whether a standby has it all at that moment is a matter of the load.
    (
        r"has all but [\d.]+ [kMG]?B of its WAL, just written",
        "has all of its WAL, but for what was written since this look",
    ),
    (r"\b\d+(\.\d+)? ?(B|kB|MB|GB|TB)\b", "SIZE"),
    (r"\b\d+(\.\d+)? ((ms|s|min|h|d)\b|秒|分|時間|日)( \d+ ((s|min|h)\b|秒|分|時間))?", "DURATION"),
    (r"(?<![A-Za-z_])\d+(\.\d+)*", "N"),
    (r"-{2,}", "--"),  # the rules of a table are as wide as what stands in it
]


def words(text):
    """What is compared: the words, however they are wrapped."""
    for pattern, instead in DIFFERS:
        text = re.sub(pattern, instead, text)
    return text.split()


def difference(expected, output):
    """Where an output is not what the tutorial shows, or an empty text."""
    seen, at = words(output), 0
    chunks = [words(chunk) for chunk in re.split(rf"(?m)^ *{re.escape(ANY)} *$\n?", "\n".join(expected) + "\n")]
    for number, chunk in enumerate(chunks):
        if number == len(chunks) - 1 and len(chunks) > 1 and chunk:
            start = len(seen) - len(chunk)
        elif number == 0:
            start = 0
        else:
            start = next((n for n in range(at, len(seen)) if seen[n : n + len(chunk)] == chunk), at)
        if start < at or seen[start : start + len(chunk)] != chunk:
            return f"not found: {' '.join(chunk)}\n       in: {' '.join(seen[at:])}"
        at = start + len(chunk)
    if len(chunks) == 1 and at != len(seen):
        return f"more than expected: {' '.join(seen[at:])}"
    return ""


# --- running it


class Shell:
    """One bash: what a command exports, and where it goes, is so for the next one too."""

    MARK = "=== end of a command, status"

    def __init__(self, env, cwd):
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env, cwd=cwd,
        )  # fmt: skip

    def run(self, command):
        """Its exit status and all that it printed."""
        self.process.stdin.write(f"{{ {command}\n}} </dev/null\nprintf '\\n{self.MARK} %d\\n' $?\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.startswith(self.MARK):
                return int(line.split()[-1]), "".join(lines)[:-1]
            lines.append(line)
        raise AssertionError(f"the shell has ended: {command}\n{''.join(lines)}")

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def reader(**settings):
    """The environment of somebody who reads: the tool and PostgreSQL's programs are on the path."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "STANDBYCTL"))}
    path = [str(Path(sys.executable).parent), kept["PATH"], str(find_bin_directories()[0].path)]
    return kept | {"PATH": os.pathsep.join(path), "LC_ALL": "C", "COLUMNS": "96"} | settings


def follow(shell, page, commands, own):
    """Run them; each must succeed and say what the page shows. `own`: what the page has, and what it is here."""

    def here(text):
        for shown, mine in own.items():
            text = text.replace(shown, mine)
        return text

    for command in commands:
        status, output = shell.run(here(command.text))
        where = f"{page.name}:{command.line}: {command.text}\n{output}"
        assert status == 0, f"exit status {status}: {where}"
        assert not (why := difference([here(line) for line in command.expected], output)), f"{why}\n{where}"
    return output
