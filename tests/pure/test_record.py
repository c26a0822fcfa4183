"""Our `dataclass` is told from the standard library's by nothing but its speed."""

import copy
import dataclasses
import pickle

import pytest

from standbyctl.domain.record import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Ours:
    a: int
    b: str = "b"
    c: list[int] = field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    a: int
    b: str = "b"
    c: list[int] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Under(Ours):
    d: float = 1.5


@dataclass(slots=True)
class Open:
    a: int


@dataclass(frozen=True, slots=True)
class Empty:
    pass


def test_it_is_equal_only_to_its_own_kind():
    assert Ours(1) == Ours(1)
    assert Ours(1) != Ours(2)
    assert Ours(1) != Theirs(1)
    assert Ours(1) != Under(1)
    assert Empty() == Empty()
    assert Open(1) == Open(1)


def test_what_it_is_not_given_is_said_the_first_time_and_the_second():
    @dataclass(frozen=True, slots=True)
    class Pair:
        a: int
        b: int = 2

    for _ in range(2):
        with pytest.raises(TypeError, match=r"Pair\.__init__\(\) missing 1 required positional argument"):
            Pair()
    assert (Pair(1).b, Pair(b=3, a=1).b) == (2, 3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'c'"):
        Pair(1, c=1)


def test_it_says_what_it_holds():
    assert repr(Ours(1, "x", [2])) == repr(Theirs(1, "x", [2])).replace("Theirs", "Ours")
    assert repr(Under(1)) == "Under(a=1, b='b', c=[], d=1.5)"
    assert repr(Empty()) == "Empty()"


def test_nothing_of_a_frozen_one_is_set_again_or_taken_away():
    made = Ours(1)
    for name in ("a", "c"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, name, 2)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(made, name)
    with pytest.raises(AttributeError):
        made.more = 1
    assert made == Ours(1)


def test_an_open_one_changes_and_is_no_key():
    made = Open(1)
    made.a = 2
    assert made == Open(2)
    with pytest.raises(TypeError, match="unhashable"):
        hash(made)


def test_it_is_a_key_by_what_it_holds():
    assert len({Empty(), Empty()}) == 1
    assert hash(replace(Ours(1), c=())) == hash(replace(Ours(1), c=()))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Ours(1))


@pytest.mark.parametrize("made", [Ours(1, "x", [2]), Under(1), Open(3), Empty()])
def test_what_is_asked_of_a_dataclass_it_answers(made):
    assert dataclasses.is_dataclass(made)
    assert replace(made) == made
    assert pickle.loads(pickle.dumps(made)) == made
    assert copy.deepcopy(made) == made
    assert type(made)(**dataclasses.asdict(made)) == made
    assert made.__match_args__ == tuple(each.name for each in dataclasses.fields(made))
