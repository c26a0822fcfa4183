"""Events: each change once, nothing that did not happen, and no flapping."""

import itertools
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standbyctl.domain.codec import decode, encode
from standbyctl.domain.event import KINDS
from standbyctl.domain.finding import LAG, Finding, Severity
from standbyctl.domain.message import msg
from standbyctl.domain.samples import Slower
from standbyctl.monitor.changes import changes, stepped
from standbyctl.monitor.crossings import SETTLED_SECONDS, crossings
from standbyctl.monitor.memory import Memory, Moment
from tests.monitor.seen import Story, primary, sender, silence, slot, standby, told, with_settings


@pytest.fixture
def story():
    made = Story()
    assert made.healthy() == ()
    return made


def test_nothing_happens_while_nothing_happens(story):
    assert [story.healthy(lsn) for lsn in (1000, 2000, 2000, 5000)] == [()] * 4


def test_a_standby_that_is_cut_off_and_comes_back(story):
    cut = (primary(senders=(), slots=(slot(active=False),)), standby(streaming=False))
    assert told(story.round(*cut)) == [
        "connection node:db2 WARNING db2 streams from db1 no more",
        "slot slot:db2 WARNING nobody reads slot db2 on db1",
        "finding node:db2 CRITICAL db2 runs, and receives no WAL from its upstream",
    ]
    assert story.round(*cut) == ()
    assert told(story.healthy()) == [
        "connection node:db2 - db2 streams from db1",
        "slot slot:db2 - slot db2 on db1 is read",
    ]
    for _ in range(int(SETTLED_SECONDS) - 1):
        assert story.healthy() == ()
    assert told(story.healthy())[0].startswith("finding node:db2 - over, after 2.0 s: db2 runs")


def test_a_primary_that_is_away_leaves_open_who_streams_from_it(story):
    events = story.round(silence("db1"), standby(streaming=False))
    assert not [each for each in events if each.kind in {"connection", "slot", "role"} and "no more" in str(each.what)][
        1:
    ]
    assert told(events)[0] == "node node:db1 WARNING db1 does not answer: refused"


def test_who_lets_us_not_in_is_told_as_that_and_so_is_when_it_falls_silent(story):
    assert told(story.round(primary(), silence("db2", refused=True))) == [
        "node node:db2 WARNING db2 answers, and does not let standbyctl look: refused"
    ]
    assert story.round(primary(), silence("db2", refused=True)) == ()
    assert told(story.round(primary(), silence("db2")))[0] == "node node:db2 WARNING db2 does not answer: refused"
    assert "does not let standbyctl look" in told(story.round(primary(), silence("db2", refused=True)))[0]
    assert told(story.healthy())[0] == "node node:db2 - db2 can be looked at again"


def test_a_standby_that_was_missing_is_not_known_to_be_back_where_nobody_may_look(story):
    story.round(silence("db1"), silence("db2"))
    for _ in range(int(SETTLED_SECONDS) + 3):
        events = told(story.round(silence("db1"), silence("db2", refused=True)))
        assert not [each for each in events if "over, after" in each and "db2 should stream" in each]


def test_a_restart_while_nobody_could_look_is_told_afterwards(story):
    story.round(silence("db1"), standby())
    events = told(story.round(primary(started="2026-03-03"), standby()))
    assert "restart node:db1 WARNING db1 was restarted: it runs since 2026-03-03" in events
    assert "node node:db1 - db1 answers again, after 1.0 s" in events


def test_a_promotion_is_a_role_a_timeline_and_the_end_of_a_connection(story):
    events = told(story.round(silence("db1"), primary("db2", timeline=2, senders=(), slots=())))
    assert "role node:db2 WARNING db2 takes writes now: it is a primary (timeline 2)" in events
    assert "timeline node:db2 WARNING db2 is on timeline 2, and was on 1" in events


