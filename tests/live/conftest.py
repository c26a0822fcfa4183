"""Refusals, looked at whole: plan and attach say the same, to the letter, and nothing is changed."""

import re
import subprocess
import sys

import pytest


@pytest.fixture
def refuse(pair, golden):
    """Run attach, compare what it says with a golden file, and see that nothing has changed."""

    def run(name, status, *args, env=None, prefix=()):
        before, beside = pair.raw(), pair.beside()
        planned = call(pair, "plan", args, env, prefix)
        done = call(pair, "attach", (*args, "--yes"), env, prefix)
        assert done.returncode == status, done.stdout + done.stderr
        assert planned.returncode == status, planned.stdout + planned.stderr
        assert scrub(pair, planned.stderr) == scrub(pair, done.stderr), "plan and attach must say the same"
        assert "Nothing was changed" in done.stderr
        assert pair.raw() == before
        assert pair.beside() == beside
        assert pair.journal() == []
        golden(f"{name}.txt", scrub(pair, done.stderr))

    return run


def call(pair, verb, args, env, prefix):
    if not prefix:
        return pair.tool(verb, *args, env=env)
    return subprocess.run(
        [*prefix, sys.executable, "-m", "standbyctl", verb, *map(str, args)],
        env=pair.env | (env or {}), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def scrub(pair, text):
    """Take out what differs from run to run, and the line breaks that depend on it."""
    text = re.sub(r"\n {8}", " ", text)
    text = (
        text.replace(str(pair.area.path), "DIR").replace(str(pair.primary.port), "PORT").replace(str(pair.port), "PORT")
    )
    text = re.sub(r"\b[a-z0-9_]+_PORT\b", "HOST_PORT", text)
    text = re.sub(r"server at \"[^\"]*\", port", 'server at "ADDRESS", port', text)
    text = re.sub(r"port \d+ failed", "port PORT failed", text)
    # What libpq says of a server that is none depends on how far it got.
    text = re.sub(r"failed: (server closed the connection|SSL error: unexpected eof).*", "failed: ...", text)
    text = re.sub(r"/tmp/sb-\w+", "DIR", text)
    text = re.sub(r"PostgreSQL \d\d\b", "PostgreSQL NN", text)
    text = re.sub(r"\b(\d+ d \d+ h|\d+ h \d+ min|\d+ min \d+ s|\d+\.\d s|2\d s)(?= ago\b)", "PERIOD", text)
    return re.sub(r"\d+(\.\d+)? [kMG]B", "SIZE", text)
