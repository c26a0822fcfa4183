"""Options, versions, and the word about what could not run here."""

import os
import random
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from standbyctl.domain.version import SUPPORTED_MAJORS
from standbyctl.lab.bindirs import find_bin_directories
from tests.borrowed import borrowed
from tests.pair import Pair, Template
from tests.sound import has_amcheck
from tests.testbed.machine import missing

# What a test has found and the summary prints: a property, for it may have run in a worker.
GRID = "grid"
# What is compared was written down in English, whoever runs the tests.
os.environ["STANDBYCTL_LANG"] = "en"


# Of what is settled, and of the samples on the oldest version, CI runs so small a share, another each time.
_SHARES = 3


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write golden files anew")
    parser.addoption("--after-test", action="store_true", help="what CI runs after `make test`")
    parser.addoption("--often", action="store_true", help="what CI has the time for: not what is marked seldom")
    parser.addoption("--one-in", type=int, default=1, help="of what CI runs after `make test` one test in so many")
    parser.addoption("--suites", default="bookworm", choices=["bookworm", "all"], help="of Debian, for hosts")
    parser.addoption("--matrix", action="store_true", help="every phase of an attach by every fault, on hosts")
    parser.addoption("--versions", default="1", help="one PostgreSQL version, all here, or one by its major")


def pytest_configure(config):
    for line in (
        "every_version: also where its module is one_version",
        "seldom: for `make live` and `make hosts`; CI has not the time",
        "turns: of its variants CI has the time for one each time",
        "needs(what): a program or a right that this machine may not have; where it has not, the summary says so",
        "settled: of such modules CI has the time for a third, another each time",
        "majors(oldest, newest): only there is what the test is about; taken wherever one of them is",
    ):
        config.addinivalue_line("markers", line)


@cache
def found_here():
    """One bin directory a major; the newest first."""
    by_major = {}
    for found in sorted(find_bin_directories(), key=lambda each: (-each.major, each.wheel is not None)):
        by_major.setdefault(found.major, found)
    return list(by_major.values())


@cache
def with_borrowed():
    """And those out of images of hosts, where there are any."""
    found = found_here()
    more = borrowed({each.major for each in found})
    return sorted([*found, *more], key=lambda each: -each.major)


def every_version(config):
    """What may be chosen from. CI, and who wants one, takes what is here by itself."""
    own = config.getoption("--after-test") or config.getoption("--versions") == "1"
    return found_here() if own else with_borrowed()


def versions(config):
    """Those that were asked for."""
    asked, here = config.getoption("--versions"), every_version(config)
    if asked in {"all", "1"}:
        return here if asked == "all" else here[:1]
    if not (found := [each for each in here if str(each.major) == asked]):
        raise pytest.UsageError(f"--versions {asked}: no complete PostgreSQL {asked} is here")
    return found


def fits(item, major):
    """Whether a version has what the test is about."""
    return all(oldest <= major <= newest for oldest, newest in (mark.args for mark in item.iter_markers("majors")))


def pytest_generate_tests(metafunc):
    if "programs" in metafunc.fixturenames:
        test = metafunc.definition
        if not found_here():
            raise pytest.UsageError("no PostgreSQL of a supported major is here: pip install '.[demo]'")
        asked = metafunc.config.getoption("--versions")
        here = versions(metafunc.config) if asked not in {"all", "1"} else every_version(metafunc.config)
        every = [each for each in here if fits(test, each.major)]
        one = test.get_closest_marker("one_version") and not test.get_closest_marker("every_version")
        if one or asked == "1":
            every = every[:1]
        metafunc.parametrize("programs", every, ids=[f"pg{each.major}" for each in every], scope="session")


def pytest_collection_modifyitems(config, items):
    # A test of what no version here has was given none: pytest would call it skipped.
    elsewhere = [item for item in items if _major(item) == 0 or (_major(item) and not fits(item, _major(item)))]
    items[:] = [item for item in items if item not in elsewhere]
    config.hook.pytest_deselected(items=elsewhere)
    helpless = _without_what_they_need(items)
    items[:] = [item for item in items if item not in helpless]
    config.hook.pytest_deselected(items=helpless)
    if config.getoption("--often") or config.getoption("--after-test"):
        seldom = [item for item in items if item.get_closest_marker("seldom")]
        items[:] = [item for item in items if item not in seldom]
        config.hook.pytest_deselected(items=seldom)
        resting = _resting(config, items)
        config.hook.pytest_deselected(items=resting)
        items[:] = [item for item in items if item not in resting]
        beyond = _beyond(config, items)
        config.hook.pytest_deselected(items=beyond)
        items[:] = [item for item in items if item not in beyond]
    if not config.getoption("--after-test"):
        return
    waiting = _not_their_turn(config, items)
    config.hook.pytest_deselected(items=waiting)
    items[:] = [item for item in items if item not in waiting]
    majors = [each.major for each in versions(config)]
    left = [item for item in items if not _ran_or_later(item, majors[0], majors[-1])]
    again = [item for item in left if item.get_closest_marker("sample") and _major(item) == majors[-1]]
    turn = random.Random(_run_id(config)).randrange(_SHARES)
    left = [item for item in left if item not in again or again.index(item) % _SHARES == turn]
    config.hook.pytest_deselected(items=[item for item in items if item not in left])
    items[:] = left


