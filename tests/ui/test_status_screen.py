"""status on a screen: it fits 80 columns in both languages, aligns, and drives no terminal."""

import pytest

from standbyctl.app.status import Status
from standbyctl.diagnosis.health import diagnose_health
from standbyctl.domain.finding import Limits
from standbyctl.domain.picture import Expected
from standbyctl.ui import i18n
from standbyctl.ui.status import render_slots, render_status
from standbyctl.ui.width import cells
from tests.pure.moments import drawn, later, primary, sender, silent, slot, slower, standby

MB, GB = 1 << 20, 1 << 30
FED = primary(
    senders=(sender("db2"), sender("e\x1b[2J", slot="")),
    slots=(slot(), slot("old_dr", active=False, held=80 * GB)),
    slower=slower(free_bytes=41 * GB),
)
PICTURE = drawn(
    [FED, standby(), silent("db3")],
    [later(FED, 12, lsn=1000 + 120 * MB), later(standby(), 12), silent("db3", 112.0)],
    expected=[Expected("db2", "db2", "db1"), Expected("db3", "db3", "db1")],
)
PAST = {"db1": (None, *(float(n * MB) for n in range(47))), "db2": (0.0,) * 40 + (9.6, None) + (0.1,) * 6}


@pytest.fixture(params=["en", "ja"])
def seen(request, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    i18n.use(request.param)
    yield Status("2026-11-27T00:00:00+00:00", PICTURE, diagnose_health(PICTURE, Limits()), "db1", (), (), PAST, 3600.0)
    i18n.use("en")


def columns(table):
    """Where each line of a table has its rules, in cells."""
    return [[cells(line[:at]) for at, letter in enumerate(line) if letter in "|+"] for line in table]


@pytest.mark.parametrize("wide", [80, 100])
def test_tables_align_and_nothing_is_wider_than_the_screen(seen, wide, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(wide))
    said = render_status(seen)
    nodes, slots = (part.splitlines() for part in said.split("\n\n")[:2])
    assert len({tuple(each) for each in columns([line for line in nodes if "+ " not in line])}) == 1
    assert len({tuple(each) for each in columns(slots)}) == 1
    assert [line for line in said.splitlines() if cells(line) > wide] == []
    assert [line for line in render_slots(seen, PICTURE.slots).splitlines() if cells(line) > wide] == []
    assert "\x1b" not in said
    assert "e\\x1b[2J" in said


def test_the_past_of_each_node_is_a_line_with_the_most_of_it(seen):
    said = render_status(seen)
    assert "\u28ff" in said
    assert "46 MB/s" in said
    assert "9.6 s" in said


def test_in_ascii_it_is_ascii(seen):
    if i18n.language() == "en":
        assert render_status(seen, ascii_only=True).isascii()
    assert "\u28ff" not in render_status(seen, ascii_only=True)


def test_the_slot_that_will_fill_the_disk_is_named_with_when(seen):
    said = render_slots(seen, PICTURE.slots)
    assert "CRITICAL S330" in said
    assert "1 h 9 min" in said, "41 GB at 10 MB/s"
