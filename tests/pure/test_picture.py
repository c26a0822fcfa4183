"""From samples to the picture of a cluster: who streams from whom, how far behind, and what is not known."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standbyctl.domain.picture import Expected
from standbyctl.domain.samples import ReceiverSample
from tests.pure.moments import drawn, later, primary, sender, silent, slot, slower, standby

DB2, DB3 = Expected("db2", "db2", "db1"), Expected("db3", "db3", "db2")


def shown(picture):
    return [(node.depth, node.name, node.role, node.state) for node in picture.nodes]


def test_a_cascade_is_a_tree():
    picture = drawn(
        [
            standby("db3", receiver=ReceiverSample("streaming", "db3", "db2", 5432, "db3")),
            standby("db2", senders=(sender("db3"),)),
            primary(senders=(sender("db2"), sender("reports", slot=""))),
        ],
        expected=[DB2, DB3],
    )
    assert shown(picture) == [
        (0, "db1", "primary", "running"),
        (1, "db2", "standby", "streaming"),
        (2, "db3", "standby", "streaming"),
        (1, "reports", None, "streaming"),
    ]
    assert [node.upstream for node in picture.nodes] == [None, "db1", "db2", "db1"]


def test_a_standby_is_known_by_what_it_calls_itself_upstream_and_not_by_its_name_here():
    seen = standby("db2", receiver=ReceiverSample("streaming", None, "db1", 5432, "cluster_b"))
    picture = drawn([primary(senders=(sender("cluster_b", slot=""),)), seen])
    assert shown(picture)[1:] == [(1, "db2", "standby", "streaming")]


def test_of_several_of_one_name_nobody_is_guessed():
    """Debian's packages give every cluster of theirs one cluster_name, and so one application_name."""
    mute = ReceiverSample("streaming", None, "10.0.0.1", 5432, "15/main")
    rows = (sender("15/main", 900, slot=""), sender("15/main", 700, slot=""))
    picture = drawn([primary(senders=rows), standby("db2", receiver=mute), standby("db3", receiver=mute)])
    assert [(node.name, node.state, node.upstream) for node in picture.nodes if node.role == "standby"] == [
        ("db2", "streaming", None),
        ("db3", "streaming", None),
    ]
    assert len(picture.nodes) == 5


def test_two_that_stream_from_each_other_are_shown():
    db2 = standby("db2", receiver=ReceiverSample("streaming", None, "x", 1, "db2"), senders=(sender("db3", slot=""),))
    db3 = standby("db3", receiver=ReceiverSample("streaming", None, "x", 1, "db3"), senders=(sender("db2", slot=""),))
    assert {node.name for node in drawn([primary(), db2, db3]).nodes} == {"db1", "db2", "db3"}


def test_in_a_hole_of_the_samples_a_lag_has_two_ends():
    db1, db2 = primary(lsn=1000), standby(replay=1500)
    rounds = [[db1, db2], [later(db1, 7200, lsn=9000), later(db2, 7200)]]
    lag = drawn(*rounds).node("db2").lag
    assert (lag.at_most, lag.seconds, lag.least) == (True, 7200.0, 0.0)


def test_one_server_by_two_names_is_one_node():
    picture = drawn([primary("db1"), primary("again", started_at="start of db1")])
    assert picture.primaries == ("db1",)
    assert [node.name for node in picture.nodes] == ["db1"]


def test_a_stream_that_is_cut_shows_its_whole_age_and_bytes():
    db1, db2 = primary(lsn=1000), standby(replay=1000)
    rounds = [[db1, db2]]
    for second in range(1, 9):
        cut = later(db2, second, receiver=None)
        rounds.append([later(db1, second, lsn=1000 + 100 * second), cut])
    node = drawn(*rounds, expected=[DB2]).node("db2")
    assert (node.state, node.lag.seconds, node.lag.at_least, node.lag.behind_bytes) == (
        "not connected",
        7.0,
        False,
        800,
    )


def test_a_standby_that_fell_silent_is_behind_by_at_least_what_it_had():
    db1, db2 = primary(lsn=1000), standby(replay=900, receive_lsn=1000)
    rounds = [[db1, db2], *([later(db1, s, lsn=1000 + s), silent(at=100.0 + s)] for s in range(1, 6))]
    node = drawn(*rounds, expected=[DB2]).node("db2")
    assert (node.role, node.state) == (None, "unreachable")
    assert (node.lag.seconds, node.lag.at_least) == (4.0, True)


def test_what_its_upstream_shows_counts_where_it_does_not_answer_itself():
    seen = primary(senders=(sender(replay=1000),))
    node = drawn([seen, silent()], expected=[DB2]).node("db2")
    assert (node.state, node.upstream, node.lag.seconds, node.lag.at_least) == ("streaming", "db1", 0.0, False)


def test_without_the_primary_a_lag_is_a_lower_bound_or_unknown():
    db1, db2 = primary(lsn=1000), standby(replay=1000)
    rounds = [[db1, db2], [later(db1, 1, lsn=2000), later(db2, 1)], [silent("db1", 110.0), later(db2, 10)]]
    node = drawn(*rounds).node("db2")
    assert (node.lag.seconds, node.lag.at_least) == (0.0, True)
    caught_up = [rounds[0], [silent("db1", 110.0), later(db2, 10)]]
    assert drawn(*caught_up).node("db2").lag is None
    assert drawn([silent("db1"), db2]).node("db2").lag is None


