#!/usr/bin/env python3
"""Says which Python standbyctl.pyz is for, before anything of it is imported. shiv gives it `site_packages`."""

import re
import sys

OLDEST = (3, 11)
words = " ".join(path.name for path in site_packages.glob("psycopg_binary/_psycopg.cpython-*"))  # noqa: F821
built = re.search(r"cpython-(\d)(\d+)-", words)
if built and built.groups() != tuple(str(part) for part in sys.version_info[:2]):
    wanted, here = ".".join(built.groups()), "{}.{}".format(*sys.version_info)
    hint = f"Run it with that one: python{wanted} standbyctl.pyz ..."
    if sys.version_info >= OLDEST:
        hint += f", or build it with yours in a checkout of its own: make dist PYTHON=python{here}"
    sys.stderr.write(
        f"ERROR:  standbyctl.pyz was built for Python {wanted}, and this is {here} ({sys.executable})\n"
        f"HINT:   {hint}.\n"
    )
    sys.exit(2)
