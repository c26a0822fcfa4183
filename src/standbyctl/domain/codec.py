"""Values to JSON and back: plans, journals, facts.

A union is written with the name of its member ("kind"), which the reader looks up in a closed list.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

_PLAIN = frozenset({str, int, bool})


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
    if kind in _PLAIN:
        return _expect(kind, data)
    if isinstance(kind, type) and is_dataclass(kind):
        _expect(dict, data)
        hints = _hints(kind)
        return kind(**{name: decode(hints[name], item) for name, item in data.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if isinstance(kind, types.UnionType):
        if data is None:
            return None
        kind = next(arg for arg in get_args(kind) if arg is not types.NoneType)
        return decode(kind, data)
    if get_origin(kind) is tuple:
        _expect(list, data)
        args = get_args(kind)
        if args[-1] is Ellipsis:
            return tuple(decode(args[0], item) for item in data)
        return tuple(decode(arg, item) for arg, item in zip(args, data, strict=True))
    raise TypeError(f"nothing here is of the kind {kind}")


def _expect(kind: type, data: Any) -> Any:
    if not isinstance(data, kind):
        raise TypeError(f"{data!r} is not {kind.__name__}")
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def encode_tagged(value: Any) -> dict[str, Any]:
    """Encode one of several kinds, naming which."""
    return {"kind": type(value).__name__, **encode(value)}


def decode_tagged(kinds: Iterable[type], data: dict[str, Any]) -> Any:
    """Decode one of several kinds by its name; KeyError for a kind that is not in the list."""
    _expect(dict, data)
    rest = dict(data)
    name = rest.pop("kind")
    return decode({kind.__name__: kind for kind in kinds}[name], rest)