def test_slots_come_and_go_and_are_lost(story):
    both = (slot(), slot("other", active=False))
    assert told(story.round(primary(slots=both), standby())) == ["slot slot:other - slot other on db1 was created"]
    lost = (slot(), slot("other", active=False, status="lost"))
    assert told(story.round(primary(slots=lost), standby()))[0] == (
        "slot slot:other CRITICAL wal_status of slot other on db1 is lost"
    )
    assert told(story.healthy())[0] == "slot slot:other - slot other on db1 was dropped"


def test_a_busy_slot_that_is_extended_and_reserved_again_is_no_event(story):
    assert story.round(primary(slots=(slot(status="extended"),)), standby()) == ()
    assert story.healthy() == ()


def test_settings_are_told_and_a_password_is_not(story):
    conninfo = "host=db1 password='top secret'"
    story.round(primary(slower=with_settings(wal_level="replica", primary_conninfo="host=db1")), standby())
    events = story.round(primary(slower=with_settings(wal_level="logical", primary_conninfo=conninfo)), standby())
    assert told(events) == [
        "setting node:db1 - primary_conninfo of db1 was changed",
        "setting node:db1 - wal_level of db1 is logical, and was replica",
    ]
    assert "secret" not in repr(story.memory)


def test_who_only_makes_a_copy_is_no_node(story):
    copying = sender("pg_basebackup", state="backup", slot=None)
    assert story.round(primary(senders=(sender(), copying)), standby()) == ()


def test_a_stranger_is_told_when_it_comes_and_when_it_goes(story):
    events = told(story.round(primary(senders=(sender(), sender("evil\x1b[2J", slot=None))), standby()))
    assert events == ["connection node:evil\x1b[2J - evil\x1b[2J streams from db1"]
    assert told(story.healthy()) == ["connection node:evil\x1b[2J WARNING evil\x1b[2J streams from db1 no more"]


def held(story):
    return {(each.code, each.subject): each.severity for each in story.memory.held if each.quiet_since is None}


def no_over(events):
    assert not [each for each in told(events) if "over, after" in each]


SILENCE_OF_HOURS = 20


def test_a_slot_that_nobody_can_look_at_any_more_is_no_better_for_it(story):
    both = (slot(), slot("dr", active=False, retained=2 << 30))
    story.round(primary(at=story.steady + 1, slots=both), standby())
    [code] = [each for each in held(story) if each[0] == "S330"]
    since = next(each.since for each in story.memory.held if each.code == "S330")
    for _ in range(SILENCE_OF_HOURS):
        no_over(story.round(silence("db1"), standby(streaming=False), seconds=600.0))
    assert code in held(story)
    story.round(primary(at=story.steady + 1, slots=both), standby())
    assert [each.since for each in story.memory.held if each.code == "S330"] == [since]
    ended = [told(story.healthy()) for _ in range(int(SETTLED_SECONDS) + 1)][-1]
    assert any("over, after" in each and "slot dr" in each for each in ended)


def test_a_lag_is_not_over_because_the_primary_is_cut_off(story):
    for second in range(100):
        story.round(primary(at=story.steady + 1, lsn=2000 + second * 100), standby(at=story.steady + 1, replay=1000))
    assert held(story)["L401", "node:db2"] is Severity.CRITICAL
    for _ in range(SILENCE_OF_HOURS):  # it replays what it had received
        no_over(story.round(silence("db1"), standby(at=story.steady + 1, replay=11900, streaming=False)))
    assert held(story)["L401", "node:db2"] is Severity.CRITICAL
    ended = [told(story.healthy(20000)) for _ in range(int(SETTLED_SECONDS) + 1)][-1]
    assert any("over, after" in each and "behind" in each for each in ended)


def test_what_only_a_server_itself_says_is_held_while_it_is_silent(story):
    story.round(primary(at=story.steady + 1), standby(at=story.steady + 1, slower=Slower(archiver_failing=True)))
    assert ("P121", "node:db2") in held(story)
    for _ in range(SILENCE_OF_HOURS):
        no_over(story.round(primary(at=story.steady + 1), silence("db2")))
    assert ("P121", "node:db2") in held(story)


