"""What `explain` and the reference page say: every code once, in a shape that can be read and typed."""

from __future__ import annotations

import re
from itertools import chain

import pytest

from standbyctl.diagnosis.catalogue import ALL, FAMILIES, find
from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import Message

EVERY = pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.code)
# Eighty columns, less the margin of `standbyctl explain`.
TYPED_WIDTH = 68


def prose(message: Message) -> str:
    return str(message).splitlines()[0]


def typed(message: Message) -> list[str]:
    return str(message).splitlines()[1:]


def test_no_code_is_explained_twice() -> None:
    codes = [entry.code for entry in ALL]
    assert sorted(set(codes)) == sorted(codes)


def test_the_codes_of_a_family_are_in_order_and_together() -> None:
    for family in FAMILIES:
        codes = [entry.code for entry in family.entries]
        assert codes == sorted(codes)
        assert codes


@EVERY
def test_a_code_is_found_however_it_is_written(entry: Entry) -> None:
    assert find(entry.code) is find(f" {entry.code.lower()} ") is entry


def test_what_is_no_code_is_not_found() -> None:
    assert [find(code) for code in ("", "P1", "P1022", "102", "Q999")] == [None] * 5


@EVERY
def test_an_entry_says_what_it_means_why_and_what_to_do(entry: Entry) -> None:
    assert re.fullmatch(r"[A-Z]\d{3}", entry.code)
    title = str(entry.title)
    assert 5 < len(title) <= 60
    assert not title.endswith(".")
    for message in (entry.means, entry.why):
        assert str(message).endswith(".")
        assert "\n" not in str(message)
    assert entry.do


@EVERY
def test_an_entry_is_short(entry: Entry) -> None:
    assert len(str(entry.means)) <= 260
    assert len(str(entry.why)) <= 560
    assert len(entry.do) <= 5


@EVERY
def test_what_is_to_be_typed_stands_alone_and_fits_a_terminal(entry: Entry) -> None:
    for way in entry.do:
        assert prose(way).endswith(":") or not typed(way)
        assert [line for line in typed(way) if len(line) > TYPED_WIDTH] == []
        assert all(line.strip() for line in typed(way))
        # A statement of SQL ends with a semicolon, so that psql takes it as it stands.
        first = typed(way)[0].split()[0] if typed(way) else ""
        if first in {"SELECT", "SHOW", "ALTER", "GRANT", "CREATE", "DROP", "REINDEX"}:
            assert typed(way)[-1].endswith(";")


@EVERY
def test_an_entry_points_to_no_code_that_is_not_there(entry: Entry) -> None:
    words = " ".join(str(each) for each in chain([entry.means, entry.why], entry.do))
    named = set(re.findall(r"\b[PACVSDX]\d{3}\b", words))
    assert {code for code in named if find(code) is None} == set()
    assert entry.code not in named


def test_two_primaries_are_mended_by_commands_that_there_are() -> None:
    [entry] = [each for each in ALL if each.code == "R419"]
    do = "\n".join(map(str, entry.do)) + "\n"
    assert "standbyctl resync NAME --dry-run" in do
    assert do.index("systemctl stop UNIT") < do.index("standbyctl resync NAME\n")
    assert "by hand" not in do
