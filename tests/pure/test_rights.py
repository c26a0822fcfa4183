"""What a role that is no superuser lacks: only what the plan needs is asked for, and the statements are whole."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import standbyctl
from standbyctl.app.values import choice
from standbyctl.domain.errors import BlockedError, Blocker
from standbyctl.domain.facts import Facts, Passfile, Role, Slot
from standbyctl.domain.message import msg
from standbyctl.domain.rights import LOOKING, QUIET, by_sql, grants
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import HbaWay, SettingsWay, Target
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.blockers.rights import rights_ahead
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.plan import Plan, has
from standbyctl.steps.base import Impact
from standbyctl.steps.role import CreateRole
from standbyctl.steps.setting import COMMIT, WAL_KEEP
from standbyctl.steps.slot import CapSlots, CreateSlot
from standbyctl.ui.render import render_error
from tests.pure import strategies
from tests.pure.examples import (
    ATTACHED,
    CAP,
    OUR_ROLE,
    PRIMARY,
    ROLE,
    SAMPLE,
    TARGET,
    codes,
    facts,
    kinds,
    remember,
    server,
)

THEIRS = replace(TARGET, own_role=False)
BY_SQL = replace(THEIRS, hba=HbaWay.SQL)
NEEDED = ("alter max_slot_wal_keep_size", "reload", "replication")


def weak(*lacks: str, **changes: Any) -> Any:
    roles = {"roles": (Role(ROLE, login=True, replication=True),)}
    # Of a setting that is looked at, the setting itself says so.
    others = tuple(lack for lack in lacks if not lack.startswith("alter "))
    made = server(superuser=False, user='"Tool"', database="app", lacks=others, **(roles | changes))
    return replace(made, settings=tuple(replace(s, alterable=f"alter {s.name}" not in lacks) for s in made.settings))


def plan_for(primary: Any, target: Any = THEIRS, **place: Any) -> Plan:
    return plan_attach(facts(primary, **({"passfile": Passfile.FOREIGN} | place)), SAMPLE, target)


def lines(plan: Plan) -> tuple[str, ...]:
    [blocker] = plan.blockers
    return blocker.hint.lines


@pytest.mark.parametrize("lack", NEEDED)
def test_a_right_that_a_step_needs_is_asked_for_alone(lack: str) -> None:
    plan = plan_for(weak(lack))
    assert codes(plan) == ["P116"]
    assert lines(plan) == grants({lack}, '"Tool"')
    [line] = lines(plan)
    assert line.endswith((' TO "Tool";', 'ALTER ROLE "Tool" REPLICATION;'))
    assert "in the database app" in str(plan.blockers[0].hint)
    assert not plan.blockers[0].refused


def test_all_of_them_are_said_at_once_in_the_order_of_the_recipe() -> None:
    assert lines(plan_for(weak(*NEEDED))) == grants(NEEDED, '"Tool"')
    assert [line.split()[0] for line in lines(plan_for(weak(*NEEDED)))] == ["ALTER", "GRANT", "GRANT"]


@pytest.mark.parametrize(
    ("lack", "target", "primary", "place"),
    [
        ("alter max_slot_wal_keep_size", replace(THEIRS, wal_cap="keep"), {}, {}),
        ("reload", replace(THEIRS, wal_cap="keep", hba=HbaWay.WAIT), {}, {}),
        ("alter wal_level", THEIRS, {}, {}),
        ("program", THEIRS, {}, {}),
        ("set log_statement", THEIRS, {}, {}),
        ("reload", THEIRS, {"slots": (Slot("db2"),)}, ATTACHED),
    ],
)
def test_what_no_step_needs_is_not_asked_for(lack: str, target: Any, primary: Any, place: Any) -> None:
    assert codes(plan_for(weak(lack, **primary), target, **(place | {"passfile": Passfile.FOREIGN}))) == []


def test_a_superuser_lacks_nothing_whatever_is_said() -> None:
    assert codes(plan_for(server(lacks=NEEDED, roles=(OUR_ROLE,)))) == []


def test_without_a_superuser_the_standbys_role_must_be_there_with_its_passfile() -> None:
    plan = plan_for(weak(roles=()), TARGET, passfile=Passfile.ABSENT)
    assert codes(plan) == ["P116"]
    assert lines(plan) == (f'CREATE ROLE "{ROLE}" LOGIN REPLICATION;',)
    hint = str(plan.blockers[0].hint)
    assert f"--role {ROLE} --passfile FILE" in hint
    assert f"127.0.0.1:5432:*:{ROLE}:PASSWORD" in hint
    # Where it is there already, it is not made again; and nothing is claimed of what cannot be seen.
    there = plan_for(weak(), TARGET, passfile=Passfile.ABSENT)
    assert (codes(there), lines(there)) == (["P116"], ())


@pytest.mark.parametrize("lack", ["program", "read file", *(f"set {name}" for name in QUIET)])
def test_editing_by_sql_has_rights_of_its_own(lack: str) -> None:
    plan = plan_for(weak(lack), BY_SQL)
    assert codes(plan) == ["P106"]
    assert lines(plan) == grants({lack}, '"Tool"')
    assert codes(plan_for(weak(lack, "reload"), BY_SQL)) == ["P116"]
    assert lines(plan_for(weak(lack, "reload"), BY_SQL)) == grants({lack, "reload"}, '"Tool"')


def test_every_way_can_be_asked_for_whoever_checks_the_word() -> None:
    assert [choice("hba", way.value) for way in HbaWay] == ["auto", "file", "wait", "sql"]


def test_every_right_has_a_statement() -> None:
    rights = [*LOOKING, "replication", "reload", "program", "read file"]
    rights += ["alter wal_level", *(f"set {name}" for name in QUIET)]
    assert len(grants(rights, "r")) == len(rights)
    assert by_sql(rights) == ("program", "read file", *(f"set {name}" for name in QUIET))
    assert grants({"unheard of"}, "r") == ()


def test_where_nothing_can_be_looked_at_the_options_say_what_will_be_needed() -> None:
    lacks = [*LOOKING, "reload", "replication", "program", *(f"alter {name}" for name in (CAP, COMMIT, WAL_KEEP))]
    look = {*LOOKING, "reload"}

    def ahead(**options: Any) -> set[str]:
        return rights_ahead(replace(THEIRS, **options), lacks)

    assert ahead() == {*look, "replication", f"alter {CAP}"}
    assert ahead(wal_cap="keep") == {*look, "replication"}
    assert ahead(slot="", wal_keep_size="1GB") == {*look, f"alter {WAL_KEEP}"}
    assert ahead(synchronous_commit="off") == {*look, "replication", f"alter {CAP}", f"alter {COMMIT}"}
    assert ahead(settings=SettingsWay.PRINT) == {*look, "replication"}
    assert ahead(settings=SettingsWay.PRINT, hba=HbaWay.WAIT) == {*LOOKING, "replication"}
    assert ahead(hba=HbaWay.SQL, wal_cap="keep") == {*look, "replication", "program"}
    assert rights_ahead(THEIRS, ["reload"]) == {"reload"}


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(strategies.any_facts, strategies.any_samples, strategies.targets, st.sets(st.sampled_from(NEEDED)))
def test_no_plan_holds_a_step_that_the_role_may_not_take(
    seen: Facts, sample: Sample, target: Target, lacks: set[str]
) -> None:
    ours = tuple(replace(s, alterable=f"alter {s.name}" not in lacks) for s in seen.server(PRIMARY).settings)
    seen = seen.with_server(PRIMARY, superuser=False, lacks=tuple(sorted(lacks)), settings=ours)
    plan = plan_attach(seen, sample, target)
    assert not (plan.steps and plan.blockers)
    assert not has(plan.steps, CreateRole)
    assert "reload" not in lacks or plan.impact(PRIMARY) < Impact.RELOAD or target.hba is HbaWay.WAIT
    assert "replication" not in lacks or not has(plan.steps, CreateSlot)
    assert "alter max_slot_wal_keep_size" not in lacks or not has(plan.steps, CapSlots)


def detach(primary: Any, target: Any, made: Plan) -> Plan:
    before = facts(weak())
    attached = facts(primary, **(ATTACHED | {"passfile": Passfile.FOREIGN}))
    return plan_detach(attached, SAMPLE, target, remember(made, before), DetachOptions())


def test_detach_asks_for_what_giving_back_needs() -> None:
    made, slots = plan_for(weak()), (Slot("db2"),)
    assert codes(detach(weak(slots=slots), THEIRS, made)) == []
    assert "-" not in kinds(detach(weak(slots=slots), THEIRS, made).steps)
    for lack in ("replication", "reload"):
        hba = replace(server().hba, has_line=True)
        assert lines(detach(weak(lack, slots=slots, hba=hba), THEIRS, made)) == grants({lack}, '"Tool"')


def test_detach_says_what_it_cannot_see() -> None:
    own = plan_attach(facts(), SAMPLE, TARGET)
    [blocker] = detach(weak(), TARGET, own).blockers
    assert (blocker.code, blocker.hint) == ("P116", msg("Detach as a superuser (-p)."))
    assert codes(detach(weak(roles=()), TARGET, own)) == []
    # Whether our line is still there is not known where the file cannot be read.
    made = plan_for(weak(), BY_SQL)
    assert codes(detach(weak("read file"), BY_SQL, made)) == ["P106"]
    assert codes(detach(weak("read file"), THEIRS, plan_for(weak()))) == []


def test_lines_to_be_copied_are_never_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    statements = grants(("monitor", *NEEDED), '"A role with a rather long name of its own"')
    hint = msg("A sentence that is longer than forty columns is folded:").followed_by(statements)
    shown = render_error(BlockedError((Blocker("P116", msg("no"), msg("because"), hint),)), None).splitlines()
    assert [line[8:] for line in shown if line.endswith(";")] == list(statements)
    assert "HINT:   A sentence that is longer than" in shown
    assert str(hint).splitlines()[1:] == list(statements)


def test_no_query_of_ours_needs_a_right_to_the_views() -> None:
    """EXECUTE on the functions is what is granted: the views over them would need a right more."""
    root = Path(standbyctl.__file__).parent
    view = re.compile(r"(?:FROM|JOIN) (pg_hba_file_rules|pg_file_settings)\b(?!\(\))")
    found = [
        (path.name, line.strip())
        for room in ("app", "nodes", "observe", "steps")
        for path in sorted([*(root / room).rglob("*.py"), *(root / room).rglob("*.sql")])
        for line in path.read_text(encoding="utf-8").splitlines()
        if view.search(line)
    ]
    assert found == []
