"""How a standby's host gets to its primary, and what is said where addresses are translated on the way."""

from __future__ import annotations

import os
import pwd
from collections import Counter
from dataclasses import replace

import pytest

from standbyctl.app.hosts import Hosts
from standbyctl.app.route import Route
from standbyctl.app.tunnel import via_of
from standbyctl.app.ways import Way, check_unasked, parse_address, ways_to, written
from standbyctl.domain.errors import CannotTellError, Need, UsageError
from standbyctl.domain.facts import Setting
from standbyctl.nodes.libpq import LibpqServer
from standbyctl.nodes.local import LocalHost
from standbyctl.nodes.nowhere import NoHost
from standbyctl.nodes.ports import Door
from standbyctl.observe.hosts import Part, ask_hosts
from standbyctl.observe.translation import End, parse_end, tell
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.preflight import preflight
from standbyctl.planner.standby import standby_settings
from tests.pure.attached import notes
from tests.pure.examples import PRIMARY, SAMPLE, STANDBY, TARGET, TUNNEL, facts, server, settings

OURS = [End("10.0.0.12", 40001), End("10.0.0.12", 40002), End("10.0.0.12", 40003)]
ROUTER = [End("192.0.2.1", port) for port in (50001, 50002, 50003)]
TRANSLATED = replace(TARGET, standby_ssh="db2", source_address="192.0.2.1", own_address="10.0.0.12")
SOCKET = Route("db1_5433", "127.0.0.1", 5433, "127.0.0.1", "/d", "/b", 16, "port=5433", own_port=5433)
BY_TCP = replace(SOCKET, host="10.0.0.11", port=6432, by_tcp=True)


@pytest.mark.parametrize(
    ("own", "new", "expected"),
    [
        (OURS, OURS, "10.0.0.12"),
        (OURS, [*OURS, *ROUTER], "10.0.0.12"),
        (OURS, ROUTER, "192.0.2.1"),
        (OURS, [*ROUTER, End("10.0.0.99", 1), End("10.0.0.99", 2)], "192.0.2.1"),
        (OURS, [*ROUTER, *(End("10.0.0.99", port) for port in (1, 2, 3))], ""),
        (OURS, ROUTER[:2], ""),
        (OURS, [], ""),
        ([], ROUTER, ""),
    ],
    ids=["as we are", "among others", "translated", "others came too", "as many others", "too few", "none", "no bash"],
)
def test_the_address_that_the_primary_sees_is_known_or_not_said(own: list[End], new: list[End], expected: str) -> None:
    assert tell(own, Counter(new)) == expected


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("0C00000A:9C41", End("10.0.0.12", 40001)),
        ("0000000000000000FFFF00000C00000A:0001", End("10.0.0.12", 1)),
        ("000077FD000000000000000011000000:1538", End("fd77::11", 5432)),
    ],
)
def test_the_ends_of_a_connection_are_read_as_linux_writes_them(word: str, end: End) -> None:
    assert parse_end(word) == end


@pytest.mark.parametrize(
    ("given", "params", "hosts", "route", "expected"),
    [
        ("", {}, Hosts("", "db2"), SOCKET, []),
        ("", {}, Hosts("root@db1", "db2"), SOCKET, ["db1 5433 maybe"]),
        ("", {"host": "/run"}, Hosts("db1", ""), SOCKET, ["db1 5433 maybe"]),
        ("", {"host": "localhost"}, Hosts("", "db2"), BY_TCP, ["localhost 6432 maybe", "10.0.0.11 6432 maybe"]),
        ("", {"host": "a"}, Hosts("db1"), BY_TCP, ["a 6432 sure", "10.0.0.11 6432 sure", "db1 5433 maybe"]),
        ("", {"service": "x"}, Hosts("", "db2"), BY_TCP, ["10.0.0.11 6432 maybe"]),
        ("fw:15432", {"host": "db1"}, Hosts("db1", "db2"), BY_TCP, ["fw 15432 sure"]),
        ("fw", {"host": "db1"}, Hosts("db1", "db2"), BY_TCP, ["fw 5433 sure"]),
    ],
)  # fmt: skip
def test_what_leads_to_the_primary_from_here_is_sure_only_for_a_standby_that_is_here(
    given: str, params: dict[str, str], hosts: Hosts, route: Route, expected: list[str]
) -> None:
    assert [str(way) for way in ways_to(params, hosts, route, given, None)] == expected


