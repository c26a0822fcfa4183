"""Parameters that cannot come into force, or would not do."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import format_size
from standbyctl.domain.target import Target
from standbyctl.planner.parameters import SENSIBLE_MB, asked_megabytes, parameters_of
from standbyctl.planner.plan import has
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.clone.restored import SetUpRestored
from standbyctl.steps.setting import WAL_KEEP, Alteration
from standbyctl.steps.slot import CAP

_FIXED = {"command line", "environment variable"}


def parameter_blockers(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """Why the parameters that these steps change would not be as they are meant to be."""
    server, node = facts.server(target.primary), target.primary
    altered = [step.change.parameter for step in steps if isinstance(step, Alteration)]
    changed = [name for step in steps for name in parameters_of(step)]
    if altered and server.has("allow_alter_system") and server.setting("allow_alter_system").value == "off":
        yield Blocker(
            "P115",
            msg("{node} does not allow ALTER SYSTEM", node=node),
            msg("allow_alter_system is off: its settings ({names}) are kept elsewhere.", names=", ".join(altered)),
            msg(
                "Use --settings print: it shows the lines for whoever keeps them, and goes on once they are in force."
                " Where it is only the cap on slots: --wal-cap keep."
            ),
        )
    # Of the cap on slots this is said elsewhere, with another way out.
    for name in (name for name in changed if name != CAP and server.setting(name).source in _FIXED):
        yield Blocker(
            "P115",
            msg("{name} is given on the command line of {node}", name=name, node=node),
            msg("That overrides every file, so what is set now would not come into force."),
            msg("Leave that option out, or change how {node} is started.", node=node),
        )
    yield from _kept_blockers(facts, sample, target, steps, changes=WAL_KEEP in changed)


def _kept_blockers(
    facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...], *, changes: bool
) -> Iterator[Blocker]:
    """WAL that is kept for a standby without a slot: too little, or more than there is room for."""
    asked, present = asked_megabytes(target), int(facts.server(target.primary).setting(WAL_KEEP).value)
    if not target.slot and has(steps, CopyByBasebackup, SetUpRestored) and not asked and present < SENSIBLE_MB:
        yield Blocker(
            "P108",
            msg("nothing would keep WAL for {name} on {node}", name=target.name, node=target.primary),
            msg(
                "Without a slot it is wal_keep_size that keeps it, which is {present} MB. Below {least} MB, about what"
                " a busy primary writes between two checkpoints, it has to be said how much.",
                present=present,
                least=SENSIBLE_MB,
            ),
            msg("Give --wal-keep-size SIZE (a reload): what is written while the standby may be away."),
        )
    if changes and sample.wal_free_bytes is not None and asked << 20 > sample.wal_free_bytes:
        yield Blocker(
            "P108",
            msg("a wal_keep_size of {asked} MB is more than the volume of pg_wal has free", asked=asked),
            msg("{free} are free: the disk would be full first.", free=format_size(sample.wal_free_bytes)),
            msg("Give a smaller --wal-keep-size."),
        )
