"""The first rule that matches decides. A line of ours must be reached, and must never be above a `reject`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standbyctl.domain.facts import HbaRule
from standbyctl.domain.hba import Placement, find_place, hba_line
from standbyctl.nodes.files import insert_line, remove_line
from tests.pure.examples import HBA, LOCAL_RULE, ROLE, rule
from tests.pure.strategies import rules

ALL = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
V4, V6 = "127.0.0.1", "::1"


def place(*found: HbaRule, source: str = V4) -> Placement:
    return find_place(found, HBA, ROLE, source)


@dataclass(frozen=True)
class Truth:
    """What only the server knows: whether TLS is used, who is in a group, what a name resolves to."""

    tls: bool
    groups: bool
    names: bool

    def matches(self, rule: HbaRule, source: str) -> bool:
        """Whether the rule decides about a replication connection of our role, as PostgreSQL reads it."""
        if rule.error or rule.type == "local" or "replication" not in rule.databases:
            return False
        if rule.type == ("hostnossl" if self.tls else "hostssl"):
            return False
        if not any(name in {"all", ROLE} or (name[0] in "+/" and self.groups) for name in rule.users):
            return False
        if rule.address == "all":
            return True
        if not rule.netmask:
            return self.names
        bits = int(ip_address(rule.netmask)).bit_count()
        return ip_address(source) in ip_network(f"{rule.address}/{bits}", strict=False)

    def decide(self, found: tuple[HbaRule, ...], source: str) -> str:
        """The method of the first rule that matches; none is a refusal too."""
        return next((rule.method for rule in found if self.matches(rule, source)), "none")


truths = st.builds(Truth, st.booleans(), st.booleans(), st.booleans())


def with_ours(found: tuple[HbaRule, ...], where: Placement, source: str) -> tuple[HbaRule, ...]:
    """The rules once our line is where it was placed."""
    ours = replace(rule(0, "ours"), users=(ROLE,), address=source, netmask="255.255.255.255" if source == V4 else ALL)
    if where.before_line is None:
        return (*found, ours)
    n = next(n for n, each in enumerate(found) if each.line == where.before_line and each.file in {"", HBA})
    return (*found[:n], ours, *found[n:])


@given(rules, truths, st.sampled_from([V4, V6]))
def test_whom_a_reject_keeps_out_our_line_never_lets_in(found: tuple[HbaRule, ...], truth: Truth, source: str) -> None:
    where = find_place(found, HBA, ROLE, source)
    if where.refuses or where.admits or where.foreign_file:
        return
    if truth.decide(found, source) == "reject":
        assert truth.decide(with_ours(found, where, source), source) == "reject"


@given(rules, truths, st.sampled_from([V4, V6]))
def test_a_line_that_is_placed_is_reached(found: tuple[HbaRule, ...], truth: Truth, source: str) -> None:
    where = find_place(found, HBA, ROLE, source)
    if where.refuses or where.admits or where.foreign_file:
        assert where.before_line is None
        return
    assert truth.decide(with_ours(found, where, source), source) == "ours"


@given(rules, truths, st.sampled_from([V4, V6]))
def test_a_rule_that_is_said_to_admit_decides_whatever_else_is_true(
    found: tuple[HbaRule, ...], truth: Truth, source: str
) -> None:
    where = find_place(found, HBA, ROLE, source)
    if where.admits:
        assert truth.decide(found, source) == where.admits.method
        assert where.admits.method in {"scram-sha-256", "trust"}


@pytest.mark.parametrize("database", ["all", "app", "sameuser", "/rep.*"])
def test_all_in_the_database_column_does_not_match_replication(database: str) -> None:
    assert place(rule(1, "reject", databases=(database,))) == Placement()
    assert place(rule(1, "reject", databases=(database, "replication"))).refuses


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "local"},
        {"users": ("app",)},
        {"address": "10.0.0.0", "netmask": "255.0.0.0"},
        {"address": V6, "netmask": ALL},
        {"error": "invalid"},
    ],
)
def test_a_rule_for_others_is_passed_over(changes: dict[str, object]) -> None:
    assert place(rule(1, "reject", **changes)) == Placement()
    assert place(LOCAL_RULE, rule(2, "cert"), rule(3, "cert", **changes)).before_line == 2


@pytest.mark.parametrize("address", ["samehost", "samenet", "db.example.com", ".example.com"])
def test_an_address_that_only_the_server_can_tell_might_match(address: str) -> None:
    unknown = rule(4, address=address, netmask="")
    assert place(unknown).before_line == 4
    assert place(replace(unknown, method="reject")).refuses
    # It admits perhaps, and the reject below it decides else: a line above both would undo that.
    assert place(unknown, rule(5, "reject")).refuses == rule(5, "reject")


@pytest.mark.parametrize("user", ["+ops", "/^repl"])
def test_a_group_or_a_pattern_might_match(user: str) -> None:
    assert place(rule(4, users=(user,))).before_line == 4
    assert place(rule(4, "reject", users=(user,))).refuses


@pytest.mark.parametrize("kind", ["hostssl", "hostnossl", "hostgssenc", "hostnogssenc"])
def test_a_rule_for_some_connections_might_match(kind: str) -> None:
    assert place(rule(4, type=kind)).before_line == 4
    assert place(rule(4, "reject", type=kind)).refuses


@pytest.mark.parametrize("method", ["scram-sha-256", "md5", "password", "trust"])
def test_a_rule_that_takes_a_password_or_nothing_admits(method: str) -> None:
    assert place(rule(4, method)).admits == rule(4, method)
    assert place(rule(4, method, users=("app", ROLE))).admits
    assert place(rule(4, method, address="all", netmask="")).admits
    # Whatever stands below it is never reached.
    assert place(rule(4, method), rule(5, "reject")).admits


@pytest.mark.parametrize("method", ["cert", "ident", "gss", "ldap", "pam"])
def test_a_rule_that_wants_something_else_gets_our_line_above_it(method: str) -> None:
    assert place(rule(4, method)).before_line == 4
    assert place(rule(4, method), rule(9, "reject")).refuses == rule(9, "reject")


def test_a_rule_in_an_included_file_is_not_edited() -> None:
    assert place(rule(4, "cert", file="/etc/hba.d/site.conf")).foreign_file == "/etc/hba.d/site.conf"
    assert place(rule(4, "cert", file=""), rule(1, file="/x")).before_line == 4
    # Version 15 does not say which file a rule is from; there is only one.
    assert place(rule(4, "cert", file="")).foreign_file == ""


@pytest.mark.parametrize(
    ("source", "address", "netmask", "covered"),
    [
        ("10.1.2.3", "10.0.0.0", "255.0.0.0", True),
        ("11.1.2.3", "10.0.0.0", "255.0.0.0", False),
        ("10.1.2.3", "10.1.2.4", "255.255.255.0", True),
        ("10.1.2.3", "0.0.0.0", "0.0.0.0", True),
        ("fd00::7", "fd00::", "ffff::", True),
        ("fd00::7", "fd01::", "ffff::", False),
        ("fd00::7", "::", "::", True),
        ("fd00::7", "0.0.0.0", "0.0.0.0", False),
    ],
)
def test_an_address_is_covered_by_its_mask(source: str, address: str, netmask: str, covered: bool) -> None:
    assert bool(place(rule(1, address=address, netmask=netmask), source=source).admits) == covered


@pytest.mark.parametrize(
    ("role", "source", "line"),
    [
        ("repl_db2", "10.0.0.7", "host replication repl_db2 10.0.0.7/32 scram-sha-256 # m"),
        ("repl_db2", "fd00::7", "host replication repl_db2 fd00::7/128 scram-sha-256 # m"),
        # A keyword, or a name with odd letters, means itself only in quotes.
        ("all", "10.0.0.7", 'host replication "all" 10.0.0.7/32 scram-sha-256 # m'),
        ("replication", "10.0.0.7", 'host replication "replication" 10.0.0.7/32 scram-sha-256 # m'),
        ("sameuser", "10.0.0.7", 'host replication "sameuser" 10.0.0.7/32 scram-sha-256 # m'),
        ("samerole", "10.0.0.7", 'host replication "samerole" 10.0.0.7/32 scram-sha-256 # m'),
        ("Repl", "10.0.0.7", 'host replication "Repl" 10.0.0.7/32 scram-sha-256 # m'),
        ('o"dd', "10.0.0.7", 'host replication "o""dd" 10.0.0.7/32 scram-sha-256 # m'),
        ("+ops", "10.0.0.7", 'host replication "+ops" 10.0.0.7/32 scram-sha-256 # m'),
        ("1st", "10.0.0.7", 'host replication "1st" 10.0.0.7/32 scram-sha-256 # m'),
    ],
)
def test_the_line_names_one_role_at_one_address(role: str, source: str, line: str) -> None:
    assert hba_line(role, source, "m") == line


texts = st.lists(st.sampled_from([b"", b"# comment", b"host all all all md5", b"\xff\xfe", b"x\r"])).map(b"\n".join)


@given(texts, st.none() | st.integers(1, 5))
def test_what_was_put_in_comes_out_again_and_every_other_byte_stays(text: bytes, before_line: int | None) -> None:
    where = None if before_line is None else min(before_line, text.count(b"\n") + 1)
    with_line = insert_line(text, b"ours", where if text else None)
    assert with_line.split(b"\n").count(b"ours") == 1
    assert remove_line(with_line, b"ours") == text
    if where is not None and text:
        assert with_line.split(b"\n")[where - 1] == b"ours"
