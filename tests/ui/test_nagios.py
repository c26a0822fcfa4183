"""Performance data: one line for plugins, the same as values in JSON; and durations in the reader's units."""

import re

import pytest

from standbyctl.domain.finding import EVERY, Limits
from standbyctl.domain.message import msg
from standbyctl.domain.picture import Expected
from standbyctl.domain.size import format_seconds
from standbyctl.ui import i18n
from standbyctl.ui.nagios import check_data
from standbyctl.ui.render import text
from tests.pure.moments import drawn, later, primary, sender, slot, slower, standby

GB = 1 << 30
# What the guidelines of the plugins have: 'label'=value[UOM];[warn];[crit];[min];[max]
DATUM = re.compile(r"([^'=|;\s]+)=(-?[\d.]+)(s|B)?(?:;([\d.:]*);([\d.:]*);(\d*))?")


def test_json_has_what_the_line_has_as_numbers():
    slots = (slot(), slot("old", active=False, held=GB, safe_bytes=3 * GB))
    db1 = primary(senders=(sender(),), slots=slots, slower=slower(free_bytes=9 * GB, cap_bytes=4 * GB))
    moments = [[later(db1, at, lsn=1000 + at * 10**6), later(standby(), at)] for at in (0, 10, 40)]
    seen = list(check_data(drawn(*moments, expected=[Expected("db2", "db2", "db1")]), EVERY, Limits()))
    records = {each.record()["label"]: each.record() for each in seen}
    assert len(records) == len(seen)
    for each in seen:
        label, value, unit, warning, critical, least = DATUM.fullmatch(str(each)).groups()
        assert each.record() == {
            "label": label, "value": float(value), "unit": unit, "warning": warning or None,
            "critical": critical or None, "min": float(least) if least else None,
        }  # fmt: skip
    assert records["db2_lag"]["warning"] == "5"
    assert records["primaries"] == {
        "label": "primaries", "value": 1, "unit": None, "warning": None, "critical": "1:1", "min": 0,
    }  # fmt: skip
    assert (records["old_left"]["value"], records["old_left"]["min"]) == (3 * GB, None)
    assert records["old_full_in"]["critical"] == "345600:"


@pytest.mark.parametrize(("head", "labels"), [("db1", {"x_held", "db2_x_held"}), ("db0", {"db1_x_held", "db2_x_held"})])
def test_of_two_primaries_with_slots_of_one_name_no_label_is_there_twice(head, labels):
    both = [primary("db1", slots=(slot("x", active=False, held=GB),)), primary("db2", slots=(slot("x", active=False),))]
    seen = [each.label for each in check_data(drawn(both, head=head), EVERY, Limits())]
    assert {label for label in seen if label.endswith("_held")} == labels
    assert len(set(seen)) == len(seen)


@pytest.fixture
def japanese():
    i18n.use("ja")
    yield
    i18n.use("en")


@pytest.mark.parametrize(
    ("seconds", "units"), [(4.24, "4.2 秒"), (75, "1 分 15 秒"), (3840, "1 時間 4 分"), (266400, "3 日 2 時間")]
)
def test_a_duration_in_a_japanese_sentence_has_japanese_units_and_alone_it_has_none(japanese, seconds, units):
    time = format_seconds(seconds)
    again = msg("{name} answers again, after {time}", name="db2", time=time)
    assert text(again) == f"db2 が {units}ぶりに応答しました"
    assert units in text(msg("over, after {time}: {what}", time=msg("{e}", e=time), what=again))
    assert text(msg("{e}", e=time)) == time
    assert str(again) == f"db2 answers again, after {time}", "machines read English"
    assert "5 s is" in text(msg("{name} answers again, after {time}", name="5 s is", time=time)), "a name is a name"
