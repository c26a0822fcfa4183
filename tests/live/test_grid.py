"""A grid of real primaries: attach succeeds exactly where preflight said so, and no primary is restarted."""

import itertools
import json
import shutil

import pytest

from tests.conftest import GRID
from tests.live.stages import reload, restarted
from tests.pair import Pair

pytestmark = [pytest.mark.live, pytest.mark.one_version, pytest.mark.timeout(1500)]

AXES = {
    "wal_level": ["replica", "logical", "minimal"],
    "max_wal_senders": ["10", "2", "1", "0"],
    "slots": ["10", "all taken", "0"],
    "pg_hba.conf": ["plain", "admits", "rejects", "broken"],
    "rights": ["superuser", "granted", "none"],
    "cap": ["-1", "1GB", "-1 and --wal-cap keep"],
    "synchronous": ["", "other", "*", "db2"],
}
# Most of a grid would be blocked by two things at once: a few rows in which nothing is in the way, but for one.
HANDMADE = [
    dict.fromkeys(AXES, 0),
    {**dict.fromkeys(AXES, 0), "wal_level": 1, "pg_hba.conf": 1, "cap": 1},
    {**dict.fromkeys(AXES, 0), "max_wal_senders": 1, "cap": 2, "synchronous": 1},
    {**dict.fromkeys(AXES, 0), "rights": 1, "pg_hba.conf": 1, "cap": 1},
    {**dict.fromkeys(AXES, 0), "rights": 1, "max_wal_senders": 1},
]


def pairwise():
    """Rows in which every value of an axis meets every value of every other (greedy, always the same)."""
    names = list(AXES)
    left = {
        (a, i, b, j)
        for a, b in itertools.combinations(names, 2)
        for i in range(len(AXES[a]))
        for j in range(len(AXES[b]))
    }
    rows = []

    def covered(row):
        return {(a, row[a], b, row[b]) for a, b in itertools.combinations(names, 2) if a in row and b in row}

    for row in HANDMADE:
        rows.append(dict(row))
        left -= covered(row)
    while left:
        row = {}
        for name in names:
            row[name] = max(range(len(AXES[name])), key=lambda i, name=name: len(covered(row | {name: i}) & left))
        if not covered(row) & left:
            a, i, b, j = min(left)
            row |= {a: i, b: j}
        rows.append(row)
        left -= covered(row)
    return [{name: AXES[name][row[name]] for name in names} for row in rows]


def build(pair, row):
    """The primary of one row, and what to give the tool."""
    slots = "1" if row["slots"] == "all taken" else row["slots"]
    senders = "0" if row["wal_level"] == "minimal" else row["max_wal_senders"]
    restarted(pair, wal_level=row["wal_level"], max_wal_senders=senders, max_replication_slots=slots)
    if row["slots"] == "all taken" and row["wal_level"] != "minimal":
        pair.primary.rows("SELECT pg_create_physical_replication_slot('other')")
    hba = pair.primary.data / "pg_hba.conf"
    extra = {
        "plain": "",
        "admits": "host replication all 127.0.0.1/32 scram-sha-256\n",
        "rejects": "host replication all 0.0.0.0/0 reject\n",
        "broken": "hots all all all trust\n",
    }
    hba.write_text(hba.read_text() + extra[row["pg_hba.conf"]])
    if row["cap"] == "1GB":
        pair.primary.rows("ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'")
    if row["synchronous"]:
        pair.primary.rows("ALTER SYSTEM SET synchronous_commit = local")
        pair.primary.rows(f"ALTER SYSTEM SET synchronous_standby_names = '{row['synchronous']}'")
    reload(pair)
    return [*rights(pair, row["rights"]), *(["--wal-cap", "keep"] if "keep" in row["cap"] else [])]


def rights(pair, kind):
    """Options for a tool that connects as somebody, with the grants that the README prints, or without."""
    if kind == "superuser":
        return pair.where
    pair.primary.rows(f"CREATE ROLE keeper LOGIN REPLICATION PASSWORD '{pair.primary.password}'")
    pair.primary.rows(f"CREATE ROLE walrus LOGIN REPLICATION PASSWORD '{pair.primary.password}'")
    passfile = pair.area.path / "walrus.pgpass"
    passfile.write_text(f"*:*:*:walrus:{pair.primary.password}\n")
    passfile.chmod(0o600)
    shutil.chown(passfile, pair.area.user)
    where = ["-p", pair.primary.conninfo.replace("user=postgres", "user=keeper"), *pair.where[2:]]
    if kind == "granted":
        # Some are found missing only once others are there.
        theirs = [*where, "--role", "walrus", "--passfile", str(passfile)]
        for _ in range(2):
            for statement in grants(pair, theirs):
                pair.primary.rows(statement)
    return [*where, "--role", "walrus", "--passfile", str(passfile)]


def grants(pair, where):
    """What the tool prints as missing, to the letter, run by a superuser."""
    done = pair.tool("plan", *where, env={"PGPASSFILE": str(everybody(pair))})
    return [line.strip() for line in done.stderr.splitlines() if line.startswith("        ") and line.endswith(";")]


def everybody(pair):
    """A passfile for whoever the tool connects as."""
    path = pair.area.path / "state-everybody.pgpass"
    path.write_text(f"*:*:*:*:{pair.primary.password}\n")
    path.chmod(0o600)
    return path


@pytest.mark.seldom
def test_attach_succeeds_exactly_where_preflight_said_so(template, record_property):
    lines, strange = [], []
    for row in pairwise():
        pair = Pair.make(template)
        try:
            where = build(pair, row)
            env = {"PGPASSFILE": str(everybody(pair))}
            started = pair.started_at()
            looked = pair.tool("preflight", *where, "--json", env=env)
            done = pair.tool("attach", *where, "--yes", env=env)
            record = json.loads(looked.stdout)
            codes = [each["code"] for each in record.get("blockers", record.get("errors", []))]
            verdict = record.get("verdict", "CANNOT TELL")
            ready = verdict == "READY"
            streams = pair.primary.rows("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'") == [(1,)]
            same = ready == streams == (done.returncode == 0) and looked.returncode == done.returncode
            if not same or pair.started_at() != started:
                strange.append((row, looked.stdout, looked.stderr, done.stdout, done.stderr))
            lines.append(
                f"{verdict:<11} attach {done.returncode}  {', '.join(row.values())}  {' '.join(dict.fromkeys(codes))}"
            )
        finally:
            pair.end()
    record_property(GRID, lines)
    assert not strange
    assert {line.split()[0] for line in lines} == {"READY", "BLOCKED", "CANNOT"}
