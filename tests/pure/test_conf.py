"""PostgreSQL's own notations, read back by readers that know nothing of ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from standbyctl.domain.conf import make_conninfo, merge_conf

values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
lines = st.lists(
    st.sampled_from(
        [
            "# a comment",
            "",
            "port = 1",
            "PORT=1",
            "  port   1",
            "port\t= '1'",
            "portable = 2",
            "my.port = '3'",
            "work_mem = '1MB' # port = 4",
            "# port = 5",
            "\u2028\x0c\x85 = odd",
            "application_name = 'a\u2028b'",
        ]
    )
)
LINE = re.compile(r"(\w+) = '((?:[^'\\]|''|\\.)*)'")


def read_back(line: str) -> tuple[str, str]:
    """The way guc-file.l reads a quoted value."""
    found = LINE.fullmatch(line)
    assert found
    return found[1], re.sub(r"\\(.)|''", lambda each: each[1] or "'", found[2])


@given(lines, values)
def test_a_parameter_is_set_last_and_once_and_other_lines_stay(before: list[str], value: str) -> None:
    text = "".join(f"{line}\n" for line in before)
    *kept, last = merge_conf(text, [("port", value)]).split("\n")[:-1]
    assert read_back(last) == ("port", value)
    assert kept == [line for line in before if not re.match(r"\s*port[\s=]", line, re.IGNORECASE)]


def test_what_was_set_is_set_anew_not_twice() -> None:
    once = merge_conf("a = 1\n", [("b", "x"), ("c", "y")])
    assert merge_conf(once, [("b", "x"), ("c", "y")]) == once
    assert merge_conf("", []) == ""


def test_a_last_line_without_its_end_gets_one() -> None:
    assert merge_conf("a = 1", [("b", "2")]) == "a = 1\nb = '2'\n"
    assert merge_conf("a = 1\r\nb = 3\r\n", [("b", "2")]) == "a = 1\r\nb = '2'\n"


@given(st.dictionaries(st.sampled_from(["host", "user", "passfile", "options", "application_name"]), values))
def test_libpq_reads_what_we_write(params: dict[str, str]) -> None:
    assert conninfo_to_dict(make_conninfo(params.items())) == {key: value for key, value in params.items() if value}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("/var/run", "/var/run"),
        ("::1", "::1"),
        ("a b", "'a b'"),
        ("it's", "'it\\'s'"),
        ("back\\slash", "'back\\\\slash'"),
        ("\u65e5\u672c", "'\u65e5\u672c'"),
    ],
)
def test_a_value_is_quoted_where_it_must_be(value: str, written: str) -> None:
    assert make_conninfo([("host", value)]) == f"host={written}"