def _run_id(config):
    """The name of a run, the same in all of its processes."""
    return getattr(config, "workerinput", {}).get("testrunuid", "")


def _resting(config, items):
    """The other shares of what is settled: code that nobody has touched for long."""
    settled = [item for item in items if item.get_closest_marker("settled") and not item.get_closest_marker("sample")]
    turn = random.Random(_run_id(config)).randrange(_SHARES)
    every = enumerate(sorted(settled, key=_node_id))
    return [item for number, item in every if number % _SHARES != turn]


def _beyond(config, items):
    """What a slow machine has not the time for: another part each time."""
    count = config.getoption("--one-in")
    turn = random.Random(f"{_run_id(config)} beyond").randrange(count)
    every = enumerate(sorted((item for item in items if not item.get_closest_marker("sample")), key=_node_id))
    return [item for number, item in every if number % count != turn]


def _node_id(item):
    return item.nodeid


def _not_their_turn(config, items):
    """Every process of a run must choose the same ones: by the name of the run."""
    run = _run_id(config)
    by_test = {}
    for item in items:
        if item.get_closest_marker("turns"):
            by_test.setdefault((item.path, item.originalname, _major(item)), []).append(item)
    return [
        item
        for every in by_test.values()
        for item in every
        if item is not random.Random(run).choice(sorted(every, key=str))
    ]


def _ran_or_later(item, newest, oldest):
    """On the newest version the samples have run already; of the oldest they are what CI has the time for, in turns."""
    major, sample = _major(item), item.get_closest_marker("sample")
    if major in {None, newest}:
        return sample
    return not ((sample and major == oldest) or item.get_closest_marker("every_version"))


def _major(item):
    """The version that a test runs on; None where it chooses one itself, 0 where none fits."""
    programs = item.callspec.params.get("programs") if hasattr(item, "callspec") else None
    return getattr(programs, "major", 0) if programs else None


@cache
def mount_namespace_argv():
    """How to get a mount namespace of one's own here, or None."""
    argv = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-m", "--map-current-user", "--keep-caps"]
    if shutil.which("unshare") is None:
        return None
    test = subprocess.run([*argv, "sh", "-c", "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False)
    return argv if test.returncode == 0 else None


def pooler():
    """The program of a pooler, or None."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


def faketime():
    """The library that shows a process another time, or None."""
    return next(map(str, Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


def amcheck():
    """A version that has it, or None."""
    return next((found for found in found_here() if has_amcheck(found.path)), None)


# What a test may need of this machine besides PostgreSQL, and what the summary says where it is not here.
NEEDS = {
    "promtool": (lambda: shutil.which("promtool"), "rules of Prometheus: NOT RUN, promtool is not here"),
    "pooler": (pooler, "pooler in front: NOT RUN, pgbouncer is not here"),
    "faketime": (faketime, "clocks that are off: NOT RUN, libfaketime is not here"),
    "amcheck": (amcheck, "what looks for spoilt indexes, spoilt: NOT RUN, no version here has amcheck"),
    "mount namespace": (mount_namespace_argv, "full disk: NOT RUN, no mount namespace can be made here (unshare -m)"),
}


def _without_what_they_need(items):
    """Those that cannot run here."""
    needed = {item: [mark.args[0] for mark in item.iter_markers("needs")] for item in items}
    away = {need for needs in needed.values() for need in needs if not NEEDS[need][0]()}
    return [item for item, needs in needed.items() if away & set(needs)]


def pytest_terminal_summary(terminalreporter, config):
    said = {need: line for need, (here, line) in NEEDS.items() if not here()}
    if "promtool" in said and "live and" not in config.getoption("markexpr"):
        terminalreporter.line(said["promtool"])
    if "live" not in config.getoption("markexpr") or "not live" in config.getoption("markexpr"):
        return
    have = {found.major for found in (*find_bin_directories(), *versions(config))}
    terminalreporter.section("what ran, and what could not run here")
    for found in versions(config):
        terminalreporter.line(f"PostgreSQL {found.major}: {found.path}")
        if not has_amcheck(found.path):
            terminalreporter.line(f"amcheck after a resync: NOT RUN on {found.major}, it has none (contrib)")
    for major in SUPPORTED_MAJORS:
        if major not in have:
            terminalreporter.line(f"PostgreSQL {major}: NOT RUN, no complete bin directory of it was found")
    if config.getoption("--versions") != "all":
        terminalreporter.line("other versions: not asked for here (make live runs every one)")
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        for line in dict(report.user_properties).get(GRID, []) if report.when == "call" else []:
            terminalreporter.line(line)
    why = missing()
    terminalreporter.line(f"hosts: NOT RUN, {why}" if why else "hosts: not asked for here (make hosts runs them)")
    for need in ("pooler", "faketime", "amcheck", "mount namespace"):
        if need in said:
            terminalreporter.line(said[need])


@pytest.fixture(scope="session")
def template(programs):
    """A filled cluster that has been stopped: copied for each test."""
    made = Template.make(programs)
    yield made
    made.area.remove()


@pytest.fixture
def pair(template):
    """A running primary of its own for one test, and room for a standby beside it."""
    made = Pair.make(template)
    yield made
    made.end()


@pytest.fixture
def golden(request):
    """Compare a text with a file beside the test; write it with --update-golden."""

    def compare(name, seen):
        path = request.path.parent / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(seen)
        assert seen == path.read_text(), f"differs from {path.name}; make golden writes it anew"

    return compare