def test_what_its_upstream_says_of_a_server_that_is_silent_is_seen(story):
    cut = (primary(senders=(), slots=(slot(active=False),)), standby(streaming=False))
    story.round(*cut)
    assert ("L402", "node:db2") in held(story)
    ended = [told(story.round(primary(at=story.steady + 1), silence("db2"))) for _ in range(int(SETTLED_SECONDS) + 1)]
    assert any("over, after" in each for each in ended[-1])


def test_two_primaries_of_which_one_is_silent_are_not_one(story):
    story.round(primary(), primary("db2", timeline=2, senders=(), slots=(), started="c"))
    for _ in range(SILENCE_OF_HOURS):
        no_over(story.round(silence("db1"), primary("db2", timeline=2, senders=(), slots=(), started="c")))
    assert ("F501", "cluster") in held(story)


def lag_of(severity):
    return (Finding("L401", severity, "node:db2", msg("behind"), None, LAG),) if severity else ()


WOBBLE = st.lists(st.sampled_from([None, Severity.WARNING, Severity.CRITICAL]), max_size=60)


@given(WOBBLE)
def test_a_lag_that_wobbles_is_told_less_often_than_once_in_the_time_to_settle(levels):
    held, told_at = [], []
    for second, severity in enumerate(levels):
        held, events = crossings(held, lag_of(severity), Moment(0.0, float(second)))
        told_at += [(second, each.severity) for each in events]
    overs = [second for second, severity in told_at if severity is None]
    assert all(later - earlier > SETTLED_SECONDS for earlier, later in itertools.pairwise(overs))
    begun = [second for second, severity in told_at if severity is Severity.CRITICAL]
    assert all(later - earlier > SETTLED_SECONDS for earlier, later in itertools.pairwise(begun))


@given(WOBBLE)
def test_what_is_worse_is_told_at_once(levels):
    held, worst = [], None
    for second, severity in enumerate(levels):
        held, _ = crossings(held, lag_of(severity), Moment(0.0, float(second)))
        worst = {each.code: each.severity for each in held}.get("L401")
        if severity:
            assert worst is severity or (severity is Severity.WARNING and worst is Severity.CRITICAL)


names = st.text(string.printable, min_size=1, max_size=8)
stranger = st.builds(sender, names, state=st.sampled_from(["streaming", "catchup", "backup"]), slot=st.none())
slots = st.lists(
    st.builds(slot, names, active=st.booleans(), status=st.sampled_from([None, "reserved", "extended", "lost"])),
    max_size=3, unique_by=lambda each: each.name,
)  # fmt: skip
one = st.one_of(
    st.builds(silence, st.just("db1"), hung=st.booleans(), refused=st.booleans()),
    st.builds(primary, senders=st.lists(st.one_of(stranger, st.just(sender())), max_size=3).map(tuple),
              slots=slots.map(tuple), timeline=st.sampled_from([1, 2]), started=st.sampled_from(["a", "b"])),
)  # fmt: skip
two = st.one_of(
    st.builds(silence, st.just("db2")),
    st.builds(standby, streaming=st.booleans(), timeline=st.sampled_from([1, None])),
    st.builds(primary, st.just("db2"), senders=st.just(()), slots=st.just(()), started=st.just("c")),
)


@settings(max_examples=150)
@given(st.lists(st.tuples(one, two), min_size=1, max_size=8))
def test_what_is_seen_twice_in_a_row_is_no_event_and_memory_survives_json(rounds):
    story = Story()
    for answers in rounds:
        events = story.round(*answers)
        assert {each.kind for each in events} <= set(KINDS)
        assert decode(Memory, encode(story.memory)) == story.memory
        again, nothing = changes(story.memory, story.picture, story.findings, Moment(story.wall, story.steady))
        assert [each for each in nothing if each.kind != "finding"] == []
        assert again == story.memory


@given(st.floats(-1e6, 1e6))
def test_a_clock_that_steps_is_told_and_one_that_is_kept_in_order_is_not(by):
    event = stepped(Moment(1e9, 5.0), 1e9 + 1.0 + by, 1.0)
    assert (event is None) == (abs(by) < 2.0) or abs(abs(by) - 2.0) < 1e-3
    if event:
        assert ("back" in str(event.what)) == (by < 0)
