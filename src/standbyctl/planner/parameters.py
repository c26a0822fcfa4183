"""The parameters of the primary that an attach changes: the cap on slots, and what the operator asked for."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.facts import Server
from standbyctl.domain.parameter import Wanted, size_text
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import parse_size
from standbyctl.domain.target import SettingsWay, Target
from standbyctl.planner.cap import MINIMUM_MB, choose_cap
from standbyctl.steps.base import Step
from standbyctl.steps.setting import COMMIT, WAL_KEEP, Alteration, SetByHand, SetParameter
from standbyctl.steps.slot import CAP, CapSlots

# What the primary should keep where no slot does: the default of max_wal_size, so about what a busy primary
# writes between two checkpoints.
SENSIBLE_MB = 1024


def parameter_steps(server: Server, sample: Sample, target: Target) -> tuple[Step, ...]:
    """The steps that bring them into force; none where all is so already."""
    if target.settings is SettingsWay.PRINT:
        wanted = tuple(_wanted(server, sample, target))
        return (SetByHand(target.primary, wanted),) if wanted else ()
    return tuple(_alterations(server, sample, target))


def parameters_of(step: Step) -> tuple[str, ...]:
    """The parameters that a step brings into force, itself or by a person."""
    if isinstance(step, Alteration):
        return (step.change.parameter,)
    return tuple(each.parameter for each in step.wanted) if isinstance(step, SetByHand) else ()


def asked_megabytes(target: Target) -> int:
    """The wal_keep_size that the operator asked for; 0 for none."""
    return (parse_size(target.wal_keep_size) or 0) >> 20


def _alterations(server: Server, sample: Sample, target: Target) -> Iterator[Step]:
    cap = choose_cap(server, sample, target)
    if cap is not None:
        yield CapSlots(target.primary, cap, server.setting(CAP).value)
    for name, value in _asked(server, target):
        yield SetParameter(target.primary, name, value, server.setting(name).value)


def _wanted(server: Server, sample: Sample, target: Target) -> Iterator[Wanted]:
    cap = choose_cap(server, sample, target)
    if cap is not None:
        # Proposed by us, any cap will do; asked for, only that one.
        least = MINIMUM_MB if target.wal_cap == "auto" and cap >= MINIMUM_MB else None
        yield Wanted(CAP, size_text(cap), _file(server, CAP), least)
    for name, value in _asked(server, target):
        yield Wanted(name, value, _file(server, name), asked_megabytes(target) if name == WAL_KEEP else None)


def _asked(server: Server, target: Target) -> Iterator[tuple[str, str]]:
    # Only ever raised: another standby without a slot may rely on what is there.
    if (megabytes := asked_megabytes(target)) > int(server.setting(WAL_KEEP).value):
        yield WAL_KEEP, size_text(megabytes)
    if target.synchronous_commit not in {"", server.setting(COMMIT).value}:
        yield COMMIT, target.synchronous_commit


def _file(server: Server, name: str) -> str:
    """Who manages a setting writes it where it stands now, else into the main file."""
    main = server.setting("config_file").value if server.has("config_file") else ""
    return server.setting(name).file or main or "postgresql.conf"