def test_behind_the_first_sample_the_last_commit_is_a_bound_from_the_other_side():
    db1 = primary(lsn=5000)
    db2 = standby(replay=1000, committed=db1.clock - 12.5)
    node = drawn([db1, db2], [later(db1, 0.5, lsn=5100), later(db2, 0.5)]).node("db2")
    assert (node.lag.at_most, node.lag.at_least) == (True, False)
    assert node.lag.seconds == pytest.approx(13.0)
    unknown = replace(db2, committed=None)
    node = drawn([db1, unknown], [later(db1, 0.5, lsn=5100), later(unknown, 0.5)]).node("db2")
    assert (node.lag.seconds, node.lag.at_least) == (0.5, True)


def test_positions_of_another_timeline_are_not_compared():
    node = drawn([primary(timeline=2, lsn=900), standby(replay=1000, receiver=None)]).node("db2")
    assert (node.state, node.lag, node.behind) == ("not connected", None, {})


def test_the_clock_begins_anew_with_a_timeline():
    db1, db2 = primary(lsn=1000), standby("db2", replay=990)
    promoted = primary("db2", lsn=995, at=101.0, timeline=2, started_at="start of db2")
    follows = standby("db3", replay=990, at=101.0, timeline=2)
    picture = drawn([db1, db2], [silent("db1", 101.0), promoted, follows])
    assert picture.primaries == ("db2",)
    assert picture.node("db3").lag.at_least, "what the old primary had written at that position says nothing"


@given(st.permutations(["db1", "db2", "db9"]))
def test_two_primaries_are_named_from_either_side_and_the_one_that_is_followed_counts(order):
    servers = {
        "db1": primary("db1", lsn=1000),
        "db2": primary("db2", lsn=800, timeline=2, senders=(sender("db9", 800),)),
        "db9": standby("db9", replay=800, timeline=2),
    }
    for head in ("db1", "db2"):
        picture = drawn([servers[name] for name in order], head=head, expected=[DB2])
        assert set(picture.primaries) == {"db1", "db2"}
        assert picture.node("db9").lag.behind_bytes == 0


def test_a_server_of_another_cluster_is_left_out_of_everything():
    other = standby("db7", system_identifier="1", slots=(slot("x", active=False),))
    picture = drawn([primary(), other])
    assert picture.strangers == (("db7", "1"),)
    assert [node.name for node in picture.nodes] == ["db1"]
    assert picture.slots == ()


def test_what_a_loss_would_cost_is_what_the_best_standby_has_not_received():
    db1 = primary(lsn=1000, senders=(sender("db2", 900), sender("db3", 700)))
    picture = drawn([db1, standby("db2", replay=300, receive_lsn=900), standby("db3", replay=700)])
    assert (picture.loss.primary, picture.loss.standby, picture.loss.lag.behind_bytes) == ("db1", "db2", 100)
    assert drawn([primary()]).loss is None
    assert drawn([silent("db1"), standby()]).loss is None


def test_who_uses_a_slot_and_who_should():
    db1 = primary(
        senders=(sender("db2"),),
        slots=(slot("db2"), slot("db3", active=False, held=500), slot("old", active=False, held=1 << 30)),
        slower=slower(free_bytes=10 << 30, wal_ahead_bytes=1 << 30),
    )
    picture = drawn(
        [db1, standby()],
        [later(db1, 10, lsn=1000 + (10 << 20)), later(standby(), 10)],
        expected=[DB2, Expected("db3", "db3", "db1")],
    )
    db2, db3, old = picture.slots
    assert (db2.used_by, db2.full_in) == ("db2", None)
    assert (db3.used_by, db3.needed_by) == (None, "db3")
    assert (old.needed_by, old.full_in.seconds) == (None, 11 * 1024), "11 GB at 1 MB/s"


def test_a_cap_that_is_beyond_the_disk_does_not_hide_the_disk():
    held = slot("old", active=False, held=1 << 30, safe_bytes=40 << 30)
    db1 = primary(slots=(held,), slower=slower(free_bytes=10 << 30, cap_bytes=41 << 30))
    [seen] = drawn([db1], [later(db1, 10, lsn=1000 + (10 << 20))]).slots
    assert (seen.lost_in.seconds, seen.full_in.seconds) == (40 * 1024, 10 * 1024)
    roomy = replace(db1, slower=slower(free_bytes=100 << 30, cap_bytes=41 << 30))
    [seen] = drawn([roomy], [later(roomy, 10, lsn=1000 + (10 << 20))]).slots
    assert (seen.lost_in.seconds, seen.full_in) == (40 * 1024, None)


def test_what_cannot_be_seen_is_not_forecast():
    db1 = primary(slots=(slot("old", active=False, held=1 << 30),), slower=slower(free_bytes=None))
    [seen] = drawn([db1], [later(db1, 10, lsn=1000 + (10 << 20))]).slots
    assert (seen.lost_in, seen.full_in, seen.capped) == (None, None, False)


@pytest.mark.parametrize("off", [-3600.0, 3600.0])
def test_a_clock_that_is_an_hour_off_on_any_host_matters_to_no_lag(off):
    """One clock counts, the sampler's; of two moments that are compared by a server's clock both are the primary's."""
    db1, db2 = primary(lsn=1000), standby(replay=1000)
    for wrong, right in (("db1", "db2"), ("db2", "db1"), ("both", "")):
        one = replace(db1, clock=db1.clock + off * (wrong != "db2"))
        other = replace(db2, clock=db2.clock + off * (wrong != "db1"), committed=one.clock - 5)
        rounds = [[later(one, s, lsn=1000 + 100 * s), later(other, s)] for s in range(9)]
        assert drawn(*rounds).node("db2").lag.seconds == 7.0, (wrong, right)
        behind = replace(other, replay_lsn=10)
        assert drawn([one, behind], [later(one, 1), later(behind, 1)]).node("db2").lag.seconds == 6.0
