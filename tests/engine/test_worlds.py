"""From wherever an attach can start, the engine gets there and back, and every plan is as the last one foretold."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import Phase, given, settings

from standbyctl.domain.errors import DriftError
from standbyctl.domain.facts import Contents
from standbyctl.domain.target import HbaWay, SettingsWay
from standbyctl.planner.detach import DetachOptions
from tests.engine.running import attach, detach, journal_at, toy_of
from tests.pure.examples import PRIMARY, STANDBY
from tests.pure.situations import Situation, attachable

limit = settings(max_examples=30, derandomize=True, deadline=None, database=None, phases=[Phase.generate, Phase.shrink])


@limit
@given(attachable())
def test_from_wherever_an_attach_can_go_on_it_arrives(at: Situation) -> None:
    toy = toy_of(at.facts, at.target)
    with TemporaryDirectory() as directory:
        journal = journal_at(Path(directory))
        for entry in at.memory:
            journal.begin(entry.step, entry.before)
        hba = at.facts.server(PRIMARY).hba
        by_hand = at.target.hba is HbaWay.WAIT or not hba.at_hand
        with suppress(DriftError) if by_hand and not hba.loaded else nullcontext():
            # A file that a person has in hand may take away, once it is reloaded, what let the standby in until then.
            attach(toy, journal)
        attach(toy, journal)
        assert toy.look().place(STANDBY).upstream == PRIMARY
        assert attach(toy, journal).steps == ()


@limit
@given(attachable(fresh=True))
def test_from_wherever_an_attach_begins_detach_comes_back(at: Situation) -> None:
    toy = toy_of(at.facts, at.target)
    before = toy.look()
    with TemporaryDirectory() as directory:
        journal = journal_at(Path(directory))
        attach(toy, journal)
        detach(toy, journal, DetachOptions(True))
    after = toy.look()
    if at.target.hba is HbaWay.WAIT or not at.facts.server(PRIMARY).hba.at_hand:
        # What a person has put into pg_hba.conf, a person takes out.
        after = after.with_server(PRIMARY, hba=before.server(PRIMARY).hba)
        after = after.with_place(STANDBY, admitted=before.place(STANDBY).admitted)
    if at.target.settings is SettingsWay.PRINT:
        after = after.with_server(PRIMARY, settings=before.server(PRIMARY).settings)
    if at.target.from_restored:
        # Renamed aside, as was asked: it is not deleted, and not as somebody had restored it any more.
        assert after.place(STANDBY).contents is Contents.ABSENT
        after = after.with_place(STANDBY, contents=Contents.RESTORED)
    assert after == before
