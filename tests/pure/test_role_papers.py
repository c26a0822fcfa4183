"""Runbooks and evidence of changes of roles as they are read, and what a person types for them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from standbyctl import __version__, steps
from standbyctl.app.config import Config
from standbyctl.app.desk import desks_of_seats
from standbyctl.app.evidence import gather_roles
from standbyctl.app.planfile import FAILOVER, RESYNC, SWITCHOVER
from standbyctl.app.procedure import Procedure
from standbyctl.app.seats import where_it_was
from standbyctl.app.state import State
from standbyctl.domain import effects as fx
from standbyctl.domain.divergence import Commit, Divergence, Returning, Way
from standbyctl.domain.errors import StoppedError, UsageError
from standbyctl.domain.facts import Contents, Facts
from standbyctl.domain.handover import Hooks
from standbyctl.domain.message import msg
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.service import Service
from standbyctl.engine.journal import Journal, Outcome
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.byhand import by_hand
from standbyctl.planner.failover import plan_followers, plan_takeover
from standbyctl.planner.plan import Plan
from standbyctl.planner.resync import plan_resync
from standbyctl.planner.role_runbook import change_back
from standbyctl.planner.switchover import plan_switchover
from standbyctl.steps.base import GiveBack, predict
from standbyctl.ui import i18n
from standbyctl.ui.papers.evidence import evidence_paper
from standbyctl.ui.papers.markdown import render_markdown
from standbyctl.ui.papers.runbook import runbook_paper
from tests.pure.examples import ATTACHED, BIN, OUR_ROLE, SAMPLE, SYSTEM, TARGET, facts, server
from tests.pure.test_papers import DESKS
from tests.pure.test_role_plans import CHANGE, DOWN, GONE, UNPLANNED, cluster, sample, without

Golden = Callable[[str, str], None]
UNIT = Service("postgresql-16.service", as_root=True)
HOOKS = Hooks(before=("pause",), at=("move", "vip"), after=("resume",), back=("resume", "old"))
SWAP = replace(
    CHANGE,
    was=TARGET,
    hooks=HOOKS,
    seats=tuple(replace(seat, service=UNIT) if seat.name == "db3" else seat for seat in CHANGE.seats),
)
MADE = ("2026-11-27T09:00:00+09:00", "0.0", "c0ffee")


@pytest.fixture(params=i18n.LANGUAGES)
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    i18n.use(request.param)
    yield request.param
    i18n.use("en")


def paper(verb: str, command: str, change: RoleChange, plan: Plan, seen: Facts, back: Plan) -> str:
    here = tuple(replace(desk, host=desk.node) for desk in desks_of_seats(change))
    procedure = Procedure(verb, command, TARGET, plan, back, seen, here, *MADE, change, 160014)
    return render_markdown(runbook_paper(procedure))


def ready() -> tuple[Plan, Facts]:
    """What one of the followers needs, as an attach has it before its copy."""
    return Plan(plan_attach(facts(), SAMPLE, TARGET).steps[:5]), facts()


def test_a_runbook_of_a_switchover_is_as_it_was_looked_at(language: str, golden: Golden) -> None:
    plan, back = plan_switchover(cluster(), sample(), SWAP), change_back([ready()])
    whole = Plan((*ready()[0].steps, *plan.steps), notes=plan.notes)
    said = paper(SWITCHOVER, "standbyctl switchover --to db2", SWAP, whole, cluster(), back)
    golden(f"runbook-switchover.{language}.md", said)


def test_a_runbook_of_a_failover_is_as_it_was_looked_at(language: str, golden: Golden) -> None:
    change = replace(UNPLANNED, was=TARGET, seats=tuple(replace(seat, service=UNIT) for seat in UNPLANNED.seats))
    first = plan_takeover(DOWN, without("db1"), change)
    rest = plan_followers(predict(first.steps, DOWN), without("db1"), change)
    plan = Plan((*first.steps, *rest.steps), notes=first.notes)
    golden(
        f"runbook-failover.{language}.md",
        paper(FAILOVER, "standbyctl failover --to db2", change, plan, DOWN, Plan()),
    )


def test_a_fence_of_the_operators_own_is_typed_where_standbyctl_runs() -> None:
    change = replace(UNPLANNED, was=TARGET, fence=("/usr/local/bin/fence", "{node}"))
    plan = plan_takeover(GONE, without("db1"), change)
    said = paper(FAILOVER, "standbyctl failover --to db2", change, plan, GONE, Plan())
    assert "Where standbyctl runs:\n\n```sh\nSTANDBYCTL_NODE=db1 /usr/local/bin/fence db1\n```" in said
    assert "is the primary again\n" not in said


def test_a_runbook_of_a_resync_is_as_it_was_looked_at(language: str, golden: Golden) -> None:
    lost = ATTACHED | {"running": False, "in_recovery": False, "upstream": "", "contents": Contents.STANDBY}
    seen = facts(server(roles=(OUR_ROLE,)), **lost)
    about = replace(SAMPLE, free_aside="/pg/db2.detached-1", directory_identity="1:2")
    plan, _ = plan_resync(seen, about, TARGET, (), Returning(former=True, way=Way.CLONE))
    assert plan.steps
    procedure = Procedure(RESYNC, "standbyctl resync db2", TARGET, plan, Plan(), seen, DESKS, *MADE)
    golden(f"runbook-resync.{language}.md", render_markdown(runbook_paper(procedure)))


def test_a_runbook_of_a_rewind_is_as_it_was_looked_at(language: str, golden: Golden) -> None:
    lost = ATTACHED | {"running": False, "upstream": "", "contents": Contents.CLUSTER, "parent_writable": True}
    seen = facts(server(roles=(OUR_ROLE,)), **lost)
    about = replace(SAMPLE, free_aside="/pg/db2.detached-1", directory_identity="1:2")
    alone = (Commit(768, "0/4015BA0", "2026-11-27 23:10:25.874505"),)
    found = Divergence(1, fork="0/4000000", ahead=True, commits=alone, hints=True)
    plan, _ = plan_resync(seen, about, TARGET, (), Returning(former=True, found=found, way=Way.REWIND))
    assert not plan.blockers
    procedure = Procedure(RESYNC, "standbyctl resync db2 --way rewind", TARGET, plan, Plan(), seen, DESKS, *MADE)
    golden(f"runbook-rewind.{language}.md", render_markdown(runbook_paper(procedure)))


def test_what_was_made_for_a_new_standby_is_given_back_the_last_first() -> None:
    plan, seen = ready()
    back = change_back([(plan, seen)]).steps
    assert all(isinstance(step, GiveBack) for step in back)
    kinds = [type(step.step) for step in back if isinstance(step, GiveBack)]
    assert kinds == [type(step) for step in reversed(plan.steps) if step.undo(seen)]
    assert predict(back, predict(plan.steps, seen)) == seen


def test_nobody_is_promoted_before_the_old_one_is_stopped_sealed_and_proven_to_be_replayed() -> None:
    conf = (("primary_conninfo", "host='db2'"),)
    hands = by_hand([fx.HandOver("db2", "db1", "/pg/db1", BIN, SYSTEM, 1, conf, hooks=HOOKS)])
    typed = "\n".join(f"{hand.node}: {hand.text}" for hand in hands)
    order = (
        "pause",
        "-m fast",
        "pg_controldata",
        "standby.signal &&\nsync",
        "replay_lsn() >",
        "move vip",
        "pg_promote",
    )
    at = [typed.index(each) for each in (*order, "resume")]
    assert at == sorted(at)
    assert "primary_conninfo = 'host=''db2'''" in typed


def journaled(root: Path) -> State:
    """A switchover that was taken back, and then one that came to its end."""
    (moments, kept, made) = (
        (f"2026-11-27T09:0{n // 60}:{n % 60:02}+09:00" for n in itertools.count()),
        State(root).role_journal("db1", SYSTEM),
        State(root).ready_journal("db1", SYSTEM),
    )
    roles, others = (Journal(each.path, steps.ALL, lambda: next(moments), lambda: "root@ops") for each in (kept, made))
    plan, seen = ready()
    others.open(TARGET, "port=5432", SYSTEM, plan.steps)
    for step in plan.steps:
        others.begin(step, seen)
        seen = step.after(seen)
        others.done(step)
    others.ended(Outcome.DONE, seen)
    plan, seen = plan_switchover(cluster(), sample(), SWAP), cluster()
    roles.open(SWAP, "port=5433", SYSTEM, plan.steps)
    roles.begin(plan.steps[0], seen)
    why = StoppedError("R409", msg("the change of roles was taken back: {what}", what="x"))
    roles.ended(Outcome.STOPPED, seen, why)
    roles.open(SWAP, "port=5433", SYSTEM, plan.steps)
    for step in plan.steps:
        roles.begin(step, seen)
        for effect in step.effects():
            roles.did(effect)
        seen = step.after(seen)
        roles.done(step)
    roles.ended(Outcome.DONE, seen)
    roles.close()
    return State(root)


def test_evidence_of_a_switchover_is_as_it_was_looked_at(language: str, golden: Golden, tmp_path: Path) -> None:
    found = gather_roles("db2", journaled(tmp_path))
    assert [run.verb for run in found.runs] == ["ready", "switchover", "switchover"]
    shown = replace(found, path="/state/db1/roles", digest="c0ffee", more=(("/state/db1/ready", "c0ffee"),))
    golden(f"evidence-switchover.{language}.md", render_markdown(evidence_paper(shown)).replace(__version__, "VERSION"))


def test_there_is_no_evidence_of_a_change_that_was_not_done_here(tmp_path: Path) -> None:
    state = journaled(tmp_path)
    for name, earlier in (("db9", 0), ("db2", 1)):
        with pytest.raises(UsageError):
            gather_roles(name, state, earlier)


def test_where_a_lost_primary_lives_is_known_by_the_last_change_of_roles(tmp_path: Path) -> None:
    """What was made for its standby may be of the primary before."""
    state = State(tmp_path)
    kept = state.role_journal("db1", SYSTEM)
    plan = plan_switchover(cluster(), sample(), SWAP)
    kept.open(SWAP, "port=5433", SYSTEM, plan.steps)
    kept.ended(Outcome.DONE, cluster())
    kept.close()
    target = replace(TARGET, primary="db2", name="db1")
    journal, before = state.journal("db1"), facts().nodes
    named = Facts(tuple(replace(node, name="db2") if node.server else node for node in before))
    [step, *_] = plan_attach(facts(), SAMPLE, TARGET).steps
    journal.open(target, "port=5433", SYSTEM, (step,))
    journal.begin(step, named)
    journal.done(step)
    journal.ended(Outcome.DONE, None)
    seat = where_it_was((target, "port=5433", SYSTEM), state, Config())
    assert (seat.name, seat.data_directory, seat.away) == ("db2", SWAP.seat("db2").data_directory, True)
    assert named.server("db2").setting("data_directory").value != seat.data_directory
