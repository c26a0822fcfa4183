"""D7xx and X1xx: the demo, and standbyctl itself."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "D701",
        msg("the demo did not keep its promise"),
        means=msg("A command of the demo failed, a commit was lost, a write failed, or the primary was restarted."),
        why=msg(
            "The demo does what the tool is for, on a primary of its own, and counts. Nothing of yours was"
            " touched: it works in a directory of its own, which is removed at its end."
        ),
        do=(
            msg("Read what the command before it says: a full disk or little memory is what it is most often."),
            msg("Run it again. If it fails again, report what it prints:\nstandbyctl demo"),
        ),
    ),
    Entry(
        "X100",
        msg("a bug in standbyctl"),
        means=msg("Something happened that nobody has thought of. STATE says how far the run had got."),
        why=msg("The journal was written before each step, as always: the run can be gone on with, or given back."),
        do=(
            msg("Run the same command again with --debug, and report what it prints; passwords are not in it."),
            msg("Or give everything back:\nstandbyctl detach NAME"),
        ),
    ),
)
