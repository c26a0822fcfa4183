"""Why an old primary that was to be stopped counts as not stopped, in words."""

from __future__ import annotations

from collections.abc import Mapping

from standbyctl.domain import effects as fx
from standbyctl.domain.message import Message, msg


def why_not_stopped(effect: fx.HandOver, said: Mapping[str, str]) -> tuple[str, Message, Message]:
    """The code, what is the matter, and why, by what demote.sh has said."""
    old, state = effect.old, said.get("state")
    if state == "stopping":
        return (
            "R408",
            msg("{old} has not stopped within {n} s", old=old, n=effect.stop_seconds),
            msg("It waits for its archiver, or for a receiver that does not answer."),
        )
    if state in {"restarted", "starting"}:
        return (
            "R409",
            msg("somebody else has started {old} again just after its stop", old=old),
            msg("A person, or what watches over it (a unit, a cluster manager), has to let it stay stopped."),
        )
    return (
        "R409",
        msg("{old} was not shut down cleanly", old=old),
        msg("Its control file says: {state}.", state=said.get("control_state", "?")),
    )
