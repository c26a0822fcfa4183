"""Whatever we write we can read back; and whatever is not what we write is not read as if it were."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given

from standbyctl import steps
from standbyctl.domain.codec import decode, decode_tagged, encode, encode_tagged
from standbyctl.domain.facts import Facts, HbaRule, Setting
from standbyctl.domain.target import HbaWay, Target
from standbyctl.steps.role import CreateRole
from tests.pure.examples import PASSFILE, PRIMARY, ROLE, STANDBY, TARGET, facts
from tests.pure.strategies import targets


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    name: str
    pair: tuple[str, int]
    many: tuple[Colour, ...]
    perhaps: int | None = None


THING = Thing("a", ("b", 1), (Colour.RED,), None)


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("value", [THING, Thing("", ("", 0), (), 7)])
def test_a_value_is_read_back_as_it_was(value: Thing) -> None:
    assert decode(Thing, through_json(encode(value))) == value


@given(targets)
def test_a_target_is_read_back_as_it_was(target: Target) -> None:
    assert decode(Target, through_json(encode(target))) == target


def test_what_has_a_default_may_be_missing() -> None:
    # A journal that an older release wrote lacks the fields that are newer than it.
    assert decode(Setting, {"name": "a", "value": "b", "source": "default"}) == Setting("a", "b", "default")


@pytest.mark.parametrize(
    ("kind", "data", "error"),
    [
        (str, 3, TypeError),
        (int, "3", TypeError),
        (bool, 1, TypeError),
        (str, None, TypeError),
        (Thing, [], TypeError),
        (Thing, "a", TypeError),
        (Thing, {"name": "a"}, TypeError),
        (Thing, {**encode(THING), "more": 1}, KeyError),
        (Thing, {**encode(THING), "pair": ["b"]}, ValueError),
        (Thing, {**encode(THING), "pair": ["b", "1"]}, TypeError),
        (Thing, {**encode(THING), "many": "red"}, TypeError),
        (Thing, {**encode(THING), "many": {"red": 1}}, TypeError),
        (Thing, {**encode(THING), "many": ["blue"]}, ValueError),
        (Thing, {**encode(THING), "perhaps": "7"}, TypeError),
        (HbaWay, "somehow", ValueError),
    ],
)
def test_what_is_not_of_that_kind_is_an_error(kind: Any, data: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode(kind, data)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"kind": "FlyToTheMoon"}, KeyError),
        ({}, KeyError),
        ([], TypeError),
        ({"kind": "CreateRole"}, TypeError),
        ({"kind": "CreateRole", "speed": 1}, KeyError),
    ],
)
def test_only_steps_of_the_list_are_read(data: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode_tagged(steps.ALL, data)


def test_a_step_is_written_with_its_name_and_nothing_of_its_class() -> None:
    step = CreateRole(PRIMARY, STANDBY, ROLE, PASSFILE)
    assert encode_tagged(step) == {
        "kind": "CreateRole",
        "primary": PRIMARY,
        "name": STANDBY,
        "role": ROLE,
        "passfile": PASSFILE,
        "head": "",
    }


def test_what_is_written_is_json_as_it_stands() -> None:
    assert through_json(encode(facts())) == encode(facts())
    assert encode(TARGET)["hba"] == "auto"
    assert encode(HbaRule(1, "host", ("all",), (), "", "", "md5"))["databases"] == ["all"]
    assert decode(Facts, encode(facts())) == facts()
