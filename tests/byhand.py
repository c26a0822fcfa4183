"""A careful person with an exported runbook: types what it says, to the letter, and looks at what it expects."""

import itertools
import os
import re
import shlex
import subprocess
import time
from pathlib import Path

from standbyctl.domain.difference import differences
from standbyctl.ui import i18n

WAYS = {
    "shell": "On {node}, as {user}:",
    "sql": "On {node}, in psql:",
    "remove": "On {node}, as {user}, take this line out of {path}:",
    "append": "On {node}, as {user}, put this line at the end of {path}:",
    "insert": "On {node}, as {user}, put this line into {path}, as its line {n}:",
    "here": "Where standbyctl runs:",
}


def unescaped(text):
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


class Reader:
    """The runbook's chapters, in one language: what is typed where. Nothing but the paper is known."""

    def __init__(self, paper, language):
        i18n.use(language)
        try:
            self._ways = {kind: self._pattern(i18n.translate(way)) for kind, way in WAYS.items()}
            chapters = [
                i18n.translate(each) for each in ("Preparation", "Steps", "Way back", "When to stop and go back")
            ]
            given_up = i18n.translate("Where the base backup was given up before its end")
        finally:
            i18n.use("en")
        starts = [paper.index(f"\n## {unescaped(each)}\n") for each in chapters]
        self.before, self.steps, self.back = (paper[a:b] for a, b in itertools.pairwise(starts))
        # Only where the copy was not finished.
        self.back, _, self.given_up = self.back.partition(f"\n### {unescaped(given_up)}\n")
        rows = [line.strip("| ").split(" | ") for line in self.before.splitlines() if line.startswith("| ")]
        self.psql = {unescaped(row[0]): row[3].strip("`") for row in map(list, rows[2:])}

    @staticmethod
    def _pattern(way):
        parts = re.split(r"\{(\w+)\}", way)
        return re.compile(
            "".join(re.escape(part) if n % 2 == 0 else f"(?P<{part}>[^, ]+)" for n, part in enumerate(parts))
        )

    def typed(self, chapter):
        """Of every block of code below a caption: how, where, and what."""
        for caption, text in re.findall(r"(?m)^(.+)\n\n```\w*\n((?:.*\n)*?)```", chapter):
            found = next(((kind, way.fullmatch(unescaped(caption))) for kind, way in self._ways.items()
                          if way.fullmatch(unescaped(caption))), None)  # fmt: skip
            if found:
                yield found[0], found[1].groupdict(), text.removesuffix("\n")


class Person:
    """Follows a chapter. `shell(node, user, text)` and `psql(node, command, text)` give exit status and output."""

    def __init__(self, reader, shell, psql):
        self.reader, self._shell, self._psql = reader, shell, psql
        self.key = self.password = self.lsn = self.location = ""
        self.log = []

    def follow(self, chapter):
        for kind, where, text in self.reader.typed(chapter):
            self.log.append(f"{kind} {where}: {text}")
            getattr(self, kind)(text=text, **where)

    def shell(self, node, user, text):
        status, out = self._shell(node, user, text)
        assert status == 0, f"{text}\n{out}"
        if found := re.search(r"key ([0-9a-f]{16})\n", out):
            self.key = found[1]
        if found := re.search(r"Latest checkpoint location: *(\S+)", out):
            self.location = found[1]
            assert "shut down\n" in out, out
        if text.startswith("sed -n '2s/"):
            self.password = out.strip()

    def here(self, text):
        status, out = self._shell("", "", text)
        assert status == 0, f"{text}\n{out}"

    def sql(self, node, text):
        typed = text.replace("key KEY,", f"key {self.key},").replace("'LOCATION'", f"'{self.location}'")
        if "\\password" in text:
            typed += f"\n{self.password}\n{self.password}"
        command = shlex.split(self.reader.psql[node])
        for _ in range(300):
            status, out = self._psql(node, command, typed + "\n")
            assert status == 0, f"{typed}\n{out}"
            assert "ERROR" not in out, f"{typed}\n{out}"
            if text.startswith(("SELECT pg_create_physical", "SELECT pg_drop_replication")):
                assert "(1 row)" in out, f"{typed}\n{out}"
            if not self._again(text, out):
                return
            time.sleep(0.2)
        raise AssertionError(f"{text}: not in time\n{out}")

    def _again(self, text, out):
        """Whether what is waited for is not there yet."""
        if "pg_current_wal_flush_lsn" in text:
            self.lsn = re.findall(r"[0-9A-F]+/[0-9A-F]+", out)[-1]
        if "LOCATION" in text:
            return "\n t\n" not in out
        if text.startswith("SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn"):
            return number(re.findall(r"[0-9A-F]+/[0-9A-F]+", out)[-1]) < number(self.lsn)
        return bool(re.match(r"SELECT (NOT )?EXISTS", text)) and "\n t" not in out

    def _edit(self, node, user, path, change):
        status, old = self._shell(node, user, f"cat {shlex.quote(path)}")
        assert status == 0
        lines = old.split("\n")
        change(lines)
        new = "\n".join(lines)
        status, out = self._shell(
            node, user, f"cat >{shlex.quote(path)} <<'THE-END'\n{new.removesuffix(chr(10))}\nTHE-END"
        )
        assert status == 0, out

    def append(self, node, user, path, text):
        self._edit(node, user, path, lambda lines: lines.insert(len(lines) - 1, text))

    def insert(self, node, user, path, n, text):
        self._edit(node, user, path, lambda lines: lines.insert(int(n) - 1, text))

    def remove(self, node, user, path, text):
        self._edit(node, user, path, lambda lines: lines.remove(text))


def number(lsn):
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def run_here(user, argv, text="", env=None):
    """As a user of this machine, with no terminal: what is asked for is answered on standard input."""
    words = ["setsid", "-w", *(["runuser", "-u", user, "--"] if os.geteuid() == 0 else []), *argv]
    done = subprocess.run(words, input=text, env=env, capture_output=True, text=True, cwd="/", timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def read_paper(path):
    return Path(path).read_text(encoding="utf-8")


def unlike(look, facts):
    """What is other than the facts, and stays so: a psql that has ended is a session for a moment more."""
    deadline = time.monotonic() + 15
    while (found := differences(facts, look())) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found
