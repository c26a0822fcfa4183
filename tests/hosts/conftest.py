"""Hosts for tests, and the word about what could not be here.

A test says with its mark which suites of Debian it boots: pytest.mark.hosts("bookworm"). Images are made ready before
the first test, so that no test waits for one, and what cannot be had is named at the end and not begun.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hosts.roles import Cast
from tests.testbed import SuiteGoneError, Testbed, image, missing, sweep
from tests.testbed.images import SUITES, postgresql_major

# What is said at the end: a line a suite, or one about them all.
SAID = pytest.StashKey()
# What became of an attach that was struck: a property, for it may have run in a worker.
CELL = "cell"
# The same of a change of roles.
ROLES_CELL = "roles cell"
# How long a frozen peer has held its primary up.
FROZEN = "frozen"


def pytest_generate_tests(metafunc):
    if "suite" in metafunc.fixturenames:
        suites = SUITES if metafunc.config.getoption("--suites") == "all" else SUITES[1:2]
        metafunc.parametrize("suite", [pytest.param(suite, marks=pytest.mark.hosts(suite)) for suite in suites])


def suites_of(item):
    return {suite for mark in item.iter_markers("hosts") for suite in mark.args}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    wanted = set().union(*map(suites_of, items))
    if not wanted or config.option.collectonly:
        return
    said = config.stash[SAID] = []
    if why := missing():
        said.append(f"hosts: NOT RUN, {why}")
    else:
        sweep()
        # Building is mostly waiting for dpkg: four at once take little longer than one.
        with ThreadPoolExecutor() as pool:
            asked = sorted(wanted)
            wanted = {suite for suite, had in zip(asked, pool.map(_had, asked), strict=True) if not _say(had, said)}
    left = [item for item in items if not suites_of(item) & wanted]
    config.hook.pytest_deselected(items=[item for item in items if item not in left])
    items[:] = left


def _had(suite):
    """Whether there are hosts of a suite, and the word about it; what else goes wrong with an image ends the run."""
    built = []
    try:
        root = image(suite, built.append)
    except SuiteGoneError as gone:
        return False, f"hosts of {suite}: NOT RUN, {gone}"
    return True, f"hosts of {suite}: PostgreSQL {postgresql_major(root)}, {' '.join(built) or f'image in {root}'}"


def _say(had, said):
    said.append(had[1])
    return had[0]


def pytest_sessionfinish(session):
    """A worker hands over what it has to say."""
    if SAID in session.config.stash and hasattr(session.config, "workeroutput"):
        session.config.workeroutput["hosts"] = session.config.stash[SAID]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    said = node.config.stash.setdefault(SAID, [])
    said += [line for line in getattr(node, "workeroutput", {}).get("hosts", []) if line not in said]


def pytest_terminal_summary(terminalreporter, config):
    if SAID in config.stash:
        terminalreporter.section("hosts: what ran, and what could not run here")
        for line in config.stash[SAID]:
            terminalreporter.line(line)
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    found = [pair for report in reports for pair in report.user_properties]
    for struck, what in ((CELL, "an attach"), (ROLES_CELL, "a change of roles")):
        if cells := [value for key, value in found if key == struck]:
            terminalreporter.section(f"{what} struck by a fault: phase, fault, exit status, outcome")
            for cell in sorted(set(map(tuple, cells))):
                terminalreporter.line("{:<12}{:<22}{:>4}  {}".format(*cell))
    if rows := [value for key, value in found if key == FROZEN]:
        terminalreporter.section("a frozen peer: PostgreSQL, which, seconds of a CHECKPOINT, seconds of its walsenders")
        for row in sorted(set(map(tuple, rows))):
            terminalreporter.line("{:<4}{:<36}{:>8}{:>8}".format(*row))


@pytest.fixture(scope="session")
def testbed():
    """One testbed, which every module fills anew."""
    bed = Testbed()
    yield bed
    bed.down()


@pytest.fixture(scope="module")
def hosts(testbed, request):
    """db1 and db2, freshly installed, of the module's suite (or of its two: hosts("bookworm", "trixie"))."""
    suites = request.node.get_closest_marker("hosts").args
    yield testbed.up({"db1": suites[0], "db2": suites[-1]})
    testbed.down()


@pytest.fixture(scope="module")
def casting(testbed):
    """Hosts whose roles change, for one test after another; and others where one of them has left them in a state."""
    kept = []
    yield kept
    for cast in kept:
        cast.end()


@pytest.fixture
def cast(testbed, casting):
    """db1 is the primary, db2 its standby."""
    if casting and not casting[0].fit():
        casting.pop().end()
    if not casting:
        casting.append(Cast(testbed))
    return casting[0]
