"""Hosts to look at by hand: `python -m tests.testbed db1:bookworm db2:trixie`, as root. They live as long as this does.

Log in from another terminal (`ssh -F .../ssh_config db1`), and say here what is to happen to them.
"""

import argparse
import signal
import sys
import time

from tests.testbed import HostsError, Testbed, image, missing, sweep

WORDS = """\
exec NAME COMMAND   at its console            cut NAME [NAME]     from all, or from one ("operator": here)
kill NAME           power loss                shape NAME rate_mbit=10 delay_ms=20 loss_percent=1
start NAME          power on                  heal [NAME]         undo cut and shape
reboot NAME         in good order             down                take everything away (so does the end of input)"""


def obey(bed, line):
    verb, _, rest = line.strip().partition(" ")
    words = rest.split()
    if verb == "exec":
        name, _, command = rest.partition(" ")
        done = bed[name].exec(command, check=False, timeout_seconds=3600)
        print(done.stdout + done.stderr, end="")
    elif verb in {"kill", "start", "reboot"}:
        getattr(bed[words[0]], verb)()
    elif verb in {"cut", "heal"}:
        getattr(bed, verb)(*words)
    elif verb == "shape":
        bed.shape(words[0], **{key: float(value) for key, value in (word.split("=") for word in words[1:])})
    elif verb:
        print(WORDS)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.testbed", description=__doc__)
    parser.add_argument("hosts", nargs="*", metavar="NAME:SUITE")
    parser.add_argument("--image", action="append", default=[], metavar="SUITE", help="only see that it is built")
    args = parser.parse_args()
    if why := missing():
        raise HostsError(why)
    for suite in args.image:
        print(image(suite))
    if not args.hosts:
        return
    sweep()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    bed = Testbed()
    bed.up(dict(host.split(":") for host in args.hosts))
    try:
        print(f"up in {time.monotonic() - began:.1f} s: ssh -F {bed.ssh_config} NAME", WORDS, sep="\n", flush=True)
        for line in sys.stdin:
            if line.strip() == "down":
                break
            try:
                obey(bed, line)
            except (HostsError, KeyError, IndexError, TypeError, ValueError) as error:
                print(f"{type(error).__name__}: {error}")
            print("ok", flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        bed.down()


if __name__ == "__main__":
    try:
        main()
    except HostsError as error:
        sys.exit(f"testbed: {error}")