def test_what_was_begun_goes_on_by_the_same_way_unless_that_was_a_tunnel_or_another_is_named() -> None:
    begun = replace(TARGET, primary_host="fw", primary_port=15432)
    hosts = Hosts("db1", "db2")
    assert ways_to({}, hosts, SOCKET, "", begun)[0] == Way("fw", 15432, sure=True)
    assert ways_to({}, hosts, SOCKET, "", replace(begun, tunnel=TUNNEL)) == (Way("db1", 5433),)
    assert ways_to({}, hosts, SOCKET, "other:1", begun) == (Way("other", 1, sure=True),)


@pytest.mark.parametrize("text", ["", "-x", "a:b", "a:0", "a:99999", "a b", "[fd00::1", "host:1:2"])
def test_an_address_that_is_none_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="is no value of primary_address"):
        parse_address(text)


@pytest.mark.parametrize("address", [("db1", 5432), ("10.0.0.1", 1), ("fd00::1", 6432)])
def test_an_address_is_written_as_it_is_read(address: tuple[str, int]) -> None:
    assert parse_address(written(*address)) == address


def test_an_address_for_a_standby_beside_its_primary_or_behind_a_tunnel_is_a_usage_error() -> None:
    check_unasked("")
    with pytest.raises(UsageError, match="on another host than its primary"):
        check_unasked("10.0.0.1")
    with pytest.raises(UsageError, match="exclude each other"):
        check_unasked("10.0.0.1", tunnel=True)


def test_where_addresses_are_translated_the_line_is_for_what_the_primary_sees_and_both_are_named() -> None:
    plan = plan_attach(facts(), SAMPLE, TRANSLATED)
    [line] = [str(step.text) for step in plan.steps if "pg_hba.conf" in str(step.title)]
    assert "192.0.2.1/32" in line
    assert "sees 10.0.0.12, which db2 connects from, as 192.0.2.1" in notes(plan)
    [seen] = [check for check in preflight(facts(), SAMPLE, TRANSLATED, ()).checks if check.code == "P105"]
    assert "which sees 10.0.0.12 as 192.0.2.1 (address translation)" in str(seen.seen)
    assert "translated" not in notes(plan_attach(facts(), SAMPLE, TARGET))


def test_the_standby_listens_at_its_own_address_and_not_at_the_one_that_the_primary_sees() -> None:
    primary = server(settings=settings(listen_addresses=Setting("listen_addresses", "10.0.0.11", "file")))
    assert dict(standby_settings(primary, TRANSLATED))["listen_addresses"] == "localhost, 10.0.0.12"


@pytest.mark.parametrize(
    ("listens", "expected"), [("*", "is not reached from"), ("10.0.0.11", "does not listen on TCP")]
)
def test_a_primary_that_listens_and_is_not_reached_needs_no_restart(listens: str, expected: str) -> None:
    primary = server(settings=settings(listen_addresses=Setting("listen_addresses", listens, "file")))
    apart = replace(TARGET, primary_ssh="db1", standby_ssh="db2")
    [blocker] = plan_attach(facts(primary), replace(SAMPLE, reachable=False), apart).blockers
    assert (blocker.code, blocker.need) == ("P105", Need.WAY)
    assert expected in str(blocker.what)


def test_of_a_host_that_is_not_reached_nothing_is_asked_and_nothing_done() -> None:
    here, nowhere, silent = LocalHost(pwd.getpwuid(os.geteuid()).pw_name), NoHost(), LibpqServer(PRIMARY, {})
    doors = {PRIMARY: Door(nowhere, silent, away=True), STANDBY: Door(here, silent)}
    said = dict(ask_hosts(doors, Part(PRIMARY, "clock.sh", ("there",)), Part(STANDBY, "clock.sh", ("here",))))
    assert "here" in said
    assert "there" not in said
    for act in (nowhere.script, nowhere.start, nowhere.talk):
        with pytest.raises(CannotTellError, match="the primary is on another host"):
            act("true")
    with pytest.raises(UsageError, match="a tunnel takes a shell on the primary's host"):
        via_of("ssh-tunnel", None, Hosts(away=True))
