"""Programs of the operator's: argv, no shell, a deadline; they are told what changes by their environment."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from standbyctl.domain.errors import StoppedError
from standbyctl.domain.message import Message, msg
from standbyctl.nodes.children import KEPT, run


def run_hook(stage: str, argv: tuple[str, ...], told: Mapping[str, str], timeout_seconds: float) -> None:
    """Run one on this machine; StoppedError where it fails or does not end. Nothing to run is nothing to do."""
    if not argv:
        return
    env = {**os.environ, "STANDBYCTL_HOOK": stage, **told}
    try:
        status, stdout, stderr = run([*KEPT, "--", *argv], env, b"", timeout_seconds)
    except TimeoutError as error:
        raise _failed(stage, argv, msg("It did not end in {n} s.", n=f"{timeout_seconds:g}")) from error
    except OSError as error:
        raise _failed(stage, argv, msg("{e}", e=error)) from error
    if status != 0:
        said = " | ".join((stderr or stdout).decode(errors="replace").split("\n")[-4:]).strip(" |")
        words = said.rstrip(".") or msg("it said nothing")
        raise _failed(stage, argv, msg("exit status {n}: {said}.", n=status, said=words))


def hook_by_hand(stage: str, argv: tuple[str, ...], told: Mapping[str, str]) -> str:
    """What a person types to run it."""
    env = {"STANDBYCTL_HOOK": stage, **told}
    return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in env.items()), shlex.join(argv)])


def _failed(stage: str, argv: tuple[str, ...], why: Message) -> StoppedError:
    return StoppedError(
        "R430",
        msg("the hook {stage} failed: {program}", stage=stage, program=argv[0]),
        detail=why,
        hint=msg("Try it by hand; then run the same command again."),
    )
