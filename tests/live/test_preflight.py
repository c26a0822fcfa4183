"""Preflight on real servers: each condition changes exactly its line; READY means that attach succeeds."""

import re
import shlex
import shutil
from datetime import UTC, datetime

import pytest

from standbyctl.domain.version import END_OF_LIFE, NEWEST_KNOWN
from tests.live import stages_place, stages_primary  # noqa: F401 they fill STAGES
from tests.live.stages import OWN, STAGES, lines_of, own_role, restarted
from tests.pair import Pair

pytestmark = [pytest.mark.live]

# What moves by itself: free room, rates, memory. Of these only the status is compared.
MOVING = {"P125", "P136", "P206", "P208", "P212"}


@pytest.fixture(scope="module")
def shared(template):
    made = Pair.make(template)
    yield made
    made.end()


@pytest.fixture(scope="module")
def plain(shared):
    return lines_of(shared)[0]


def staged(stage):
    """Where a version has no such setting, nothing can be staged."""
    marks = [pytest.mark.majors(stage.since, NEWEST_KNOWN)]
    if stage.mounts:
        marks.append(pytest.mark.needs("mount namespace"))
    return pytest.param(stage, id=stage.name, marks=marks)


@pytest.mark.parametrize("stage", [staged(stage) for stage in STAGES])
def test_a_condition_changes_exactly_its_line(shared, plain, stage):
    with stage.do(shared) as prefix:
        seen, found, status = lines_of(shared, *stage.args, prefix=prefix or ())
    assert seen[stage.code][0] == stage.status, seen[stage.code]
    assert stage.seen in seen[stage.code][1]
    changed = changes(seen, plain)
    assert changed <= stage.also | {stage.code}
    assert stage.also <= changed
    assert stage.code in changed or stage.code in MOVING
    assert_verdict(found, status)


def test_every_condition_was_taken_away_again(shared, plain, programs):
    for stage in STAGES[::8]:
        if programs.major >= stage.since and not stage.mounts:
            with stage.do(shared):
                pass
    assert not changes(lines_of(shared)[0], plain)


def changes(seen, plain):
    """Lines that say something else. Of what moves by itself only the status counts; a step's number does not."""

    def bare(code, lines):
        status, words, remedy = lines[code]
        words = re.sub(r"\([\d.]+ \w+ free\)", "", words)
        return status if code in MOVING else (status, words, re.sub(r"step \d+", "step", remedy or ""))

    return {code for code in plain if bare(code, seen) != bare(code, plain)}


def assert_verdict(found, status):
    blocked = [line["code"] for line in found["checks"] if line["status"] == "BLOCK"]
    assert sorted(set(blocked)) == sorted({each["code"] for each in found["blockers"]})
    assert found["verdict"] == ("BLOCKED" if blocked else "READY")
    assert (status != 0) == bool(blocked)


# Fewer walsenders or slots than enough have ways around (fetch, no slot); none at all of the first have none.
NEEDS = {"P102": "restart", "P103": "restart", "P104": "way around", "P105": "restart"}
RESTARTED = [
    ({"wal_level": "minimal", "max_wal_senders": "0"}, {"P102": "minimal", "P103": "0, 0 in use"}, {}),
    ({"max_wal_senders": "0"}, {"P103": "max_wal_senders is 0"}, {}),
    ({"max_replication_slots": "0"}, {"P104": "0, 0 in use"}, {}),
    ({"listen_addresses": ""}, {"P105": "not reached by TCP"}, {}),
    ({"archive_mode": "on", "archive_command": "false"}, {}, {"P121": "WARN", "P210": "OK"}),
    ({"wal_level": "logical"}, {}, {"P127": "WARN", "P102": "OK"}),
    ({"max_prepared_transactions": "2"}, {}, {"P123": "OK"}),
    ({"shared_preload_libraries": "plpgsql"}, {}, {"P209": "OK"}),
    ({"wal_log_hints": "on", "max_worker_processes": "20"}, {}, {}),
]


@pytest.mark.parametrize(("settings", "blocks", "other"), RESTARTED, ids=lambda each: " ".join(each) or "none")
def test_what_only_a_restart_changes_is_seen_in_its_line(pair, settings, blocks, other):
    plain = lines_of(pair)[0]
    restarted(pair, **settings)
    where = []
    if settings.get("archive_mode"):
        pair.primary.rows("SELECT pg_switch_wal()")
        pair.wait(lambda: pair.primary.rows("SELECT 1 FROM pg_stat_archiver WHERE failed_count > 0"))
    if settings.get("wal_level") == "logical":
        pair.primary.rows("SELECT pg_create_logical_replication_slot('debezium', 'pgoutput')")
        other = other | {"P104": "OK", "P124": "WARN"}
    if settings.get("max_prepared_transactions"):
        with pair.primary.connect() as conn:
            conn.execute("BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'x'")
    if settings.get("listen_addresses") == "":
        where = ["-p", f"host={pair.area.path} port={pair.primary.port} user=postgres"]
    seen, found, status = lines_of(pair, *where)
    for code, words in blocks.items():
        assert seen[code][0] == "BLOCK"
        assert words in seen[code][1]
        assert seen[code][2] == NEEDS[code]
    for code, expected in other.items():
        assert seen[code][0] == expected
    # Without TCP there is nothing to be admitted by, and no source address.
    expected = set(blocks) | set(other) | ({"P106"} if where else set())
    assert changes(seen, plain) <= expected
    assert set(blocks) <= changes(seen, plain)
    assert_verdict(found, status)


