"""What takes long says that it goes on, and nothing once it has ended."""

from threading import Event

import pytest

from standbyctl.app.speaking import speaking
from standbyctl.domain.message import msg


def test_it_is_said_again_and_again_for_how_long_it_goes_on():
    said, twice = [], Event()

    def tell(note):
        said.append(str(note.message))
        if len(said) > 1:
            twice.set()

    with speaking(tell, lambda n: msg("{n} s", n=n), every_seconds=0.01):
        assert twice.wait(60)
    assert said[0] == "0 s"


def test_what_is_over_at_once_says_nothing_and_fails_as_it_would_have():
    said = []
    with pytest.raises(ZeroDivisionError), speaking(said.append, lambda n: msg("{n} s", n=n)):
        1 / 0  # noqa: B018
    assert said == []
