"""A standby of a standby: what is done where, what is refused, and what detach refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from standbyctl.domain.chain import ChainSeen
from standbyctl.domain.effects import AwaitReplay, CopyCluster, MakeRole, Prove
from standbyctl.domain.facts import Facts, Node, Server
from standbyctl.domain.sample import Sample
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.plan import Plan
from standbyctl.planner.preflight import preflight
from standbyctl.planner.standby import standby_settings
from standbyctl.steps.role import CreateRole
from tests.pure.examples import ATTACHED, HEAD, PRIMARY, SAMPLE, STANDBY, TARGET, codes, facts, place, server, settings
from tests.pure.situations import Situation, attachable

OURS = replace(TARGET, head=HEAD)
SEEN = replace(SAMPLE, chain=ChainSeen("10.0.0.1:5432"))
UPSTREAM = server(in_recovery=True, started_at="later")


def chain(head: Server | None = None, above: Server | None = None, **changes: Any) -> Facts:
    """A primary, a standby of it, and a place."""
    nodes = (Node(HEAD, server=head or server()), Node(PRIMARY, server=above or UPSTREAM))
    return Facts((*nodes, Node(STANDBY, place=place(**changes))))


def plan(found: Facts | None = None, sample: Sample = SEEN) -> Plan:
    return plan_attach(found or chain(), sample, OURS)


def test_rows_are_written_at_the_head_and_everything_else_is_of_the_upstream() -> None:
    made = plan()
    assert codes(made) == []
    assert {step.place for step in made.steps if isinstance(step, CreateRole)} == {HEAD}
    assert {step.place for step in made.steps if not isinstance(step, CreateRole)} == {PRIMARY, STANDBY}
    effects = [effect for step in made.steps for effect in step.effects()]
    assert [each.node for each in effects if each.node == HEAD] == [HEAD]
    assert isinstance(next(each for each in effects if each.node == HEAD), MakeRole)
    [wait] = [each for each in effects if isinstance(each, AwaitReplay)]
    assert (wait.node, wait.primary, wait.for_copy) == (PRIMARY, HEAD, False)
    [copy] = [each for each in effects if isinstance(each, CopyCluster)]
    assert (copy.source, copy.keeper, copy.slot) == (PRIMARY, "", STANDBY)
    [proof] = [each for each in effects if isinstance(each, Prove)]
    assert (proof.upstream, proof.node) == (HEAD, STANDBY)


def test_the_plan_says_what_it_means() -> None:
    notes = " ".join(map(str, plan().notes))
    for words in ("its lag adds up", "does not follow db0 by itself", "db0 gets the role and a marked commit"):
        assert words in notes
    assert "synchronous_commit" not in notes


REFUSED: list[tuple[str, Facts]] = [
    ("is not a standby of", chain(head=server(system_identifier="73"))),
    ("is the primary itself", chain(above=server())),
    ("is a primary by now", chain(above=server(started_at="later"))),
    ("is on another timeline", chain(above=replace(UPSTREAM, timeline=2))),
    ("streams from db2", chain(downstreams=(PRIMARY,))),
]


@pytest.mark.parametrize(("words", "found"), REFUSED, ids=[words for words, _ in REFUSED])
def test_an_upstream_that_is_no_standby_of_that_primary_is_refused(words: str, found: Facts) -> None:
    [blocker] = plan(found).blockers
    assert (blocker.code, blocker.refused) == ("P139", True)
    assert words in str(blocker.what)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (ChainSeen(), "does not stream"),
        (ChainSeen("db0:5432", paused=True), "replay is paused"),
        (ChainSeen("db0:5432", full_pages=False), "full_page_writes is off on db0"),
    ],
)
def test_an_upstream_that_gets_or_replays_nothing_is_refused(seen: ChainSeen, words: str) -> None:
    [blocker] = plan(sample=replace(SEEN, chain=seen)).blockers
    assert blocker.code == "P139"
    assert words in str(blocker.what)
    [line] = [c for c in preflight(chain(), replace(SEEN, chain=seen), OURS).checks if c.code == "P139"]
    assert words in str(line.seen)


def test_a_primary_that_is_a_standby_names_the_option() -> None:
    [blocker] = plan_attach(facts(UPSTREAM), SAMPLE, TARGET).blockers
    assert blocker.code == "P111"
    assert "--upstream" in str(blocker.hint)
    assert codes(plan(chain(head=replace(UPSTREAM, started_at="sooner")))) == ["P111"]


def test_who_makes_the_role_must_be_a_superuser_at_the_head_whoever_asks_the_upstream() -> None:
    [blocker] = [each for each in plan(chain(head=server(superuser=False, user="ops"))).blockers if each.code == "P116"]
    assert "lacks rights on db0" in str(blocker.what)


def test_the_greater_of_both_limits_is_what_the_copy_gets() -> None:
    head, upstream = (server(settings=settings(max_connections=n)) for n in ("200", "300"))
    assert dict(standby_settings(head, OURS, upstream))["max_connections"] == "300"
    assert dict(standby_settings(upstream, OURS, head))["max_connections"] == "300"


@given(attachable())
def test_a_role_that_has_not_arrived_is_waited_for_again(at: Situation) -> None:
    if at.target.head and at.target.own_role:
        late = at.facts.with_server(PRIMARY, roles=()).with_place(STANDBY, password_set=False, upstream="")
        made = plan_attach(late, at.sample, at.target, at.memory)
        assert any(isinstance(step, CreateRole) for step in made.steps) or made.blockers


def test_detach_refuses_where_the_roles_have_changed() -> None:
    for found, code in (
        (chain(head=replace(UPSTREAM, started_at="sooner"), **ATTACHED), "A258"),
        (chain(above=server(started_at="later"), **ATTACHED), "A251"),
    ):
        [blocker] = plan_detach(found, SAMPLE, OURS, (), DetachOptions()).blockers
        assert (blocker.code, blocker.refused) == (code, True)


def test_what_only_a_restart_brings_an_upstream_is_not_staged_there() -> None:
    [blocker] = plan(sample=replace(SEEN, slots_in_use=10)).blockers
    assert blocker.code == "P104"
    assert "--stage-restart" not in str(blocker.hint)
    assert f"Raise max_replication_slots on {PRIMARY} itself" in str(blocker.hint)