def test_everything_at_once_on_one_hostile_primary(pair):
    pair.primary.rows("CREATE ROLE rds_superuser; CREATE ROLE repl_db2; CREATE UNLOGGED TABLE fleeting (n int)")
    pair.primary.rows("SELECT pg_create_physical_replication_slot('old', true)")
    pair.primary.rows("ALTER SYSTEM SET wal_sender_timeout = 0")
    restarted(
        pair, max_wal_senders="1", max_replication_slots="1", full_page_writes="off", archive_mode="on",
        archive_command="false", synchronous_commit="local", synchronous_standby_names="*",
    )  # fmt: skip
    pair.primary.rows("SELECT pg_switch_wal()")
    pair.wait(lambda: pair.primary.rows("SELECT 1 FROM pg_stat_archiver WHERE failed_count > 0"))
    (pair.primary.data / "root-only").write_text("x")
    (pair.primary.data / "root-only").chmod(0)
    with (pair.primary.data / "pg_hba.conf").open("a") as hba:
        hba.write("hots all all all trust\n")
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("no_such_setting = 1\n")
    pair.data.mkdir()
    (pair.data / "notes.txt").write_text("mine")
    before, beside = pair.raw(), pair.beside()
    with pair.primary.connect(application_name="Patroni heartbeat"):
        seen, _, status = lines_of(pair)
        planned = pair.tool("plan", *pair.where)
    assert pair.raw() == before
    assert pair.beside() == beside
    assert status == planned.returncode == 4
    blocked = {code for code, line in seen.items() if line[0] == "BLOCK"}
    assert blocked >= {"P103", "P104", "P106", "P107", "P110", "P114", "P117", "P118", "P133", "P201"}
    assert {code for code, line in seen.items() if line[0] == "WARN"} >= {"P109", "P121", "P124", "P128", "P129"}
    assert set(re.findall(r"CODE: +(\w+)", planned.stderr)) == blocked


@pytest.mark.sample
def test_a_healthy_default_primary_is_ready_without_a_warning(template):
    """As initdb leaves it, but for the port; no data checksums where that is the default (15, 16)."""
    area = template.area
    fresh = Pair.make(template)
    try:
        fresh.primary.stop("fast")
        shutil.rmtree(fresh.primary.data)
        pwfile = area.path / "pw"
        pwfile.write_text(fresh.primary.password)
        shutil.chown(pwfile, area.user)
        area.run("initdb", "-D", str(fresh.primary.data), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={pwfile}")
        with (fresh.primary.data / "postgresql.conf").open("a") as conf:
            conf.write(f"port = {fresh.primary.port}\nunix_socket_directories = '{fresh.area.path}'\n")
        fresh.primary.start()
        seen, found, status = lines_of(fresh)
        assert status == 0
        assert found["verdict"] == "READY"
        ended = END_OF_LIFE[area.major] < datetime.now(UTC).date().isoformat()
        assert {code for code, line in seen.items() if line[0] not in {"OK", "FIX"}} == ({"P101"} if ended else set())
    finally:
        fresh.end()


@pytest.mark.one_version
@pytest.mark.parametrize(
    "options",
    [
        ("--no-slot", "--wal-keep-size", "2GB", "-X", "fetch"),
        ("--max-rate", "60M", *OWN),
        ("--wal-cap", "3GB", "--checkpoint", "spread", "--synchronous-commit", "local"),
    ],
    ids=lambda options: options[0],
)
def test_the_next_command_repeats_every_option_and_runs_as_it_is_printed(pair, options):
    for _ in own_role(pair, ""):
        given = [str(pair.area.path / word) if word == OWN[-1] else word for word in options]
        done = pair.tool("preflight", *pair.where, *given, status=0)
        [printed] = [line.removeprefix("Next").strip() for line in done.stdout.splitlines() if line.startswith("Next")]
        program, verb, *words = shlex.split(printed)
        assert (program, verb) == ("standbyctl", "plan")
        assert set(given) - {"-X"} <= set(words), "-X is written out"
        planned = pair.tool(verb, *words, status=0)
        asked = pair.tool("plan", *pair.where, *given, status=0)
        assert planned.stdout == asked.stdout, "the same plan, to the letter"


def test_a_preflight_makes_two_connections_and_twelve_statements_at_most(pair):
    pair.primary.rows("ALTER SYSTEM SET log_statement = 'all'")
    pair.primary.rows("ALTER SYSTEM SET log_connections = on")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(
        lambda: pair.primary.rows("SHOW log_connections") in ([("on",)], [("receipt,authentication,authorization",)])
    )
    log = pair.area.path / "db1.log"
    before = len(log.read_text(errors="replace"))
    lines_of(pair)
    said = log.read_text(errors="replace")[before:]
    assert 0 < len(re.findall(r"(?:statement|execute [^:\n]*):", said)) <= 12
    assert 0 < len(re.findall("connection authorized", said)) <= 2
