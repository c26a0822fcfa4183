"""What speaking Japanese costs at the start: the same commands in English and in Japanese, in turn.

CPU milliseconds of the whole process, user and system, so that other work counts little: python -m bench.startup [RUNS]
"""

import os
import resource
import statistics
import subprocess
import sys

COMMANDS = (["--version"], ["--help"], ["plan", "--help"], ["explain", "P102"], ["failover", "--help"])


def cost(language, command):
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "STANDBYCTL"))}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    argv = [sys.executable, "-m", "standbyctl", *command]
    subprocess.run(argv, env=env | {"LANG": language}, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def main(runs):
    for command in COMMANDS:
        pairs = [(cost("C.UTF-8", command), cost("ja_JP.UTF-8", command)) for _ in range(runs)]
        english, japanese = (statistics.median(each) for each in zip(*pairs, strict=True))
        more = statistics.median(after - before for before, after in pairs)
        print(f"{' '.join(command):<15} English {english:5.1f} ms  Japanese {japanese:5.1f} ms  more {more:+5.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
