"""What we say to people: a template and its parameters, put into words by the user interface only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence with named gaps, and what is to be copied from it.

    >>> str(msg("slot {slot} is taken", slot="db2"))
    'slot db2 is taken'
    """

    template: str
    params: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The sentence alone."""
        return self.template.format(**dict(self.params))

    def __str__(self) -> str:
        return "\n".join((self.sentence, *self.lines))

    def followed_by(self, lines: Iterable[str]) -> Message:
        """The sentence, and lines to be copied as they stand: they are never folded."""
        return Message(self.template, self.params, tuple(lines))


def msg(template: str, **params: object) -> Message:
    """Make a message; parameters are kept as text, in the order of their names."""
    return Message(template, tuple(sorted((key, str(value)) for key, value in params.items())))
