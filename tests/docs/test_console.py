"""The comparison that the tests of the pages rest on: it passes what may differ, and nothing else."""

import pytest

from tests.docs.console import difference, read_commands


@pytest.mark.parametrize(
    ("expected", "output"),
    [
        ("db2 streams, after 2.0 s", "db2 streams, after 1 min 3 s"),
        ("into /tmp/standbyctl-abc/db2 (0600)", "into\n    /tmp/standbyctl-x_1/db2 (0600)"),
        ("size 97 MB\n...\nlast line", "size 1.1 GB\nany\nthing\nlast line"),
        ("first\n...", "first"),
        ("...\nlast", "one\ntwo\nlast"),
        (
            " 1/2 base backup     done\n",
            "        copying 9% of 97 MB, slot holds 1 MB\n 1/2 base backup     done  1.2 s\n",
        ),
        ("commit 0/1F1F35C8 of db1", "commit 1A/9 of db1"),
        ("> /usr/lib/postgresql/15/bin/pg_ctl", "> /tmp/standbyctl-x/wheel/p/q/bin/pg_ctl"),
        ("", ""),
    ],
)
def test_numbers_paths_times_and_line_breaks_may_differ(expected, output):
    assert difference(expected.splitlines(), output) == ""


@pytest.mark.parametrize(
    ("expected", "output"),
    [
        ("db2 streams from db1", "db3 was streaming from db1"),
        ("+ db2 | standby | streaming", "+ db2 | standby | not connected"),
        ("first\n...\nlast", "first\nsomething\nlast but one"),
        ("first\n...\nsecond\n...\nthird", "first\nthird\nsecond\nthird but more"),
        ("one line", "one line\nand another"),
        ("one line\nand another", "one line"),
        ("...\nATTACHED", "...\nERROR"),
        ("", "psql: error: connection refused"),
    ],
)
def test_other_words_are_a_difference(expected, output):
    assert difference(expected.splitlines(), output) != ""


def test_commands_and_their_output_are_told_apart():
    text = "text\n```console\n$ one -x\nout\n\nmore\n$ two\n```\n```toml\n$ no\n```\n"
    assert [(each.line, each.text, each.expected) for each in read_commands(text)] == [
        (3, "one -x", ["out", "", "more"]),
        (7, "two", []),
    ]
