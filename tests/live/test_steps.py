"""Every step, on a real server: not satisfied -> effects -> satisfied -> again, in part and whole -> undo."""

import pytest

from standbyctl import steps
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.perform import perform
from standbyctl.nodes.world import World
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.plan import Remembered
from standbyctl.steps.base import GiveBack

pytestmark = [pytest.mark.live, pytest.mark.sample]
# A copy is made into a draft that must not exist; made once more, it is made into another (RemoveDraft first).
ONCE = {"CopyCluster"}
# What is done only when asked for.
ASKED = {"wal_keep_size": "256MB", "synchronous_commit": "off"}


class Stage:
    """Performs effects of single steps, with no engine between."""

    def __init__(self, pair, **asked):
        self.session = pair.session(**asked)
        self.session.survey()
        self.world = World(self.session._doors(), SystemClock(), lambda said: None)

    def do(self, effects):
        for effect in effects:
            perform(effect, self.world)

    def again(self, effects):
        self.do(effect for effect in effects if type(effect).__name__ not in ONCE)


@pytest.fixture
def stage(pair):
    made = Stage(pair)
    yield made
    made.session.close()


def test_every_step_conforms(pair, stage, subtests):
    memory, seen = [], set()
    pristine = pair.facts()
    for step in pair.plan(**ASKED).plan.steps:
        with subtests.test(type(step).__name__):
            before = pair.facts()
            assert not step.satisfied(before)
            effects = step.effects()
            stage.do(effects)
            assert step.satisfied(pair.facts())
            if not ONCE & {type(effect).__name__ for effect in effects}:
                for k in range(1, len(effects)):
                    stage.do(effects[:k])
                stage.do(effects)
            assert step.satisfied(pair.facts())
            memory.append(Remembered(step, before))
            seen.add(type(step))
    session = stage.session
    session.survey()
    plan = plan_detach(pair.facts(), session.sample, session.target, tuple(memory), DetachOptions(True, True))
    for step in plan.steps:
        inner = step.step if isinstance(step, GiveBack) else step
        with subtests.test(f"undo {type(inner).__name__}"):
            assert not step.satisfied(pair.facts())
            stage.do(step.effects())
            assert step.satisfied(pair.facts())
            stage.again(step.effects())
            assert step.satisfied(pair.facts())
            seen.add(type(inner))
    assert pair.facts() == pristine
    # Tested where a copy was killed (tests/faults), where a person is needed (test_ways.py), where the verifier runs
    # (test_verify_backup.py), where something waits for a restart (test_staging.py), and where hosts have systemd
    # (tests/hosts/test_tunnel_steps.py).
    elsewhere = {steps.RemoveDraft, steps.SetByHand, steps.VerifyCopy, steps.StageSettings}
    assert set(steps.ALL) - seen == elsewhere | {steps.ProvideTunnelKey, steps.AdmitTunnel, steps.OpenTunnel}
