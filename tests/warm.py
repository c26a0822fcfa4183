"""The tool in a process of its own that need not import it first: a start costs more than most commands do."""

import atexit
import multiprocessing
import os
import pkgutil
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

import standbyctl.ui.cli

# What is read once, when Python starts or before it; but for this, what is said is read when all of it was said.
_EARLY, _NO_MATTER = ("PYTHON", "LC_", "LANG", "LD_", "TZ"), "PYTHONUNBUFFERED"
_context = multiprocessing.get_context("forkserver")
_verbs = (f"standbyctl.ui.cli.{each.name}" for each in pkgutil.iter_modules(standbyctl.ui.cli.__path__))
_context.set_forkserver_preload([__name__, *_verbs])


def run_tool(module, args, env, timeout):
    """As subprocess.run gives it: what `python -m MODULE ARGS` says and ends with, with these variables alone."""
    early = {key for key in {*env, *os.environ} if key.startswith(_EARLY)} - {_NO_MATTER}
    if any(env.get(key) != os.environ.get(key) for key in early):
        argv = [sys.executable, "-m", module, *args]
        return subprocess.run(
            argv, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=timeout, check=False
        )
    with tempfile.TemporaryDirectory(prefix="sb-warm-") as place:
        said = [Path(place, name) for name in ("stdout", "stderr")]
        process = _context.Process(target=_become, args=(module, args, env, os.getcwd(), *map(str, said)))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(args, timeout)
        texts = [path.read_text() if path.exists() else "" for path in said]
        return subprocess.CompletedProcess(args, process.exitcode, *texts)


def _become(module, args, env, directory, *said):
    """In the new process: everything that tells it from one that was started."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(directory)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, path in enumerate((os.devnull, *said)):
        opened = os.open(path, os.O_RDONLY if number == 0 else flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    sys.argv = [module, *args]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        # A process of multiprocessing's ends without them.
        atexit._run_exitfuncs()
