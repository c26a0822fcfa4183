"""status: every case of a cluster that is not well, on real servers; one that hangs keeps nobody waiting."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

import pytest

from tests.pair import another_system

pytestmark = [pytest.mark.live, pytest.mark.one_version]


def record(pair, *args, status=None, **options):
    return json.loads(pair.tool("status", *args, "--json", status=status, **options).stdout)


def codes(found):
    return {(each["code"], each["subject"]) for each in found["findings"]}


def pids(data):
    """A postmaster and its children."""
    postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
    found = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True, check=False).stdout
    return [postmaster, *map(int, found.split())]


def on(pair, port, query):
    with pair.primary.connect(port) as conn:
        return conn.execute(query)


def seconds_of_status(pair, *args):
    began = time.monotonic()
    pair.tool("status", *args)
    return time.monotonic() - began


@pytest.mark.sample
def test_a_server_that_hangs_is_named_and_not_waited_for(pair):
    """SIGSTOP of the standby; then of the primary."""
    pair.attach()
    healthy = seconds_of_status(pair)
    for data, code, name in ((pair.data, "M602", "db2"), (pair.primary.data, "M602", None)):
        frozen = pids(data)
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            # A second and a half more on a machine that is not busy; who waited for it would wait for minutes.
            assert seconds_of_status(pair) < healthy + 8
            found = record(pair)
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        names = [node["name"] for node in found["nodes"]]
        assert (code, f"node:{name or names[0]}") in codes(found)
        assert any("no answer in" in each["what"] for each in found["findings"])
    pair.wait(lambda: pair.tool("status").returncode == 0)


def test_a_port_that_takes_connections_and_never_answers(pair):
    pair.attach()
    healthy = seconds_of_status(pair)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(8)
        config = pair.area.path / "standbyctl.toml"
        config.write_text(
            f'[[node]]\nname = "deaf"\nconninfo = "host=127.0.0.1 port={deaf.getsockname()[1]} user=postgres"\n'
        )
        assert seconds_of_status(pair, "-c", config) < healthy + 8
        found = record(pair, "-c", config)
    assert {node["name"]: node["state"] for node in found["nodes"]}["db2"] == "streaming"
    assert ("M602", "node:deaf") in codes(found)


def test_two_primaries_are_named_from_either_side(pair):
    pair.attach()
    on(pair, pair.port, "SELECT pg_promote()")
    for asked in ((), ("-p", f"{pair.primary.conninfo} port={pair.port}")):
        found = record(pair, *asked, status=1)
        assert len(found["primaries"]) == 2
        assert ("F501", "cluster") in codes(found)
    said = pair.tool("status", status=1).stdout
    assert re.search(r"CRITICAL F501 +2 primaries take writes: .* \(timeline 1\), db2\s+\(timeline 2\)", said)


def test_a_standby_that_should_be_there_and_what_its_slot_holds(pair):
    pair.attach()
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")
    pair.primary.rows("SELECT pg_logical_emit_message(false, 'x', repeat('x', 3000000))")
    found = record(pair, status=1)
    assert ("L404", "node:db2") in codes(found)
    [slot] = found["slots"]
    assert (slot["name"], slot["active"], slot["used_by"], slot["needed_by"]) == ("db2", False, None, "db2")
    assert slot["retained_bytes"] > 3_000_000


def test_the_primary_away_is_told_and_so_is_what_the_standby_says(pair):
    pair.attach()
    pair.primary.stop("immediate")
    found = record(pair, status=1)
    [primary, standby] = found["nodes"]
    assert (primary["state"], primary["role"], standby["role"]) == ("unreachable", None, "standby")
    assert standby["lag_seconds"] is None
    assert {"M601", "F502"} <= {code for code, _ in codes(found)}


def test_a_server_of_another_cluster_in_the_configuration_is_left_out(pair, template):
    pair.attach()
    with another_system(template) as conninfo:
        config = pair.area.path / "standbyctl.toml"
        config.write_text(f'[[node]]\nname = "db7"\nconninfo = "{conninfo} dbname=postgres"\n')
        found = record(pair, "-c", config, status=0, env={"PGPASSWORD": template.password})
    assert ("M603", "node:db7") in codes(found)
    assert [node["name"] for node in found["nodes"]][1:] == ["db2"]


def test_names_of_others_do_not_drive_the_terminal(pair):
    """Of what is not ASCII PostgreSQL itself makes question marks, or writes it out (16 and later)."""
    pair.attach()
    [*_, role, password] = (pair.area.path / "db2.pgpass").read_text().strip().split(":")
    evil = "\x1b]0;owned\x07[red]\u202e"
    with pair.primary.connect(user=role, password=password, replication="true", application_name=evil):
        said = pair.tool("status", status=0).stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", said)
    assert "[red]" in said


def test_the_procedures_own_statements_and_where_they_mislead(pair):
    pair.attach()
    said = pair.tool("status", "--sql", status=0).stdout
    assert "db2> SELECT pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()," in said
    assert "replay_lag_seconds grows on an idle primary" in said
    found = record(pair, "--sql", status=0)["sql"]
    assert [(each["node"] == "db2", len(each["rows"])) for each in found] == [
        (False, 1), (False, 1), (False, 1), (True, 1),
    ]  # fmt: skip
    assert found[0]["rows"][0]["application_name"] == "db2"


def terminal(pair, *args, keys, columns=80):
    """What a terminal of 80 columns has on its screen after each key; and the exit status."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {key: value for key, value in pair.env.items() if key != "COLUMNS"}
    process = subprocess.Popen(
        [sys.executable, "-m", "standbyctl", *args], stdin=slave, stdout=slave, stderr=slave, env=environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    seen = []
    try:
        for wait, key in keys:
            deadline, got = time.monotonic() + wait, b""
            while time.monotonic() < deadline:
                if select.select([master], [], [], 0.1)[0]:
                    got += os.read(master, 65536)
            seen.append(got.decode())
            os.write(master, key.encode())
        return seen, process.wait(timeout=20)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_it_is_drawn_in_place_and_space_and_q_steer_it(pair):
    pair.attach()
    (first, paused, resumed), status = terminal(
        pair, "status", "-w", "1s", keys=[(6, " "), (3, " "), (3, "q")]
    )  # fmt: skip
    assert status == 0
    assert first.startswith("\x1b[?1049h")
    assert first.count("+ db2") > 1
    assert "paused" in paused
    assert paused.count("+ db2") <= 2, "nothing is looked at meanwhile"
    assert resumed.count("+ db2") > 1
    for line in re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", first.replace("\x1b[H", "\n")).splitlines():
        assert len(line) <= 80
