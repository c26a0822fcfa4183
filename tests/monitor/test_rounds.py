"""Rounds that follow each other closely: one server that is slow, or away, costs the others nothing."""

import threading
import time

import pytest

from standbyctl.domain.errors import CannotTellError, NotLetInError
from standbyctl.domain.message import msg
from standbyctl.domain.samples import NodeSample, Silence
from standbyctl.monitor.rounds import Rounds
from tests.monitor.seen import standby


class Server:
    """A server by a hand-written port: what it does is what the test has it do."""

    def __init__(self, name, act=lambda: None):
        self.name, self.by_ssh, self.act, self.asked = name, False, act, 0

    def open(self):
        pass

    def sample(self, timeout_seconds):
        self.asked += 1
        self.act()
        return standby(self.name, at=time.monotonic(), replay=self.asked)

    def close(self):
        pass


def shut_out():
    raise NotLetInError("A201", msg("cannot connect to {node}", node="db2"), detail=msg("wrong password"))


def refuse():
    raise CannotTellError("A201", msg("cannot connect to {node}", node="db2"), detail=msg("refused"))


@pytest.fixture
def rounds():
    made = []

    def make(*servers):
        made.append(Rounds(servers, time.monotonic))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_one_that_hangs_is_told_as_silent_and_the_others_are_asked_every_round(rounds):
    release = threading.Event()
    fine, hung = Server("db1"), Server("db2", lambda: release.wait(20))
    every = rounds(fine, hung)
    began, seen = time.monotonic(), []
    for _ in range(10):
        seen.append(every.ask_steadily(0.05))
    assert time.monotonic() - began < 10, "it would hang for 20"
    assert [answers[0].replay_lsn for answers in seen] == list(range(1, 11))
    assert all(isinstance(answers[1], Silence) and answers[1].hung for answers in seen)
    assert hung.asked == 1
    release.set()
    time.sleep(0.1)
    assert isinstance(every.ask_steadily(0.5)[1], NodeSample)


def test_one_that_takes_longer_than_a_round_is_as_it_was_the_last_time(rounds):
    slow = Server("db2")
    every = rounds(slow)
    first = every.ask_steadily(0.5)
    slow.act = lambda: time.sleep(0.3)
    seen = [every.ask_steadily(0.05)[0] for _ in range(4)]
    assert seen == [first[0]] * 4
    time.sleep(0.3)
    assert every.ask_steadily(0.05)[0].replay_lsn == 2


def test_one_that_lets_us_not_in_is_not_one_that_does_not_answer(rounds):
    every = rounds(Server("db2", shut_out), Server("db3", refuse))
    answers = every.ask()
    assert [(each.refused, each.hung) for each in answers] == [(True, False), (False, False)]


def test_one_that_refuses_is_asked_again_after_a_while_and_taken_back_at_once(rounds):
    away = Server("db2", refuse)
    every = rounds(away)
    for _ in range(20):
        [answer] = every.ask_steadily(0.05)
        assert (answer.code, answer.hung) == ("A201", False)
        time.sleep(0.01)
    assert away.asked == 2  # at once, and then not before a second is over
    away.act = lambda: None
    time.sleep(1.0)
    assert isinstance(every.ask_steadily(0.2)[0], NodeSample)
    assert isinstance(every.ask_steadily(0.2)[0], NodeSample)
    assert away.asked == 4
