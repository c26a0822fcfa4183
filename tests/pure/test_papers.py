"""Runbooks and evidence as they are read; every effect of a plan by hand; journals of before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings

from standbyctl import __version__, steps
from standbyctl.app.desk import Desk
from standbyctl.app.evidence import Evidence
from standbyctl.app.planfile import ATTACH, DETACH
from standbyctl.app.procedure import Procedure
from standbyctl.domain.difference import differences
from standbyctl.domain.effects import (
    DropTestDatabases,
    Effect,
    MakeTestDatabase,
    TryCopy,
    TryStart,
)
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.facts import Facts
from standbyctl.domain.hand import Kind
from standbyctl.domain.message import msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.service import Service
from standbyctl.domain.target import Target
from standbyctl.engine.journal import Journal, Outcome
from standbyctl.engine.story import tell
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.byhand import by_hand
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.plan import Memory, Plan
from standbyctl.planner.runbook import way_back
from standbyctl.ui import i18n
from standbyctl.ui.papers import blocks
from standbyctl.ui.papers.blocks import Code, Heading, Items, Paragraph, Table
from standbyctl.ui.papers.evidence import evidence_paper
from standbyctl.ui.papers.html import render_html
from standbyctl.ui.papers.markdown import render_markdown
from standbyctl.ui.papers.runbook import runbook_paper
from tests.pure.examples import ATTACHED, OUR_ROLE, SAMPLE, TARGET, facts, remember, server
from tests.pure.strategies import any_facts, any_samples, memories, targets

Golden = Callable[[str, str], None]
# By its own unit on another host, in the place of the empty cluster that is there.
APART = replace(
    TARGET,
    standby_ssh="db2",
    primary_ssh="db1",
    service=Service("postgresql@16-main.service", "/etc/postgresql/16/main/postgresql.conf", as_root=True),
)
DESKS = (
    Desk("db1", "db1", "postgres", "/usr/lib/postgresql/16/bin/psql -X -d 'port=5432 dbname=postgres'", "port=5432"),
    Desk("db2", "db2", "postgres", "/usr/lib/postgresql/16/bin/psql -X -d 'port=5433 dbname=postgres'", "port=5433"),
)
# Of pg_rewind there is no runbook yet.
NOT_IN_A_PLAN = {TryCopy, TryStart, MakeTestDatabase, DropTestDatabases}


@pytest.fixture(params=i18n.LANGUAGES)
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    i18n.use(request.param)
    yield request.param
    i18n.use("en")


def paper(target: Target, verb: str, plan: Plan, seen: Facts) -> Procedure:
    back = way_back(plan, seen, SAMPLE, target, ()) if verb == ATTACH else Plan()
    command = "standbyctl attach db2.plan" if verb == ATTACH else "standbyctl detach db2"
    made = ("2026-11-27T09:00:00+09:00", "0.0", "c0ffee")
    return Procedure(verb, command, target, plan, back, seen, DESKS, *made)


def written(paper: blocks.Paper) -> str:
    return render_markdown(paper).replace(__version__, "VERSION")


def test_a_runbook_of_an_attach_is_as_it_was_looked_at(language: str, golden: Golden) -> None:
    found = paper(APART, ATTACH, plan_attach(facts(), SAMPLE, APART), facts())
    golden(f"runbook-attach.{language}.md", written(runbook_paper(found)))


def test_a_runbook_of_a_detach_is_as_it_was_looked_at(language: str, golden: Golden) -> None:
    there = facts(server(roles=(OUR_ROLE,)), **ATTACHED)
    plan = plan_detach(
        there, SAMPLE, TARGET, remember(plan_attach(facts(), SAMPLE, TARGET), facts()), DetachOptions(True)
    )
    assert plan.steps
    golden(f"runbook-detach.{language}.md", written(runbook_paper(paper(TARGET, DETACH, plan, there))))


def test_every_effect_that_a_plan_can_have_has_its_commands_by_hand() -> None:
    from standbyctl.planner.byhand import _BY_HAND

    assert {*get_args(Effect)} - {*_BY_HAND} == NOT_IN_A_PLAN


@given(any_facts, any_samples, targets, memories)
@settings(max_examples=40, deadline=None)
def test_every_step_of_a_plan_and_of_its_way_back_is_typed_on_a_node_that_it_is_about(
    seen: Facts, sample: Sample, target: Target, memory: Memory
) -> None:
    plan = plan_attach(seen, sample, target, memory)
    nodes = {node for node in (target.primary, target.name, target.head, target.copy_from) if node}
    every = [*plan.steps, *way_back(plan, seen, sample, target, memory).steps]
    hands = by_hand(effect for step in every for effect in step.effects())
    assert {hand.node for hand in hands} <= nodes
    assert all(hand.text for hand in hands)
    assert all(hand.path for hand in hands if hand.kind in {Kind.INSERT, Kind.REMOVE})


def test_the_commands_of_a_runbook_are_in_it_as_they_are_typed() -> None:
    psql = "/usr/lib/pg_16/bin/psql -X -d 'host=/run/[pg]_1 user=my_admin password=*'"
    command = "standbyctl attach my_[new]*.plan"
    found = paper(TARGET, ATTACH, plan_attach(facts(), SAMPLE, TARGET), facts())
    seen = written(runbook_paper(replace(found, command=command, desks=(replace(DESKS[0], psql=psql), DESKS[1]))))
    assert f"| `{psql}` |" in seen
    assert seen.count(f"```sh\n{command}\n```") > 1


def test_code_in_a_cell_is_as_it_is_typed_but_for_the_bar_that_would_end_the_cell() -> None:
    cell = Table(("a",), ((Code("psql -c 'SELECT 1 <> `2` _ | cat'"),),))
    assert "| `` psql -c 'SELECT 1 <> `2` _ \\| cat' `` |" in render_markdown((cell,))
    assert "<code>psql -c &#x27;SELECT 1 &lt;&gt; `2` _ | cat&#x27;</code>" in render_html((cell,))


def test_in_a_sentence_only_what_would_be_markup_is_escaped() -> None:
    said = Paragraph(r"\du of pg_hba.conf and _this_, \_ and \\, a*b* [x] `y` <z>")
    assert render_markdown((said,)) == (
        r"\du of pg_hba.conf and \_this\_, \\\_ and \\\\, a\*b\* \[x\] \`y\` \<z\>" + "\n"
    )


def test_what_others_have_named_neither_closes_a_fence_nor_becomes_markup() -> None:
    nasty = "a | b\n```\n<script>x</script> *c* [d](e) #"
    blocks = (Heading(1, nasty), Paragraph(nasty), Items((nasty,)), Code(nasty), Table((nasty,), ((nasty,),)))
    written = render_markdown(blocks)
    assert "\n````sh\n" in written
    outside = written.replace(f"````sh\n{nasty}\n````", "")
    assert "<script>" not in outside.replace("\\<script\\>", "")
    assert "<script>" not in render_html(blocks)


def test_facts_are_compared_by_the_names_of_what_is_in_them() -> None:
    before, after = facts(), facts(server(roles=(OUR_ROLE,)), **ATTACHED)
    found = {each.path: (each.was, each.is_) for each in differences(before, after)}
    assert found["nodes[db2].place.running"] == (False, True)
    assert found["nodes[db1].server.roles[repl_db2]"][0] is None
    assert differences(before, before) == ()


def journal(path: Path) -> Journal:
    moments = (f"2026-11-27T09:00:{second:02}+09:00" for second in range(60))
    return Journal(path, steps.ALL, lambda: next(moments), lambda: "root@ops")


def test_evidence_is_as_it_was_looked_at(language: str, golden: Golden, tmp_path: Path) -> None:
    kept, plan = journal(tmp_path / "journal.jsonl"), plan_attach(facts(), SAMPLE, TARGET)
    kept.open(TARGET, "port=5432", "7300000000000000001", plan.steps, "c0ffee")
    seen = facts()
    for number, step in enumerate(plan.steps):
        kept.begin(step, seen)
        for effect in step.effects():
            kept.did(effect)
        if number == 2:
            why = StoppedError("A204", msg("the base backup failed"), detail=msg("{e}", e="disk full"))
            kept.ended(Outcome.STOPPED, None, why)
            break
        seen = step.after(seen)
        kept.done(step)
    kept.open(TARGET, "port=5432", "7300000000000000001", plan.steps[2:])
    for step in plan.steps[2:]:
        kept.begin(step, seen)
        seen = step.after(seen)
        kept.done(step)
    kept.heard(
        msg("commit {lsn} of {upstream} replayed on {node} after {ms} ms", lsn="0/1", upstream="db1", node="db2", ms=2)
    )
    kept.ended(Outcome.DONE, seen)
    runs = tell(kept.histories()[-1], steps.ALL)
    golden(f"evidence.{language}.md", written(evidence_paper(Evidence("db2", runs, "/state/journal", "c0ffee"))))


def test_a_journal_of_the_release_before_is_evidence_too(tmp_path: Path) -> None:
    kept, plan = journal(tmp_path / "journal.jsonl"), plan_attach(facts(), SAMPLE, TARGET)
    kept.open(TARGET, "port=5432", "7300000000000000001")
    kept.begin(plan.steps[0], facts())
    kept.done(plan.steps[0])
    lines = [json.loads(line) for line in kept.path.read_text().splitlines()]
    for line in lines:
        for new in ("by", "version", "steps", "plan_digest"):
            line.pop(new, None)
    kept.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    [run] = tell(kept.histories()[-1], steps.ALL)
    assert (run.by, run.planned, run.outcome) == ("", (), None)
    assert [bool(taken.done_at) for taken in run.taken] == [True]
