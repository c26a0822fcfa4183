"""What a standby's configuration says of whom it follows. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from standbyctl.domain.conf import escape_conf
from standbyctl.observe.question import Question


def follows(probe: Mapping[str, str], question: Question) -> bool:
    """Whether the configuration names this primary and this slot; what else was changed is the DBA's affair."""
    words = set(probe.get("conninfo", "").split())
    wanted = {
        word for word in question.primary_conninfo.split() if word.startswith(("host=", "port=", "application_name="))
    }
    return wanted <= words and probe.get("slot_name", "") == question.slot


def restores(probe: Mapping[str, str], question: Question) -> bool:
    """Whether it has the restore_command that was asked for, word for word."""
    wanted = question.restore_command
    return bool(wanted) and probe.get("restore_command") == escape_conf(wanted)


def stopped_timeline(said: Mapping[str, str]) -> int:
    """The timeline of a server that does not run: where it has been, though its last checkpoint was before.

    >>> stopped_timeline({"control_timeline": "1", "recovery_timeline": "2"}), stopped_timeline({})
    (2, 0)
    """
    return max(int(said.get(key) or 0) for key in ("control_timeline", "recovery_timeline"))
