"""Whether two hosts are alike where a copy minds: how its files are laid out, and how its text is ordered."""

from __future__ import annotations

from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass, field

# By PostgreSQL's own words for where a collation comes from; an operator overrides a difference by them.
PROVIDERS = ("libc", "icu")


@dataclass(frozen=True, slots=True)
class Build:
    """What the server's programs are on one host; empty is unknown.

    `program`: class, byte order and machine of the program postgres, as its file says; `architecture`: in words.
    `libc`: its name and version; `icu`: the major version that postgres is linked with, NO_ICU without.
    `libraries`: the files in $libdir.
    """

    architecture: str = ""
    program: str = ""
    libc: str = ""
    icu: str = ""
    libraries: tuple[str, ...] = ()

    def version(self, provider: str) -> str:
        """Of what orders text."""
        return self.libc if provider == "libc" else self.icu


NO_ICU = "none"


@dataclass(frozen=True, slots=True)
class Locale:
    """A locale that a server has to know. `users`: what needs it, in words; `charmap`: of its characters."""

    name: str
    users: tuple[str, ...] = ()
    charmap: str = ""


@dataclass(frozen=True, slots=True)
class ClockGap:
    """By how much the standby's clock is ahead of the primary's, and how far that may be off; in seconds."""

    seconds: float
    give_or_take: float

    @property
    def at_least(self) -> float:
        """What it is in any case, whichever is ahead."""
        return max(0.0, abs(self.seconds) - self.give_or_take)


@dataclass(frozen=True, slots=True)
class Ordered:
    """What is kept in the order of one provider: how much in all databases, and the first of it by name."""

    count: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderedText:
    """Indexes, and tables partitioned by range, whose order is a library's. `untold`: databases not looked into."""

    libc: Ordered = field(default_factory=Ordered)
    icu: Ordered = field(default_factory=Ordered)
    untold: tuple[Message, ...] = ()

    def of(self, provider: str) -> Ordered:
        """By whom it is ordered."""
        return self.libc if provider == "libc" else self.icu


@dataclass(frozen=True, slots=True)
class Likeness:
    """Both hosts, side by side. `locales_missing`: on the standby's; None where it cannot be tried.

    `locale_gen`: it has Debian's program that makes locales. `ordered`: looked at only where the versions differ.
    `own`: what a postgresql.conf of the standby's own host says, by name; None where it has none, or cannot be read.
    """

    primary: Build = field(default_factory=Build)
    standby: Build = field(default_factory=Build)
    locales_missing: tuple[Locale, ...] | None = ()
    locale_gen: bool = False
    clock: ClockGap | None = None
    ordered: OrderedText | None = None
    own: tuple[tuple[str, str], ...] | None = None

    @property
    def differing(self) -> tuple[str, ...]:
        """The providers that are known to be of another version there."""
        pairs = ((each, self.primary.version(each), self.standby.version(each)) for each in PROVIDERS)
        return tuple(each for each, here, there in pairs if here and there and here != there)

    def keeps(self, provider: str) -> bool:
        """Whether something is kept in its order, or may be."""
        return self.ordered is not None and bool(self.ordered.of(provider).count or self.ordered.untold)

    @property
    def other_machine(self) -> bool:
        """Whether the standby's programs are known to be for another kind of machine."""
        here, there = self.primary, self.standby
        if here.program and there.program:
            return here.program != there.program
        # How wide the programs are is not known of both.
        kinds = [build.architecture.partition(",")[0] for build in (here, there)]
        return all(kinds) and kinds[0] != kinds[1]
