"""Values to JSON and back: plans, journals, facts.

A union is written with the name of its member ("kind"), which the reader looks up in a closed list.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from string import Formatter
from typing import Any, get_args, get_origin, get_type_hints

from standbyctl.domain.message import Message


def encode(value: Any) -> Any:
    """Turn a value into what json.dumps understands.

    >>> encode(("a", None, 1))
    ['a', None, 1]
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    return value


def decode(kind: Any, data: Any) -> Any:
    """Turn decoded JSON back into a value of the given kind.

    Raises TypeError, KeyError or ValueError where the data is not of that kind.

    >>> decode(tuple[str, ...], ["a", "b"])
    ('a', 'b')
    """
    return _reader(kind)(data)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """What reads values of that kind: put together once, for a journal holds thousands of them."""
    if kind is Message:
        return _message
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        parts = {each.name: _reader(hints[each.name]) for each in fields(kind)}
        return lambda data: kind(**{name: parts[name](item) for name, item in _expect(dict, data).items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if isinstance(kind, types.UnionType):
        read = _reader(next(arg for arg in get_args(kind) if arg is not types.NoneType))
        return lambda data: None if data is None else read(data)
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind))
    return lambda data: _expect(kind, data)


def _message(data: Any) -> Message:
    """A gap holds a text or another message. A template comes from a file: nothing but plain gaps is in it."""
    record = _expect(dict, data)
    for _, gap, how, conversion in Formatter().parse(_expect(str, record["template"])):
        if gap is not None and (how or conversion or gap not in {key for key, _ in record["params"]}):
            raise ValueError(f"{gap} is no gap of a message")
    params = (
        (_expect(str, key), value if isinstance(value, str) else _message(value)) for key, value in record["params"]
    )
    return Message(_expect(str, record["template"]), tuple(params), tuple(map(str, record["lines"])))


def _tuple_reader(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    readers = [_reader(arg) for arg in args if arg is not Ellipsis]
    if args[-1] is Ellipsis:
        return lambda data: tuple(map(readers[0], _expect(list, data)))
    return lambda data: tuple(read(item) for read, item in zip(readers, _expect(list, data), strict=True))


def _expect(kind: type, data: Any) -> Any:
    if not isinstance(data, kind):
        raise TypeError(f"{data!r} is not {kind.__name__}")
    return data


def encode_tagged(value: Any) -> dict[str, Any]:
    """Encode one of several kinds, naming which."""
    return {"kind": type(value).__name__, **encode(value)}


def decode_tagged(kinds: Iterable[type], data: dict[str, Any]) -> Any:
    """Decode one of several kinds by its name; KeyError for a kind that is not in the list."""
    _expect(dict, data)
    rest = dict(data)
    name = rest.pop("kind")
    return decode({kind.__name__: kind for kind in kinds}[name], rest)
