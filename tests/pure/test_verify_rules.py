"""From what was seen to what is said: each line alone, and that what is not known is never said to be well."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standbyctl.diagnosis.sight import Ends, Mark, Sight, Trial
from standbyctl.diagnosis.verify import ESSENTIAL, Report, Verdict, diagnose
from standbyctl.domain.check import Check, Status
from standbyctl.domain.conf import entry_fits, passfile_entry
from standbyctl.domain.message import msg
from standbyctl.domain.replication import (
    MINIMUM_PARAMETERS,
    Collation,
    Collations,
    Damage,
    DatabaseView,
    IndexesView,
    LagView,
    Parameter,
    PassfileView,
    ReceiverView,
    SenderView,
    ServerView,
    SlotView,
    Upstream,
)
from standbyctl.ui.verdict import render_report, report_record
from tests.pure.examples import SYSTEM

GB = 1 << 30
OTHERS = {"data_checksums": "on", "max_slot_wal_keep_size": "20480", "wal_segment_size": str(16 << 20)}
ENDS = Ends("db1", "db2", "db2", "db2", SYSTEM, 5432)
PRIMARY = ServerView(
    version_num=160014, system_identifier=SYSTEM, in_recovery=False, timeline=1, started_at="1.5", started_epoch=1,
    port=5432, data_directory="/pg/db1", may_create_databases=True,
    parameters=tuple(Parameter(name, "100", "8", pending=False) for name in MINIMUM_PARAMETERS)
    + tuple(Parameter(name, value, None, pending=False) for name, value in OTHERS.items()),
    pending=(), senders=(SenderView("db2", "streaming", "db2"), SenderView("db3", "streaming", "db3")),
    slots=(SlotView("db2", "physical", True, "reserved", 0, 20 * GB),), receiver=None, replay_state=None,
    primary_conninfo="", primary_slot_name="", cluster_name="", damage=(),
    databases=(DatabaseView("postgres", None, connectable=True),),
)  # fmt: skip
STANDBY = replace(
    PRIMARY, in_recovery=True, started_at="9.5", port=5433, data_directory="/pg/db2", senders=(), slots=(),
    receiver=ReceiverView("streaming", "db2", "127.0.0.1", 5432), replay_state="not paused", primary_slot_name="db2",
)  # fmt: skip
WORDS = Collations((Collation("app", "en_US.UTF-8", "2.36", "2.36"), Collation("c", "C", None, None)), "app", ())
SIGHT = Sight(
    ends=ENDS,
    primary=PRIMARY,
    standby=STANDBY,
    upstream=Upstream("127.0.0.1", "5432", "repl", "/p", "db2", password=False),
    passfile=PassfileView("/p", "postgres", True, "600", True, ("127.0.0.1:5432:*:repl:",)),
    primary_collations=WORDS,
    collations=WORDS,
    pending={},
    lag=LagView(5.0, 0.0, False, 0, 0, paused=False, cut=False),
    max_lag_seconds=1.0,
    why={},
    asked=frozenset({"mark", "trial", "deep"}),
    mark=Mark("0/1", 0.002, 2.0),
    trial=Trial(2, 0.2, 200.0),
    indexes=IndexesView(3, 3, 0.1, (), ("app",), (), ()),
)


def notable(sight: Sight) -> dict[str, str]:
    """What is not OK."""
    return {check.code: check.status.value for check in diagnose(sight).checks if check.status is not Status.OK}


def seen(sight: Sight, code: str) -> str:
    [check] = [check for check in diagnose(sight).checks if check.code == code]
    return str(check.seen)


def on(server: ServerView, **values: Any) -> tuple[Parameter, ...]:
    return tuple(replace(each, value=values.get(each.name, each.value)) for each in server.parameters)


def at(**changes: Any) -> Sight:
    """The healthy sight, but for some of it: `primary`, `standby` and so on are what differs in them."""
    parts = {
        name: replace(getattr(SIGHT, name), **what)
        if isinstance(what, dict) and name not in {"pending", "primary_pending", "why"}
        else what
        for name, what in changes.items()
    }
    return replace(SIGHT, **parts)


def test_all_is_well_and_nothing_is_noise() -> None:
    assert notable(SIGHT) == {}
    assert diagnose(SIGHT).verdict is Verdict.VERIFIED
    assert [check.code for check in diagnose(SIGHT).checks] == ["V805", "V801", "V802", "V803", "V804", "V806", "V807",
                                                                 "V808", "V809", "V810", "V811", "V812"]  # fmt: skip


SLOT = PRIMARY.slots[0]
LINES: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "another system": ({"standby": {"system_identifier": "7"}}, {"V801": "FAIL"}, "is no copy of db1"),
    "another primary": ({"ends": {"system_identifier": "7"}}, {"V801": "FAIL"}, "another cluster than at the attach"),
    "promoted": ({"standby": {"in_recovery": False}}, {"V801": "FAIL"}, "it was promoted"),
    "no primary": ({"primary": {"in_recovery": True}}, {"V801": "FAIL"}, "it is no primary"),
    "timelines": ({"standby": {"timeline": 2}}, {"V802": "FAIL"}, "db2 is on 2, db1 on 1"),
    "no receiver": ({"standby": {"receiver": None}}, {"V803": "FAIL"}, "has no WAL receiver"),
    "waiting": ({"standby": {"receiver": ReceiverView("waiting", "db2", "h", 5432)}}, {"V803": "FAIL"}, "is waiting"),
    "no sender": ({"primary": {"senders": ()}}, {"V803": "FAIL"}, "no walsender for db2"),
    "catchup": ({"primary": {"senders": (SenderView("db2", "catchup", "db2"),)}}, {"V803": "FAIL"}, "state catchup"),
    "sent from another slot": (
        {"primary": {"senders": (SenderView("db2", "streaming", "x"),)}}, {"V803": "FAIL"}, 'from slot "x"'),
    "received through none": (
        {"standby": {"receiver": ReceiverView("streaming", None, "h", 5432)}}, {"V803": "FAIL"}, "through no slot"),
    "another port": (
        {"standby": {"receiver": ReceiverView("streaming", "db2", "h", 6432)}}, {"V803": "WARN"}, "a proxy"),
    "hidden receiver": (
        {"standby": {"receiver": ReceiverView(None, None, None, None)}}, {"V803": "UNKNOWN"}, "pg_monitor"),
    "hidden senders": ({"primary": {"senders": (SenderView("db2", None, "db2"),)}}, {"V803": "UNKNOWN"}, "pg_monitor"),
    "less": ({"standby": {"parameters": on(STANDBY, max_connections="50")}}, {"V804": "FAIL"}, "50, less than the 100"),
    "soon less": ({"pending": {"max_connections": "50"}}, {"V804": "FAIL"}, "will not start with less than the 100"),
    "soon more": ({"pending": {"max_connections": "500"}, "standby": {"pending": ("max_connections",)}},
                  {"V804": "WARN"}, "waiting for a restart of db2: max_connections"),
    "raised": ({"primary": {"pending": ("max_wal_senders",)}}, {"V804": "WARN"}, "may pause the replay of db2"),
    "raised above": ({"primary": {"pending": ("max_connections",)}, "primary_pending": {"max_connections": "300"}},
                     {"V804": "WARN"}, "the next restart of db1 brings max_connections = 300, and db2 has 100"),
    "lowered": ({"primary": {"pending": ("max_connections",)}, "primary_pending": {"max_connections": "50"}}, {}, ""),
    "not ours": ({"primary": {"pending": ("shared_buffers",)}}, {}, ""),
    "no slot": ({"primary": {"slots": ()}}, {"V805": "FAIL"}, 'there is no slot "db2"'),
    "lost": ({"primary": {"slots": (replace(SLOT, wal_status="lost"),)}}, {"V805": "FAIL"}, "its WAL is gone"),
    "idle": ({"primary": {"slots": (replace(SLOT, active=False),)}}, {"V805": "FAIL"}, "is not active"),
    "no cap": ({"primary": {"parameters": on(PRIMARY, max_slot_wal_keep_size="-1")}}, {"V805": "WARN"}, "no cap"),
    "little left": ({"primary": {"slots": (replace(SLOT, safe_bytes=GB),)}}, {"V805": "WARN"}, "1 GB until the cap"),
    "a hidden cap": ({"primary": {"parameters": on(PRIMARY, max_slot_wal_keep_size=None)}}, {"V805": "UNKNOWN"},
                     "is not shown"),
    "how much is left": ({"primary": {"slots": (replace(SLOT, safe_bytes=None),)}}, {"V805": "UNKNOWN"},
                         "how much is left is not shown"),
    "held unknown": ({"primary": {"slots": (replace(SLOT, active=False, retained_bytes=None),)}}, {"V805": "FAIL"},
                     "it holds - of WAL"),
    "unreserved": ({"primary": {"slots": (replace(SLOT, wal_status="unreserved"),)}}, {"V805": "WARN"}, "unreserved"),
    "without a slot": ({"ends": {"slot": ""}, "primary": {"senders": (SenderView("db2", "streaming", None),)},
                        "standby": {"receiver": ReceiverView("streaming", "", "h", 5432)}},
                       {"V805": "WARN"}, "uses no slot"),
    "in clear": ({"upstream": {"password": True}}, {"V806": "WARN"}, "stands in primary_conninfo"),
    "no passfile": ({"upstream": {"passfile": ""}}, {"V806": "UNKNOWN"}, "names none"),
    "hidden conninfo": ({"upstream": None, "why": {"upstream": msg("hidden")}}, {"V806": "UNKNOWN"}, "hidden"),
    "elsewhere": ({"passfile": None, "why": {"passfile": msg("elsewhere")}}, {"V806": "UNKNOWN"}, "elsewhere"),
    "gone": ({"passfile": {"present": False}}, {"V806": "FAIL"}, "is not there"),
    "0640": ({"passfile": {"mode": "640"}}, {"V806": "FAIL"}, "has mode 0640"),
    "0400": ({"passfile": {"mode": "400"}}, {}, ""),
    "unreadable": ({"passfile": {"readable": False}}, {"V806": "FAIL"}, "cannot be read by postgres"),
    "no line": ({"passfile": {"entries": ("127.0.0.1:5432:app:repl:",)}}, {"V806": "FAIL"}, "has no line for"),
    "any line": ({"passfile": {"entries": ("# x:", "*:*:replication:*:")}}, {}, ""),
    "other library": ({"collations": replace(WORDS, databases=(Collation("app", "x", "2.36", "2.31"),))},
                      {"V807": "FAIL"}, "app (x 2.36, here 2.31)"),
    "other, and the primary not known": (
        {"collations": replace(WORDS, databases=(Collation("app", "x", "2.36", "2.31"),)), "primary_collations": None,
         "why": {"primary_collations": msg("it timed out")}}, {"V807": "UNKNOWN"}, "it timed out"),
    "both others": ({"collations": replace(WORDS, databases=(Collation("app", "x", "2.31", "2.36"),))},
                    {"V807": "WARN"}, "as on db1"),
    "a collation": ({"collations": replace(WORDS, objects=("ja-x-icu",))}, {"V807": "FAIL"}, "ja-x-icu"),
    "no version": ({"collations": replace(WORDS, databases=(Collation("app", "x", None, None),))},
                   {"V807": "UNKNOWN"}, "no version is recorded"),
    "behind": ({"lag": {"worst_seconds": 2.0, "behind_bytes": GB}}, {"V808": "FAIL"}, "2.0 s at worst"),
    "just behind": ({"lag": {"worst_seconds": 0.2004}, "max_lag_seconds": 0.2}, {"V808": "FAIL"},
                    "201 ms at worst in 5.0 s, and 0 B; the bound is 200 ms"),
    "just behind a second": ({"lag": {"worst_seconds": 1.04}}, {"V808": "FAIL"}, "1040 ms at worst"),
    "at its bound": ({"lag": {"worst_seconds": 1.0}}, {}, ""),
    "paused": ({"lag": {"paused": True}}, {"V808": "FAIL"}, "replay is paused"),
    "cut": ({"lag": {"cut": True}}, {"V808": "FAIL"}, "nothing is received"),
    "at least": ({"lag": {"worst_seconds": 4.9, "at_least": True}}, {"V808": "FAIL"}, "at least 4.9 s"),
    "not replayed": ({"mark": Mark("0/9", 10.0, None)}, {"V809": "FAIL"}, "was not replayed in 10.0 s"),
    "no mark": ({"mark": None, "why": {"mark": msg("no")}}, {"V809": "UNKNOWN"}, "no"),
    "not shown": ({"trial": Trial(0, 30.0, None)}, {"V810": "FAIL"}, "not seen on db2 in 30.0 s"),
    "no table": ({"trial": None, "why": {"trial": msg("may not")}}, {"V810": "UNKNOWN"}, "may not"),
    "damaged": ({"indexes": {"broken": ("app: i",)}}, {"V811": "FAIL"}, "damaged: app: i"),
    "no amcheck": ({"indexes": {"with_amcheck": ()}}, {"V811": "UNKNOWN"}, "is in no database"),
    "no time": ({"indexes": {"checked": 1, "out_of_time": True}}, {"V811": "WARN"},
                "1 of 3 B-tree indexes of app sound, then the time was up (0.1 s)"),
    "a locked table": ({"indexes": {"checked": 2, "skipped": ("app: public.i (55P03)",)}}, {"V811": "WARN"},
                       "2 of 3 B-tree indexes of app sound; could not be checked: app: public.i (55P03)"),
    "nothing checked": ({"indexes": {"checked": 0, "out_of_time": True}}, {"V811": "UNKNOWN"}, "0 of 3"),
    "away": ({"indexes": {"unreached": ("app (server closed the connection)",)}}, {"V811": "UNKNOWN"},
             "could not be asked: app (server closed the connection)"),
    "denied": ({"indexes": {"denied": ("app",)}}, {"V811": "UNKNOWN"}, "no right to check in: app"),
    "failures": ({"standby": {"damage": (Damage(None, 2),)}}, {"V812": "FAIL"}, "db2: shared 2"),
    "off": ({"primary": {"parameters": on(PRIMARY, data_checksums="off")}}, {"V812": "WARN"}, "unnoticed"),
}  # fmt: skip


@pytest.mark.parametrize("case", LINES.values(), ids=LINES)
def test_one_thing_changes_one_line(case: tuple[dict[str, Any], dict[str, str], str]) -> None:
    changes, expected, words = case
    assert notable(at(**changes)) == expected
    for code in expected:
        assert words in seen(at(**changes), code)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"standby": {"started_at": "1.5", "port": 5432}}, "one and the same server"),
        ({"standby": {"in_recovery": False}, "primary": {"in_recovery": True}}, "are they swapped?"),
    ],
)
def test_one_server_given_twice_or_each_as_the_other_is_said_and_nothing_else(
    changes: dict[str, Any], words: str
) -> None:
    found = notable(at(**changes))
    assert found.pop("V801") == "FAIL"
    assert words in seen(at(**changes), "V801")
    assert len(found) == len(diagnose(SIGHT).checks) - 1
    assert {seen(at(**changes), code) for code in found} == {"not looked at: see V801"}


def test_why_a_server_does_not_answer_is_said_once() -> None:
    why = {"standby": msg("cannot connect to db2: refused; Is it there?")}
    sight = at(standby=None, lag=None, mark=None, trial=None, indexes=None, collations=None, upstream=None, why=why)
    said = [str(check.seen) for check in diagnose(sight).checks]
    assert sum("refused" in words for words in said) == 1
    assert "refused" in seen(sight, "V801")
    assert said.count("not looked at: db2 does not answer") == 10


def test_what_deep_could_not_do_leaves_the_question_open_and_is_in_the_headline() -> None:
    report = diagnose(at(indexes={"with_amcheck": ()}))
    assert report.verdict is Verdict.UNKNOWN
    assert "indexes (amcheck) (V811)" in render_report(report).split("\n\n")[0].replace("\n", " ")


def test_a_table_that_a_killed_run_left_is_said_without_being_asked() -> None:
    left = replace(SIGHT, asked=frozenset(), leftovers=("replication_test",))
    assert notable(left) == {"V810": "WARN"}
    assert "V810" not in {check.code for check in diagnose(replace(left, leftovers=())).checks}


def test_by_hand_the_slot_alone_tells_the_walsender_where_names_are_hidden() -> None:
    by_slot = at(ends={"application_name": None})
    assert notable(by_slot) == {}
    assert notable(at(ends={"application_name": None, "slot": None})) == {"V803": "UNKNOWN", "V805": "UNKNOWN"}


@pytest.mark.parametrize("silent", ["primary", "standby"])
def test_a_node_that_does_not_answer_is_never_well(silent: str) -> None:
    why = {silent: msg("{node} does not answer", node=silent)}
    report = diagnose(at(**{silent: None, "lag": None, "mark": None, "trial": None, "why": why}))
    assert report.verdict is Verdict.UNKNOWN
    assert {"V801", "V802", "V803", "V804", "V808", "V809", "V810"} <= {
        check.code for check in report.of(Status.UNKNOWN)
    }
    gone = at(**{"standby": None, "primary": {"senders": ()}, "lag": None, "mark": None, "trial": None, "why": why})
    assert diagnose(gone).verdict is Verdict.NOT_VERIFIED, "the primary misses it too"
    assert "and db2 does not answer" in seen(gone, "V803")


optional = [name for name in (field.name for field in fields(Sight)) if getattr(SIGHT, name) is not None]
optional = [
    name
    for name in optional
    if name not in {"ends", "pending", "primary_pending", "max_lag_seconds", "why", "asked", "leftovers"}
]


@given(st.sets(st.sampled_from(optional)))
def test_whatever_is_not_known_is_not_said_to_be_well(missing: set[str]) -> None:
    report = diagnose(at(**dict.fromkeys(missing)))
    needs = {
        "V801": {"primary", "standby"}, "V802": {"primary", "standby"}, "V803": {"primary", "standby"},
        "V804": {"primary", "standby"}, "V805": {"primary"}, "V806": {"upstream", "passfile"}, "V807": {"collations"},
        "V808": {"lag"}, "V809": {"mark"}, "V810": {"trial"}, "V811": {"indexes"}, "V812": {"primary", "standby"},
    }  # fmt: skip
    for check in report.checks:
        assert (check.status is Status.UNKNOWN) == bool(needs[check.code] & missing), check
    assert (report.verdict is Verdict.UNKNOWN) == bool(ESSENTIAL & {check.code for check in report.of(Status.UNKNOWN)})


@given(st.lists(st.sampled_from([Status.OK, Status.WARN, Status.FAIL, Status.UNKNOWN]), min_size=1, max_size=9))
def test_the_verdict_is_first_and_last_and_the_worst_decides(statuses: list[Status]) -> None:
    codes = ["V801", "V802", "V803", "V804", "V806", "V807", "V808", "V809", "V810"]
    found = [
        Check(code, "db2", msg("a title"), status, msg("seen")) for code, status in zip(codes, statuses, strict=False)
    ]
    report = Report("db1", "db2", tuple(found))
    lines = render_report(report).splitlines()
    word = "VERIFIED  " if report.verdict is Verdict.VERIFIED else "NOT VERIFIED  "
    assert lines[0].startswith(word)
    assert [line for line in lines if line.startswith((word, "VERIFIED  "))][-1].startswith(word)
    assert (report.verdict is Verdict.NOT_VERIFIED) == (Status.FAIL in statuses)
    assert len(report_record(report)["checks"]) == len(found)


# --- lines of a passfile

words = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), min_size=1).filter(
    lambda t: t != "*"
)


@given(words, st.integers(1, 65535), words)
def test_the_line_that_we_write_is_the_line_that_fits(host: str, port: int, role: str) -> None:
    entry = passfile_entry(host, port, role)
    assert entry_fits(entry, host, str(port), role)
    assert not entry_fits(entry, host, str(port), f"{role}x")
    assert not entry_fits(entry, f"x{host}", str(port), role)
