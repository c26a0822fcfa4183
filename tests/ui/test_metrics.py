"""/metrics: a valid page whatever names are on it, no 0 for what nobody knows, and nobody who came by another name."""

import http.client
import os
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from standbyctl.app.watch import Seen
from standbyctl.domain.finding import STANDBY, Finding, Severity
from standbyctl.domain.message import msg
from standbyctl.lab.server import free_port
from standbyctl.ui.cli import cli
from standbyctl.ui.metrics import Page, is_loopback
from tests.monitor.seen import Story, primary, sender, silence, slot, standby


def seen_after(*rounds, age=0.0, findings=()):
    story = Story()
    for answers in rounds:
        story.round(*answers)
    return Seen(time.monotonic() - age, 1.0, story.picture, (*story.findings, *findings))


@pytest.fixture
def page():
    made = []

    def serve(seen):
        made.append(Page("127.0.0.1", free_port(), lambda: seen, time.monotonic))
        return made[-1].port

    yield serve
    for each in made:
        each.close()


def get(port, *, host="localhost", path="/metrics", method="GET"):
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    line.putrequest(method, path, skip_host=True)
    if host:
        line.putheader("Host", host)
    line.endheaders()
    answer = line.getresponse()
    body = answer.read().decode()
    line.close()
    return answer.status, body


def values(body):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


def names(body):
    return {name for name, _ in values(body)}


def test_a_healthy_pair_says_all_there_is(page):
    status, body = get(page(seen_after((primary(lsn=5000), standby(replay=5000)))))
    found = values(body)
    assert status == 200
    assert found["standbyctl_up", ()] == found["standbyctl_primaries", ()] == 1.0
    assert found["standbyctl_replication_lag_seconds", (("node", "db2"),)] == 0.0
    assert found["standbyctl_wal_generated_bytes_total", (("node", "db1"),)] == 5000.0
    assert found["standbyctl_slot_active", (("node", "db1"), ("slot", "db2"))] == 1.0
    # Asked for, and not known: no host is at hand.
    assert "standbyctl_wal_disk_free_bytes" not in names(body)


def test_what_nobody_knows_is_absent_and_not_zero(page):
    body = get(page(seen_after((silence("db1"), silence("db2")))))[1]
    found = values(body)
    assert found["standbyctl_primaries", ()] == 0.0
    assert found["standbyctl_node_up", (("node", "db1"),)] == 0.0
    assert not names(body) & {
        "standbyctl_replication_lag_seconds", "standbyctl_replication_lag_bytes", "standbyctl_replication_streaming",
        "standbyctl_timeline", "standbyctl_slot_active", "standbyctl_node_role", "standbyctl_wal_generated_bytes_total",
    }  # fmt: skip


def test_of_who_lets_nobody_look_there_is_nothing_but_what_its_upstream_says(page):
    found = values(get(page(seen_after((primary(), silence("db2", refused=True)))))[1])
    assert found["standbyctl_replication_streaming", (("node", "db2"),)] == 1.0
    assert ("standbyctl_node_up", (("node", "db2"),)) not in found
    told = (("code", "M612"), ("severity", "unknown"), ("subject", "node:db2"))
    assert found["standbyctl_finding", told] == 1.0


def test_how_many_primaries_there_are_is_unknown_where_the_one_that_was_lets_nobody_look(page):
    found = names(get(page(seen_after((silence("db1", refused=True), standby()))))[1])
    assert "standbyctl_up" in found
    assert "standbyctl_primaries" not in found


def test_of_a_lag_with_bounds_the_lower_is_shown_and_none_where_that_is_nothing(page):
    lag = ("standbyctl_replication_lag_seconds", (("node", "db2"),))
    before = (primary(lsn=5000), standby(replay=5000))
    silent = values(get(page(seen_after(before, (primary(lsn=5000, senders=()), silence("db2")))))[1])
    assert lag not in silent
    behind = values(get(page(seen_after((primary(lsn=5000, at=0.0), standby(at=0.0, replay=1)),
                                        (primary(lsn=9000, at=30.0), standby(at=30.0, replay=1)))))[1])  # fmt: skip
    assert behind[lag] > 0


def test_a_standby_that_is_away_does_not_stream_where_a_primary_says_so(page):
    body = get(page(seen_after((primary(senders=()), silence("db2")))))[1]
    assert values(body)["standbyctl_replication_streaming", (("node", "db2"),)] == 0.0


