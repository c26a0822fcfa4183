"""Values of a server's parameters, as they are written into its files and as the server shows them."""

from __future__ import annotations

from standbyctl.domain.record import dataclass
from standbyctl.domain.size import parse_size


def setting_of(value: str) -> str:
    """What pg_settings shows for a value that we write: of a size in MB, the unit of all sizes that we set.

    >>> setting_of("2GB"), setting_of("off")
    ('2048', 'off')
    """
    size = parse_size(value)
    return value if size is None else str(size >> 20)


def size_text(megabytes: int) -> str:
    """A size as we write it.

    >>> size_text(2048), size_text(100)
    ('2GB', '100MB')
    """
    return f"{megabytes // 1024}GB" if megabytes % 1024 == 0 else f"{megabytes}MB"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A parameter that a person is to set: what to write, and into which file.

    `least`: so much, in the unit that pg_settings shows, will do too; None where only the value itself will.
    """

    parameter: str
    value: str
    file: str
    least: int | None = None

    def accepts(self, setting: str) -> bool:
        """Whether what the server runs with will do."""
        return setting == setting_of(self.value) if self.least is None else int(setting) >= self.least

    def __str__(self) -> str:
        return f"{self.parameter} = '{self.value}'"
