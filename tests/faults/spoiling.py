"""The tool, with something done to a copy or its verifier by somebody else: python -m tests.faults.spoiling ARGS...

SPOILING is "corrupt PATH", done once the copy is made; "program SCRIPT", which then stands for pg_verifybackup; or
"kill SECONDS", which kills the tool that long after its verification has begun.
"""

import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from standbyctl.domain.effects import CheckManifest, CopyCluster
from standbyctl.ui.cli import cli

what, _, word = os.environ["SPOILING"].partition(" ")


def spoil(path):
    """One byte in the middle of a file; or, of a directory of WAL, the records that its first file begins with."""
    if path.is_dir():
        path = min(each for each in path.iterdir() if each.is_file())
        begin, length = 40, 400
    else:
        begin, length = path.stat().st_size // 2, 1
    data = bytearray(path.read_bytes())
    data[begin : begin + length] = bytes(byte ^ 0xFF for byte in data[begin : begin + length])
    path.write_bytes(data)


def wrap(do):
    def spoiling(effect):
        if what == "program" and isinstance(effect, CheckManifest):
            effect = replace(effect, bin_directory=word)
        if what == "kill" and isinstance(effect, CheckManifest):
            threading.Timer(float(word), os.kill, (os.getpid(), signal.SIGKILL)).start()
        do(effect)
        if what == "corrupt" and isinstance(effect, CopyCluster):
            spoil(Path(effect.draft, "data", word))

    return spoiling


if __name__ == "__main__":
    sys.exit(cli.main(args=sys.argv[1:], prog_name="standbyctl", obj=wrap))
