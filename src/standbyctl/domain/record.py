"""`dataclass`, made in a quarter of the time: most of a command's start was the making of its classes.

Up to Python 3.12 the standard library writes and compiles six functions a class. Only `__init__` has to be its own, and
a command makes objects of a few classes only. bench/startup.py measures it; to a type checker, and to everything that
asks `dataclasses`, it is the same thing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field as field
from dataclasses import replace as replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen=False, slots):
        """As `dataclasses.dataclass`. A frozen one lets each field be set once, which `__init__` does."""

        def make(cls):
            made = dataclasses.dataclass(slots=slots, init=False, eq=False, repr=False)(cls)
            fields = dataclasses.fields(made)
            if not all(each.compare and each.repr and each.hash is None for each in fields):
                raise TypeError(f"{cls.__qualname__}: every field is compared, hashed and shown")
            names = [each.name for each in fields]
            key = attrgetter(*names) if names else _nothing
            own = {"__init__": _first(made), "__eq__": _equal(key), "__repr__": _text(names)}
            if frozen:
                own |= {"__hash__": _hash(key), "__setattr__": _set_once, "__delattr__": _keep}
            else:
                own["__hash__"] = None
            for name, function in own.items():
                if name not in cls.__dict__:
                    setattr(made, name, function)
            return made

        return make


def _first(made: Any) -> Any:
    """An `__init__` that is made where it is first called: of all classes a command uses a few."""

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        fields = [(each.name, Any, _again(each)) for each in dataclasses.fields(made)]
        own = vars(dataclasses.make_dataclass(made.__name__, fields))["__init__"]
        setattr(made, "__init__", own)  # noqa: B010 to a type checker it is nobody's
        own(self, *args, **kwargs)

    return init


def _again(known: Any) -> Any:
    return field(default=known.default, default_factory=known.default_factory)


def _nothing(_: Any) -> tuple[()]:
    return ()


def _equal(key: Any) -> Any:
    def equal(self: Any, other: Any) -> Any:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    return equal


def _hash(key: Any) -> Any:
    return lambda self: hash(key(self))


def _text(names: list[str]) -> Any:
    def text(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return text


def _set_once(self: Any, name: str, value: Any) -> None:
    if hasattr(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _keep(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
