"""What we say to people: a template and its parameters, put into words by the user interface only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence with named gaps.

    >>> str(msg("slot {slot} is taken", slot="db2"))
    'slot db2 is taken'
    """

    template: str
    params: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.template.format(**dict(self.params))


def msg(template: str, **params: object) -> Message:
    """Make a message; parameters are kept as text, in the order of their names."""
    return Message(template, tuple(sorted((key, str(value)) for key, value in params.items())))
