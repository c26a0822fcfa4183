"""The tool, killed by SIGKILL before, during or after its n-th effect: python -m tests.faults.dying ARGS...

DYING_POINT is "before:3" or "before:StartServer" and so on, or "never:0"; DYING_NOTE is a file that gets a line for
each effect. The real process dies; the servers do not.
"""

import os
import signal
import sys
import threading
import time

from standbyctl.ui.cli import cli

when, _, number = os.environ["DYING_POINT"].partition(":")
delay = float(os.environ.get("DYING_DELAY", "0"))
count = 0


def note(text):
    with open(os.environ["DYING_NOTE"], "a") as file:
        file.write(f"{text}\n")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def wrap(do):
    def dying(effect):
        global count
        count += 1
        kind = type(effect).__name__
        here = number in {str(count), kind}
        if here and when == "before":
            note(f"{kind} died")
            die()
        if here and when == "during":
            note(f"{kind} died")
            threading.Timer(delay, die).start()
        began = time.monotonic()
        do(effect)
        if here and when in {"during", "after"}:
            note(f"{kind} died")
            die()
        note(f"{kind} {time.monotonic() - began:.4f}")

    return dying


if __name__ == "__main__":
    sys.exit(cli.main(args=sys.argv[1:], prog_name="standbyctl", obj=wrap))
