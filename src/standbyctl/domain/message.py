"""What we say to people: a template and its parameters, put into words by the user interface only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce

from standbyctl.domain.record import dataclass

# Words that stand where a name would, or that PostgreSQL has for a thing: as a parameter they are said in the reader's
# language. Any other text in a parameter is a name, a number or somebody else's words, and stays as it is.
WORDS = frozenset(
    {
        "the primary",
        "primary",
        "the standby",
        "the source",
        "command line",
        "environment variable",
        "connection lost",
    }
)


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence with named gaps, and what is to be copied from it. A gap may hold another message.

    >>> str(msg("slot {slot} is taken", slot="db2"))
    'slot db2 is taken'
    """

    template: str
    params: tuple[tuple[str, str | Message], ...] = ()
    lines: tuple[str, ...] = ()

    def sentence(self, translate: Callable[[str], str] = str) -> str:
        """The sentence alone; `translate` has the template in another language."""

        def filled(value: str | Message) -> str:
            if isinstance(value, Message):
                return value.told(translate)
            return translate(value) if value in WORDS else value

        template = translate(self.template) if self.template else ""
        return template.format(**{key: filled(value) for key, value in self.params})

    def told(self, translate: Callable[[str], str] = str) -> str:
        """The sentence and its lines."""
        return "\n".join((self.sentence(translate), *self.lines))

    def __str__(self) -> str:
        return self.told()

    def followed_by(self, lines: Iterable[str]) -> Message:
        """The sentence, and lines to be copied as they stand: they are never folded."""
        return Message(self.template, self.params, tuple(lines))


def msg(template: str, **params: object) -> Message:
    """Make a message; parameters other than messages are kept as text, in the order of their names."""
    kept = ((key, value if isinstance(value, Message) else str(value)) for key, value in params.items())
    return Message(template, tuple(sorted(kept, key=lambda pair: pair[0])))


def listed(parts: Iterable[object]) -> Message:
    """One after the other, with commas.

    >>> str(listed(["a", msg("b"), "c"]))
    'a, b, c'
    """
    return _joined(parts, lambda one, other: msg("{one}, {other}", one=one, other=other))


def clauses(parts: Iterable[object]) -> Message:
    """One after the other, with semicolons."""
    return _joined(parts, lambda one, other: msg("{one}; {other}", one=one, other=other))


def all_of(parts: Iterable[object]) -> Message:
    """One and the other."""
    return _joined(parts, lambda one, other: msg("{one} and {other}", one=one, other=other))


def _joined(parts: Iterable[object], join: Callable[[Message, Message], Message]) -> Message:
    messages = [part if isinstance(part, Message) else msg("{text}", text=part) for part in parts]
    return reduce(join, messages) if messages else msg("")