@pytest.mark.parametrize("seen", [None, seen_after((primary(), standby()), age=60.0)])
def test_without_a_fresh_round_there_is_nothing_but_that(page, seen):
    assert values(get(page(seen))[1]) == {("standbyctl_up", ()): 0.0}


hostile = st.text(min_size=0, max_size=20)


@settings(max_examples=30, deadline=None)
@given(st.lists(hostile, max_size=4), st.lists(hostile, max_size=4))
def test_hostile_names_make_a_valid_page(senders, slots):
    answer = primary(
        senders=tuple(sender(name, slot=None) for name in senders), slots=tuple(slot(name) for name in slots)
    )
    wrong = Finding("S330", Severity.WARNING, 'slot:\ud800\n"', msg("x"), None, STANDBY)
    seen = seen_after((answer, standby(streaming=False)), findings=(wrong, wrong))
    served = Page("127.0.0.1", free_port(), lambda: seen, time.monotonic)
    try:
        status, body = get(served.port)
        assert status == 200
        found = [
            (sample.name, tuple(sorted(sample.labels.items())))
            for family in text_string_to_metric_families(body)
            for sample in family.samples
        ]
        assert len(found) == len(set(found)) > 3
    finally:
        served.close()


@pytest.mark.parametrize(
    ("host", "path", "method", "status"),
    [
        ("localhost:1", "/metrics", "GET", 200),
        ("127.0.0.1", "/metrics", "GET", 200),
        ("127.8.8.8:99", "/metrics", "GET", 200),
        ("[::1]:9", "/metrics", "GET", 200),
        ("evil.example", "/metrics", "GET", 421),
        ("127.0.0.1.evil.example", "/metrics", "GET", 421),
        ("10.0.0.1", "/metrics", "GET", 421),
        ("", "/metrics", "GET", 400),
        ("localhost", "/", "GET", 404),
        ("localhost", "/metrics", "POST", 405),
    ],
)
def test_who_comes_by_another_name_is_sent_away(page, host, path, method, status):
    assert get(page(seen_after((primary(), standby()))), host=host, path=path, method=method)[0] == status


def test_what_is_a_loopback():
    assert [is_loopback(each) for each in ("localhost", "127.1.2.3", "::1")] == [True] * 3
    assert [is_loopback(each) for each in ("0.0.0.0", "::", "db1", "192.168.0.1", "")] == [False] * 5


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (["--listen", "0.0.0.0:9999"], 4, "M610"),
        (["--listen", "db1:9999"], 4, "M610"),
        (["--listen", "9999"], 2, "is not ADDRESS:PORT"),
        (["--listen", "127.0.0.1:0"], 2, "is not ADDRESS:PORT"),
        (["--interval", "1"], 2, "is not a time"),
        (["--interval", "1ms"], 2, "too short"),
        (["--keep", "1s"], 2, "too short"),
        (["--listen", "none"], 2, "nothing is attached from here"),
    ],
)
def test_what_a_watch_does_not_take(tmp_path, args, status, said):
    done = CliRunner().invoke(cli, ["watch", *args], env={"STANDBYCTL_STATE": str(tmp_path)})
    assert (done.exit_code, said in done.output) == (status, True), done.output


def test_a_port_that_is_taken_is_named(page, tmp_path):
    port = page(None)
    done = CliRunner().invoke(cli, ["watch", "--listen", f"127.0.0.1:{port}"], env={"STANDBYCTL_STATE": str(tmp_path)})
    assert (done.exit_code, "M609" in done.output) == (2, True)


def test_events_without_a_history_say_how_to_get_one(tmp_path):
    done = CliRunner().invoke(cli, ["events"], env={"STANDBYCTL_STATE": str(tmp_path)})
    assert done.exit_code == 2
    assert "nothing is attached from here" in done.output


def test_without_its_library_a_watch_has_no_page_and_says_so(tmp_path):
    (tmp_path / "prometheus_client.py").write_text("raise ImportError('no prometheus_client')")
    env = os.environ | {"STANDBYCTL_STATE": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path)}
    env["PYTHONPATH"] = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    said = []
    for args in ([], ["--listen", "127.0.0.1:9999"]):
        argv = [sys.executable, "-m", "standbyctl", "watch", *args]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        said.append(done.stderr)
    assert "there is no /metrics: no prometheus_client" in said[0]
    assert "nothing is attached from here" in said[0]
    assert "a library is missing" in said[1]
    assert "standbyctl[watch]" in said[1]
