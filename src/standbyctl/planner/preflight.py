"""Can this primary get a standby with no restart? The answer is the plan's: the same predicates, seen line by line."""

from __future__ import annotations

from enum import StrEnum

from standbyctl.domain.check import Check, Status
from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.facts import Facts, Server
from standbyctl.domain.forecast import Forecast, predict_copy
from standbyctl.domain.progress import Trial
from standbyctl.domain.record import dataclass
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.planner.attach import plan_attach, steps_left
from standbyctl.planner.cap import choose_cap
from standbyctl.planner.checks import checks
from standbyctl.planner.checks.line import View
from standbyctl.planner.parameters import asked_megabytes
from standbyctl.planner.plan import Memory, has
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.setting import WAL_KEEP
from standbyctl.steps.slot import CAP

_MB = 1 << 20


class Verdict(StrEnum):
    """The word that a preflight begins and ends with. The same in every language."""

    READY = "READY"
    BLOCKED = "BLOCKED"


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found: every line, every blocker, the steps that a plan would have, and how long they may take."""

    checks: tuple[Check, ...]
    blockers: tuple[Blocker, ...]
    steps: tuple[Step, ...]
    forecast: Forecast

    @property
    def verdict(self) -> Verdict:
        """READY exactly where a plan has no blocker."""
        return Verdict.BLOCKED if self.blockers else Verdict.READY

    @property
    def restart(self) -> bool:
        """Whether a restart is among what would lift the blockers."""
        return any(blocker.need is Need.RESTART for blocker in self.blockers)

    def count(self, status: Status) -> int:
        """Lines of that status."""
        return sum(check.status is status for check in self.checks)


def preflight(
    facts: Facts, sample: Sample, target: Target, memory: Memory = (), trial: Trial | None = None
) -> Preflight:
    """Every check of one primary and one place. Pure: the same facts, the same answer."""
    plan = plan_attach(facts, sample, target, memory)
    steps = steps_left(facts, sample, target)
    forecast = _forecast(facts, sample, target, steps, trial)
    view = View(facts, sample, target, memory, steps, plan.blockers, forecast)
    return Preflight(checks(view), plan.blockers, steps, forecast)


def _forecast(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...], trial: Trial | None) -> Forecast:
    copies = has(steps, CopyByBasebackup)
    return predict_copy(
        sample.cluster_bytes if copies else None,
        target.max_rate,
        trial,
        sample.survey.wal.rate_bytes,
        _keeps(facts.server(target.primary), sample, target),
    )


def _keeps(server: Server, sample: Sample, target: Target) -> int | None:
    """What the primary keeps for the standby at most: the cap, or the disk where that is smaller; wal_keep_size alone
    where there is no slot. None where neither is known.
    """
    if not target.slot:
        return max(asked_megabytes(target), int(server.setting(WAL_KEEP).value)) * _MB
    cap = choose_cap(server, sample, target)
    megabytes = int(server.setting(CAP).value) if cap is None else cap
    bounds = (megabytes * _MB if megabytes >= 0 else None, sample.wal_free_bytes)
    return min((bound for bound in bounds if bound is not None), default=None)
