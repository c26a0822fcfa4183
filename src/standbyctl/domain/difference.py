"""What is not the same in two values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from standbyctl.domain.codec import encode
from standbyctl.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """Where, and what is there; None for nothing."""

    path: str
    was: Any
    is_: Any


def differences(before: Any, after: Any) -> tuple[Difference, ...]:
    """Of two values of the same kind, down to the smallest parts. What has a name in a list is known by it.

    >>> differences((1, 2), (1, 3))
    (Difference(path='[1]', was=2, is_=3),)
    """
    return tuple(_compare("", encode(before), encode(after)))


def _compare(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _compare(f"{path}.{key}" if path else key, before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list):
        one, other = _by_name(before), _by_name(after)
        for key in dict.fromkeys([*one, *other]):
            yield from _compare(f"{path}[{key}]", one.get(key), other.get(key))
    else:
        yield Difference(path, before, after)


def _by_name(items: list[Any]) -> dict[str, Any]:
    return {
        str(item["name"] if isinstance(item, dict) and "name" in item else number): item
        for number, item in enumerate(items)
    }
