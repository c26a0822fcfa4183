"""The tool, which says that it has come to an effect of a kind, and waits: python -m tests.faults.pausing ARGS...

PAUSING_AT is the kind, such as StartServer, or with a word that it must have, such as Sql:slot. PAUSING_IN is a
directory: "here" appears in it, and "go" is waited for.
"""

import os
import sys
import time
from pathlib import Path

from standbyctl.ui.cli import cli

kind, _, word = os.environ["PAUSING_AT"].partition(":")
place = Path(os.environ["PAUSING_IN"])
DEADLINE_SECONDS = 120


def wrap(do):
    def pausing(effect):
        here = place / "here"
        if type(effect).__name__ == kind and word in str(effect) and not here.exists():
            here.touch()
            deadline = time.monotonic() + DEADLINE_SECONDS
            while not (place / "go").exists():
                assert time.monotonic() < deadline, "nobody said go"
                time.sleep(0.02)
        do(effect)

    return pausing


if __name__ == "__main__":
    sys.exit(cli.main(args=sys.argv[1:], prog_name="standbyctl", obj=wrap))
