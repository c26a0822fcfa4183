"""Wherever slots create, drop, cap and keep are killed, the same again finishes, and --back gives everything back."""

import signal

import pytest

pytestmark = pytest.mark.live
WHENS = ("before", "during", "after")


class Owner:
    """A primary, and a tool that dies at a point."""

    def __init__(self, pair):
        self.pair, self.note = pair, pair.area.path / "note"
        self.pristine = self.raw()

    def args(self, *what):
        return ("slots", *what, "-p", self.pair.primary.conninfo, "--yes")

    def raw(self):
        return self.pair.raw() | {"files": []}

    def dies(self, point, *what):
        self.note.write_text("")
        env = {"DYING_POINT": point, "DYING_DELAY": "0.005", "DYING_NOTE": str(self.note)}
        done = self.pair.tool(*self.args(*what), module="tests.faults.dying", env=env)
        assert done.returncode == -signal.SIGKILL, f"{point}: {done.returncode}\n{done.stdout}\n{done.stderr}"

    def finishes(self, *what):
        return self.pair.tool(*self.args(*what), status=0)


@pytest.fixture
def owner(pair):
    return Owner(pair)


@pytest.mark.seldom
def test_wherever_a_limit_is_killed_over_it_finishes_and_comes_back(owner, subtests):
    for verb, size, name in (("cap", "1GB", "max_slot_wal_keep_size"),):
        for point in [f"{when}:{n}" for n in (1, 2) for when in WHENS]:
            with subtests.test(f"{verb}, {point}"):
                owner.dies(point, verb, size)
                owner.finishes(verb, size)
                assert owner.pair.primary.rows("SELECT current_setting(%s)", name) == [(size,)]
                owner.finishes(verb, "--back")
                assert owner.raw() == owner.pristine
                owner.dies(point, verb, size)
                owner.finishes(verb, "--back")
                assert owner.raw() == owner.pristine
                owner.finishes(verb, size)
                owner.dies(point, verb, "--back")
                owner.finishes(verb, "--back")
                assert owner.raw() == owner.pristine


def test_wherever_making_or_dropping_a_slot_is_killed_it_finishes(owner, subtests):
    for when in WHENS:
        with subtests.test(when):
            owner.dies(f"{when}:1", "create", "db3", "--no-cap")
            owner.finishes("create", "db3", "--no-cap")
            assert owner.pair.raw()["slots"] == [("db3", "physical")]
            owner.dies(f"{when}:1", "drop", "db3", "--abandon", "db3")
            owner.finishes("drop", "db3", "--abandon", "db3")
            assert owner.raw() == owner.pristine
