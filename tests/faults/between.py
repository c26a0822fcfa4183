"""The tool, with other programs in the hands of its scripts: python -m tests.faults.between ARGS...

BETWEEN is a directory. What is in it is found before what the system has, and stands for PostgreSQL's own on the host
of an old primary: so somebody else does something just between two lines of a script.
"""

import os
import sys
from dataclasses import replace

from standbyctl.domain.effects import HandOver
from standbyctl.nodes.local import ENVIRONMENT
from standbyctl.ui.cli import cli

place = os.environ["BETWEEN"]
ENVIRONMENT["PATH"] = f"{place}:{ENVIRONMENT['PATH']}"


def wrap(do):
    def between(effect):
        do(replace(effect, old_bin=place) if isinstance(effect, HandOver) else effect)

    return between


if __name__ == "__main__":
    sys.exit(cli.main(args=sys.argv[1:], prog_name="standbyctl", obj=wrap))
