"""What holds of every step, done for real: not satisfied, effects, satisfied, again in part and whole, undo."""

from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.perform import perform
from standbyctl.nodes.world import World
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.plan import Remembered
from standbyctl.steps.base import GiveBack

# A copy is made into a draft that must not exist; made once more, it is made into another (RemoveDraft first).
ONCE = {"CopyCluster"}


class Stage:
    """Performs effects of single steps, with no engine between."""

    def __init__(self, session):
        self.session = session
        session.survey()
        self.world = World(session._doors(), SystemClock(), lambda said: None)

    def do(self, effects):
        for effect in effects:
            perform(effect, self.world)


def conform(stage, look, planned, subtests):
    """Do the steps of an attach, then those of a detach, which leaves what was there before. Returns their kinds."""
    memory, seen = [], set()
    pristine = look()
    for step in planned:
        with subtests.test(type(step).__name__):
            before, effects = look(), step.effects()
            assert not step.satisfied(before)
            stage.do(effects)
            assert step.satisfied(look())
            if not ONCE & {type(effect).__name__ for effect in effects}:
                for k in range(1, len(effects)):
                    stage.do(effects[:k])
                stage.do(effects)
            assert step.satisfied(look())
            memory.append(Remembered(step, before))
            seen.add(type(step))
    session = stage.session
    session.survey()
    plan = plan_detach(look(), session.sample, session.target, tuple(memory), DetachOptions(True, True))
    for step in plan.steps:
        inner = step.step if isinstance(step, GiveBack) else step
        with subtests.test(f"undo {type(inner).__name__}"):
            assert not step.satisfied(look())
            stage.do(step.effects())
            assert step.satisfied(look())
            stage.do(effect for effect in step.effects() if type(effect).__name__ not in ONCE)
            assert step.satisfied(look())
            seen.add(type(inner))
    assert look() == pristine
    return seen
