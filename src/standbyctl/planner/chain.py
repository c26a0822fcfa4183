"""What it means to stream from a standby, for those who read a plan."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.message import Message, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.planner.plan import has
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.role import CreateRole


def chain_notes(sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Message]:
    """Who does what, what adds up, and what goes down with what."""
    told = {"node": target.primary, "primary": target.head, "name": target.name}
    yield (
        msg(
            "{primary} gets the role and a marked commit; all else is of {node}: the line in pg_hba.conf, the slot, its"
            " cap, the copy and the walsender",
            **told,
        )
        if has(steps, CreateRole)
        else msg(
            "{primary} gets a marked commit; all else is of {node}: the line in pg_hba.conf, the slot, its cap, the"
            " copy and the walsender",
            **told,
        )
    )
    yield msg(
        "{name} streams from {node}, a standby, and gets what that has received: its lag adds up. Where {node} stops,"
        " is promoted or is detached, {name} does not follow {primary} by itself (detach refuses {node} while {name}"
        " hangs on it)",
        **told,
    )
    if not has(steps, CopyByBasebackup):
        return
    if target.checkpoint == "fast":
        yield msg(
            "the copy begins with a restartpoint: {node} writes out everything dirty in its shared buffers at once"
            " (--checkpoint spread spares it that, and may wait for minutes)",
            **told,
        )
    yield msg(
        "the copy comes with the configuration of {node}; what made {node} follow, lag or archive is set anew", **told
    )
