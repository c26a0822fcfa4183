"""What the operator reads, word for word, 80 columns wide. `make golden` writes these files anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from standbyctl.domain.errors import NOTHING_CHANGED, BlockedError
from standbyctl.domain.facts import Contents, HbaFile, Slot, Tablespace
from standbyctl.domain.volumes import Volume, VolumeSeen
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.steps.base import predict
from standbyctl.ui.render import render_detach, render_error, render_plan
from tests.pure.examples import APP_RULE, ATTACHED, HBA, OUR_ROLE, SAMPLE, TARGET, facts, remember, rule, server

Golden = Callable[[str, str], None]
FRESH = facts()
ATTACH = plan_attach(FRESH, SAMPLE, TARGET)


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_a_fresh_attach_is_shown_before_it_is_done(golden: Golden) -> None:
    golden("attach.txt", render_plan(ATTACH, TARGET) + "\n")


def test_every_statement_line_and_command_of_it_can_be_shown(golden: Golden) -> None:
    golden("attach-effects.txt", render_plan(ATTACH, TARGET, effects=True) + "\n")


def test_what_is_there_already_is_not_shown_as_something_to_do(golden: Golden) -> None:
    there = facts(server(roles=(OUR_ROLE,), slots=(Slot("db2"),)), **ATTACHED)
    golden("attach-nothing.txt", render_plan(plan_attach(there, SAMPLE, TARGET), TARGET) + "\n")


def test_a_detach_is_shown_before_it_is_done(golden: Golden) -> None:
    after, memory = predict(ATTACH.steps, FRESH), remember(ATTACH, FRESH)
    golden("detach.txt", render_detach(plan_detach(after, SAMPLE, TARGET, memory, DetachOptions()), TARGET) + "\n")


def test_a_detach_that_deletes_shows_where_there_is_no_way_back(golden: Golden) -> None:
    after, memory = predict(ATTACH.steps, FRESH), remember(ATTACH, FRESH)
    plan = plan_detach(after, SAMPLE, TARGET, memory, DetachOptions(True, True))
    golden("detach-delete.txt", render_detach(plan, TARGET) + "\n")


def test_everything_that_stands_in_the_way_is_said_at_once(golden: Golden) -> None:
    refusing = HbaFile(HBA, rules=(APP_RULE, rule(92, "reject")), at_hand=True)
    seen = facts(server(tablespaces=(Tablespace(16385, "fast", "/ssd/fast"),), hba=refusing), contents=Contents.FOREIGN)
    taken = VolumeSeen(Volume("pg_tblspc/16385", "/ssd/fast", "/ssd/fast"), Contents.FOREIGN, of_primary=True)
    blocked = plan_attach(seen, replace(SAMPLE, entries="PHOTOS notes.txt", volumes=(taken,)), TARGET)
    golden("blocked.txt", render_error(BlockedError(blocked.blockers), NOTHING_CHANGED) + "\n")
