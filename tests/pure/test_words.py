"""Names, sizes, durations, positions, versions, messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standbyctl.domain.lsn import parse_lsn, parse_walfile
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import (
    condemned_path,
    default_role,
    draft_prefix,
    marker,
    name_from_address,
    passfile_path,
    valid_node_name,
    valid_slot_name,
)
from standbyctl.domain.size import format_seconds, format_size, parse_size
from standbyctl.domain.version import SUPPORTED_MAJORS, major, version_text

MB = 1 << 20


@given(st.text(max_size=80), st.integers(1, 65535))
def test_a_name_made_of_any_address_is_a_name(host: str, port: int) -> None:
    name = name_from_address(host, port)
    assert valid_node_name(name)
    # A role's name has 63 bytes, and five of them are taken.
    assert len(default_role(name)) <= 63
    assert name_from_address(host, port) == name


@pytest.mark.parametrize(
    ("host", "name"),
    [("db1", "db1_1"), ("10.0.0.7", "10_0_0_7_1"), ("::1", "1_1"), ("", "node_1"), ("\u65e5\u672c", "node_1")],
)
def test_a_name_is_the_host_and_port_in_letters_a_slot_may_have(host: str, name: str) -> None:
    assert name_from_address(host, 1) == name


@pytest.mark.parametrize(
    ("name", "node", "slot"),
    [
        ("db2", True, True),
        ("a" * 58, True, True),
        ("a" * 59, False, True),
        ("a" * 64, False, False),
        ("", False, False),
        ("DB2", False, False),
        ("db-2", False, False),
        ("db2\n", False, False),
        ("\u0661", False, False),
    ],
)
def test_a_node_is_named_as_a_slot_can_be(name: str, node: bool, slot: bool) -> None:
    assert (valid_node_name(name), valid_slot_name(name)) == (node, slot)


def test_what_belongs_to_a_standby_stands_beside_its_directory() -> None:
    assert passfile_path("/a/b") == "/a/b.pgpass"
    assert condemned_path("/a/b") == "/a/b.standbyctl-deleting"
    assert draft_prefix("/a/b") == "/a/.b.standbyctl-"
    assert marker("db2") == "standbyctl: db2"


@given(st.integers(0, 1 << 52), st.sampled_from(["B", "kB", "MB", "GB", "TB"]), st.sampled_from(["", " ", "  "]))
def test_a_size_is_read_as_postgresql_reads_it(n: int, unit: str, space: str) -> None:
    power = ["B", "kB", "MB", "GB", "TB"].index(unit)
    assert parse_size(f"{space}{n}{space}{unit}{space}") == n * 1024**power


@pytest.mark.parametrize("text", ["", "20", "GB", "1.5GB", "-1GB", "20gb", "20KB", "20GBs", "auto", "1 2GB"])
def test_anything_else_is_no_size(text: str) -> None:
    assert parse_size(text) is None


@given(st.integers(0, 1 << 60))
def test_a_size_that_is_shown_is_near_and_short(size: int) -> None:
    number, unit = format_size(size).split()
    shown = float(number) * 1024 ** ["B", "kB", "MB", "GB", "TB"].index(unit)
    assert abs(shown - size) <= size * 0.05 + 0.5
    assert len(number) <= 4 or unit == "TB"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 kB"),
        (1536, "1.5 kB"),
        (10 * MB - 1, "10 MB"),
        (-2048, "-2 kB"),
        (1 << 40, "1 TB"),
        (5000 << 40, "5000 TB"),
    ],
)
def test_a_size_has_at_most_one_decimal(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.floats(0, 10**8))
def test_a_duration_that_is_shown_is_near(seconds: float) -> None:
    words = format_seconds(seconds).split()
    units = {"s": 1, "min": 60, "h": 3600, "d": 86400}
    shown = sum(float(n) * units[unit] for n, unit in zip(words[::2], words[1::2], strict=True))
    assert abs(shown - seconds) <= max(1, seconds / 24)
    assert "60" not in words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (60, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (3600, "1 h 0 min"),
        (86399, "23 h 59 min"),
        (86400, "1 d 0 h"),
    ],
)
def test_a_duration_is_never_sixty_of_anything(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@given(st.integers(0, (1 << 64) - 1))
def test_a_position_is_read_back(position: int) -> None:
    assert parse_lsn(f"{position >> 32:X}/{position & 0xFFFFFFFF:X}") == position


@given(st.integers(1, 1 << 30), st.integers(0, 1 << 40), st.sampled_from([1, 16, 64, 1024]))
def test_a_wal_file_is_known_by_its_name(timeline: int, position: int, megabytes: int) -> None:
    size = megabytes * MB
    number = position // size
    per_log = (1 << 32) // size
    name = f"{timeline:08X}{number // per_log:08X}{number % per_log:08X}"
    assert parse_walfile(name, size) == (timeline, number)


def test_a_version_is_shown_as_people_write_it() -> None:
    assert (major(150007), version_text(150007)) == (15, "15.7")
    assert (major(180000), version_text(180000)) == (18, "18.0")
    assert sorted(SUPPORTED_MAJORS) == list(SUPPORTED_MAJORS)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text() | st.integers(), min_size=3))
def test_a_message_is_its_template_with_the_gaps_filled_whatever_stands_in_them(params: dict[str, object]) -> None:
    message = msg("{a} and {b}, {c}", **params)
    assert str(message) == f"{params['a']} and {params['b']}, {params['c']}"
    assert message == msg("{a} and {b}, {c}", **dict(reversed(params.items())))
    assert hash(message)


def test_a_message_can_stand_in_a_message() -> None:
    assert str(msg("{done} Then {rest}.", done=msg("{n} steps.", n=2), rest="go on")) == "2 steps. Then go on."
    assert str(Message("no gaps")) == "no gaps"
