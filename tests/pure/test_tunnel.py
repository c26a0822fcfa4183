"""A primary that listens on its own host only: what a tunnel is made of, what it needs, what is said of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Any

import pytest

from standbyctl.app.hosts import Hosts
from standbyctl.app.tunnel import parse_login, via_of
from standbyctl.domain.effects import ExpelTunnelKey, RemoveTunnel, RunTunnel, TryTunnel
from standbyctl.domain.errors import Need, UsageError
from standbyctl.domain.facts import HbaRule, Passfile
from standbyctl.domain.tunnel import Approach, Trace, TunnelSeen, Via
from standbyctl.observe.tunnel import parse_tunnel
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.detach import DetachOptions, plan_detach, recall
from standbyctl.planner.plan import Plan
from standbyctl.planner.standby import primary_conninfo, standby_settings
from standbyctl.steps.base import predict
from standbyctl.steps.tunnel import AdmitTunnel, OpenTunnel, ProvideTunnelKey
from tests.pure.attached import notes
from tests.pure.examples import DATA, HBA, PRIMARY, SAMPLE, STANDBY, TARGET, TUNNEL, facts, kinds, remember, server
from tests.pure.examples import settings as all_settings

TUNNELLED = replace(
    TARGET, primary_host="127.0.0.1", primary_port=15432, primary_ssh="db1", standby_ssh="db2", tunnel=TUNNEL
)
MADE = TunnelSeen(Trace.OURS, known=True, line=Trace.OURS, unit=Trace.OURS, running=True)
LOOPBACK = HbaRule(95, "host", ("replication",), ("all",), "127.0.0.1", "255.255.255.255", "scram-sha-256", HBA)


def plan(approach: Approach | None = None, seen: TunnelSeen | None = None, **changes: Any) -> Plan:
    sample = replace(SAMPLE, approach=approach or Approach())
    return plan_attach(facts(tunnel=seen or TunnelSeen(), **changes), sample, TUNNELLED)


def reasons(found: Plan) -> list[str]:
    return [f"{blocker.code} {blocker.what} {blocker.detail} {blocker.hint}" for blocker in found.blockers]


def test_the_tunnel_is_the_first_thing_to_come_and_the_last_to_go() -> None:
    found = plan()
    assert kinds(found.steps)[:3] == ["ProvideTunnelKey", "AdmitTunnel", "OpenTunnel"]
    reached = predict(found.steps, facts())
    assert reached.place(STANDBY).tunnel == MADE
    detach = plan_detach(reached, SAMPLE, TUNNELLED, remember(found, facts()), DetachOptions())
    assert [str(step.title) for step in detach.steps][-3:] == ["tunnel", "ssh account", "tunnel key"]
    assert predict(detach.steps, reached).place(STANDBY).tunnel == TunnelSeen()


def test_the_rule_for_localhost_that_packages_bring_lets_it_in() -> None:
    hba = replace(server().hba, rules=(LOOPBACK,))
    assert "AdmitReplication" not in kinds(plan_attach(facts(server(hba=hba)), SAMPLE, TUNNELLED).steps)
    # Before the tunnel is there no attempt says anything, for a role of the operator's neither.
    own = replace(TUNNELLED, own_role=False)
    found = facts(server(hba=hba), passfile=Passfile.FOREIGN)
    sample = replace(SAMPLE, refusal="connection refused")
    assert "P107" not in [
        blocker.code for blocker in plan_attach(found, sample, own).blockers if "let in" in str(blocker)
    ]
    assert "AdmitReplication" not in kinds(plan_attach(found, sample, own).steps)


@pytest.mark.parametrize(
    ("approach", "words"),
    [
        (Approach(client=False, os="ubuntu debian"), "P214 no ssh client .*: apt-get install openssh-client"),
        (Approach(client=False, os="rocky rhel centos fedora"), "P214 .*: dnf install openssh-clients"),
        (Approach(client=False, os="arch"), r"P214 .* Install it\."),
        (Approach(service=False), "P214 the unit of a tunnel cannot be installed .* no systemd"),
        (Approach(root=False), "P214 .*standbyctl-tunnel-db2.service is root's, .*sudoers: NOPASSWD"),
        (Approach(files=False, host_keys=False), "P138 .* is not on the host that was asked.* --primary-ssh"),
        (Approach(host_keys=False), "P138 .* cannot be known by its keys .* ssh-keygen -A"),
        (Approach(reached=False, tried=("db1", "10.0.0.1")), "P138 .* 22 was tried at db1, 10.0.0.1. .*--tunnel-login"),
        (Approach(reached=False, tried=("db1",), others=("db1",)), "P138 .* What answers at db1 is another host"),
    ],
)  # fmt: skip
def test_what_a_tunnel_needs_and_has_not_is_said_before_anything_is_made(approach: Approach, words: str) -> None:
    [why] = reasons(plan(approach))
    assert re.search(words, why)
    # Where it is there already, nothing of that matters any more.
    assert plan(approach, MADE).blockers == ()


def test_nothing_of_that_matters_without_a_tunnel() -> None:
    sample = replace(SAMPLE, approach=Approach(client=False, root=False, reached=False))
    assert plan_attach(facts(), sample, TARGET).blockers == ()


@pytest.mark.parametrize("trace", [Trace.CHANGED, Trace.FOREIGN])
def test_what_somebody_else_put_there_is_not_replaced(trace: Trace) -> None:
    for seen in (TunnelSeen(key=trace), TunnelSeen(unit=trace)):
        found = plan(seen=seen)
        assert [(blocker.code, blocker.refused) for blocker in found.blockers] == [("P214", True)]


def test_what_somebody_has_changed_and_works_is_taken_as_it_is_and_kept_by_detach() -> None:
    changed = replace(MADE, line=Trace.CHANGED, unit=Trace.CHANGED)
    assert not {"AdmitTunnel", "OpenTunnel"} & set(kinds(plan(seen=changed).steps))
    attached = predict(plan().steps, facts())
    memory = remember(plan(), facts())
    seen = attached.with_place(STANDBY, tunnel=changed)
    detach = plan_detach(seen, SAMPLE, TUNNELLED, memory, DetachOptions())
    assert {"tunnel", "ssh account"} & {str(step.title) for step in detach.steps} == set()
    assert "ssh account: not as we left it, so it is kept as it is" in notes(detach)
    assert "tunnel: not as we left it, so it is kept as it is" in notes(detach)


def test_a_line_for_another_key_of_ours_is_replaced_and_a_lost_key_makes_one() -> None:
    lost = replace(MADE, key=Trace.ABSENT, known=False, line=Trace.OTHER)
    assert kinds(plan(seen=lost).steps)[:2] == ["ProvideTunnelKey", "AdmitTunnel"]
    other_host_keys = replace(MADE, known=False)
    assert kinds(plan(seen=other_host_keys).steps)[0] == "ProvideTunnelKey"
    assert "AdmitTunnel" not in kinds(plan(seen=other_host_keys).steps)


def test_without_a_journal_its_parts_are_known_by_their_marks() -> None:
    found = recall(facts(tunnel=MADE), TUNNELLED)
    assert kinds(tuple(entry.step for entry in found)) == ["ProvideTunnelKey", "AdmitTunnel", "OpenTunnel"]
    assert recall(facts(tunnel=MADE), TARGET) == ()
    assert recall(facts(tunnel=TunnelSeen(Trace.FOREIGN, unit=Trace.CHANGED, line=Trace.CHANGED)), TUNNELLED) == ()


def test_a_primary_that_does_not_listen_where_the_standby_is_has_a_way_without_a_restart() -> None:
    apart = replace(TARGET, primary_ssh="db1", standby_ssh="db2")
    primary = server(settings=all_settings(listen_addresses="localhost"))
    deaf = replace(SAMPLE, reachable=False)
    [blocker] = plan_attach(facts(primary), deaf, apart).blockers
    assert (blocker.code, blocker.need) == ("P105", Need.WAY)
    assert "--via ssh-tunnel" in str(blocker.hint)
    # On one machine there is nowhere for it to go, and without TCP nothing for it to reach.
    assert "tunnel" not in str(plan_attach(facts(primary), deaf, TARGET).blockers)
    silent = facts(server(settings=all_settings(listen_addresses="")))
    assert "tunnel" not in str(plan_attach(silent, deaf, apart).blockers)


def test_the_unit_is_started_before_the_cluster_which_does_not_need_it_and_is_never_given_up() -> None:
    text = TUNNEL.unit_text("standbyctl: db2")
    first, _, rest = text.partition("\n")
    assert first == f"# standbyctl: db2, key {hashlib.sha256(rest.encode()).hexdigest()[:16]}"
    lines = rest.splitlines()
    for line in (
        "Before=postgresql@16-main.service",
        "StartLimitIntervalSec=0",
        "User=postgres",
        "WorkingDirectory=/pg/db2.tunnel",
        "Restart=always",
        "WantedBy=multi-user.target",
    ):
        assert line in lines
    assert "Requires" not in text
    assert "Before" not in replace(TUNNEL, before="").unit_text("x")
    assert "WorkingDirectory=/50%% full" in replace(TUNNEL, directory="/50% full").unit_text("x")
    [start] = [line for line in lines if line.startswith("ExecStart=")]
    assert start.endswith("-p 22 -N -L 127.0.0.1:15432:127.0.0.1:5432 postgres@db1")
    for option in ("BatchMode=yes", "ExitOnForwardFailure=yes", "ServerAliveInterval=10", "StrictHostKeyChecking=yes"):
        assert f" -o {option} " in start


def test_what_is_tried_is_what_the_unit_does() -> None:
    attempt, run = OpenTunnel(STANDBY, TUNNEL).effects()
    assert isinstance(attempt, TryTunnel)
    assert isinstance(run, RunTunnel)
    words = str(attempt).removeprefix("try: ").replace("-W 127.0.0.1:5432", "-N -L 127.0.0.1:15432:127.0.0.1:5432")
    assert f"ExecStart={words}\n" in str(run)
    assert "systemctl enable --now standbyctl-tunnel-db2.service" in str(run)


def test_what_it_may_do_and_where_it_goes_is_shown_and_its_undo_names_the_same() -> None:
    step = AdmitTunnel(PRIMARY, STANDBY, TUNNEL)
    may = 'restrict,port-forwarding,permitopen="127.0.0.1:5432",command="/bin/false"'
    assert may in str(step.text)
    assert may in str(step.effects()[0])
    [undo] = step.undo(facts())
    assert isinstance(undo, ExpelTunnelKey)
    assert undo.restrictions == may
    [remove] = OpenTunnel(STANDBY, TUNNEL).undo(facts())
    assert isinstance(remove, RemoveTunnel)
    assert 'permitopen="[::1]:5432"' in replace(TUNNEL, end="::1").restrictions
    assert f"{DATA}.tunnel" in str(ProvideTunnelKey(PRIMARY, STANDBY, TUNNEL.directory).undo(facts())[0])


def test_behind_a_tunnel_only_silence_tells_that_a_standby_is_gone() -> None:
    assert "-c wal_sender_timeout=60000" in primary_conninfo(TUNNELLED)
    assert "wal_sender_timeout" not in primary_conninfo(TARGET)
    named = server(settings=all_settings(listen_addresses="localhost, 10.0.0.1"))
    assert dict(standby_settings(named, TUNNELLED))["listen_addresses"] == "localhost"


def test_people_are_told_where_the_primary_is_and_not_where_the_tunnel_begins() -> None:
    assert TUNNELLED.shown == ("db1", 5432)
    assert TARGET.shown == ("127.0.0.1", 5432)
    assert (TUNNELLED.via, TARGET.via) == (Via.SSH_TUNNEL, Via.DIRECT)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({}, Trace.ABSENT),
        ({"tunnel_public": "ssh-ed25519 AA", "tunnel_line": "ssh-ed25519 AA"}, Trace.OURS),
        ({"tunnel_public": "ssh-ed25519 AA", "tunnel_line": "ssh-ed25519 AA\nssh-ed25519 BB"}, Trace.OTHER),
        ({"tunnel_public": "ssh-ed25519 AA", "tunnel_line": "ssh-ed25519 BB"}, Trace.OTHER),
        ({"tunnel_line": "other"}, Trace.OTHER),
        ({"tunnel_public": "ssh-ed25519 AA", "tunnel_odd_line": 'from="x" ssh-ed25519 AA our mark'}, Trace.CHANGED),
        ({"tunnel_public": "ssh-ed25519 AA", "tunnel_odd_line": "ssh-ed25519 AAA our mark"}, Trace.ABSENT),
        ({"tunnel_odd_line": "ssh-ed25519 AA our mark"}, Trace.ABSENT),
    ],
)  # fmt: skip
def test_a_line_is_ours_by_its_form_and_its_key(said: dict[str, str], line: Trace) -> None:
    assert parse_tunnel(said).line is line


def test_host_keys_are_known_only_as_that_host_has_them_now() -> None:
    assert parse_tunnel({"tunnel_known": "0f", "tunnel_host_keys": "0f"}).known
    assert not parse_tunnel({"tunnel_known": "0f", "tunnel_host_keys": "1e"}).known
    assert not parse_tunnel({"tunnel_known": ""}).known


def test_a_tunnel_goes_on_as_it_was_begun_and_goes_from_one_host_to_another() -> None:
    apart = Hosts("db1", "db2")
    assert via_of("", None, apart) is Via.DIRECT
    assert via_of("", TUNNEL, apart) is Via.SSH_TUNNEL
    assert via_of("direct", TUNNEL, apart) is Via.DIRECT
    with pytest.raises(UsageError) as caught:
        via_of("ssh-tunnel", None, Hosts())
    assert caught.value.code == "C122"


@pytest.mark.parametrize(
    "text", ["-o@x", "a b", "x@", "x@-oProxyCommand=y", "x@h:port", "@h:1:2", "a@b@c", "a@fd00::1"]
)
def test_a_login_that_ssh_would_misread_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_login(text)


def test_a_saved_plan_asks_for_the_same_tunnel_again() -> None:
    for tunnel in (TUNNEL, replace(TUNNEL, host="fd00::1", ssh_port=2222)):
        assert parse_login(tunnel.account) == (tunnel.login, tunnel.host, tunnel.ssh_port)
