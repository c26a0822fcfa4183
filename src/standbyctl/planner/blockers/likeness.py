"""What would be wrong of a copy on another host: its pages, the order of its text, its locales."""

from __future__ import annotations

import re
from collections.abc import Iterator

from standbyctl.domain.deed import literally
from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.likeness import NO_ICU, ClockGap, Likeness, Locale
from standbyctl.domain.message import Message, clauses, listed, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.planner.plan import has
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.clone.restored import SetUpRestored

_LIBRARIES = {"libc": "C library", "icu": "ICU"}
# With this version of glibc nearly every locale got another order (ISO 14651_t1 of 2016).
_REORDERED = (2, 28)
# Lag by timestamps is meaningless long before; a person is told when it hurts elsewhere too.
_FAR_SECONDS = 5.0


def likeness_blockers(sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """Of two hosts only, and only where a copy is still to be made."""
    likeness = sample.survey.likeness
    if likeness is None or not has(steps, CopyByBasebackup, SetUpRestored):
        return
    if likeness.other_machine:
        yield Blocker(
            "P217",
            msg("the host of {name} is another kind of machine than {node}", name=target.name, node=target.primary),
            msg(
                "{node}: {here}. {name}: {there}. The files of a server can be read by servers of the same architecture"
                " only.",
                node=target.primary,
                here=likeness.primary.architecture,
                name=target.name,
                there=likeness.standby.architecture,
            ),
            msg("Choose a host of the same architecture. To move to another one: logical replication."),
            need=Need.IMPOSSIBLE,
        )
    for provider in likeness.differing:
        if provider not in target.despite:
            yield from _order_blockers(likeness, provider, target)
    if missing := likeness.locales_missing:
        yield _locale_blocker(missing, target, locale_gen=likeness.locale_gen)


def _order_blockers(likeness: Likeness, provider: str, target: Target) -> Iterator[Blocker]:
    """Nothing is wrong with another version where nothing is kept in its order."""
    text = likeness.ordered
    if text is None or not likeness.keeps(provider):
        return
    found = text.of(provider)
    yield Blocker(
        "P215",
        msg(
            "the {library} of {name} is another than that of {node}, and {what}",
            library=_LIBRARIES[provider],
            name=target.name,
            node=target.primary,
            what=_count(found.count) if found.count else msg("what is in its order could not be told"),
        ),
        msg(
            "{node} has {here}, {name} {there}{known}: text may sort differently there. Then indexes miss rows, and"
            " after a promotion unique ones let duplicates in, without an error.{named}{untold}",
            node=target.primary,
            here=version_words(provider, likeness.primary.version(provider)),
            name=target.name,
            there=version_words(provider, likeness.standby.version(provider)),
            known=msg(" (2.28, which lies between, sorts nearly every locale anew)")
            if crosses_2_28(likeness, provider)
            else "",
            named=msg(" In that order: {names}.", names=named(found.names, found.count)) if found.count else "",
            untold=msg(" Could not tell: {names}.", names=listed(text.untold)) if text.untold else "",
        ),
        msg(
            "Choose a host with the same release of the operating system. To attach all the same: --despite {provider};"
            " then read nothing there by these indexes, and REINDEX them right after a promotion, before anybody"
            " writes.",
            provider=provider,
        ),
        refused=True,
    )


def _count(count: int) -> Message:
    if count == 1:
        return msg("1 index or table is in its order")
    return msg("{n} indexes or tables are in its order", n=count)


def named(names: tuple[str, ...], count: int) -> Message:
    """The first of them, and how many more there are."""
    some = ", ".join(names)
    return msg("{names} and {n} more", names=some, n=count - len(names)) if count > len(names) else literally(some)


def version_words(provider: str, version: str) -> Message:
    """As its own makers write it.

    >>> str(version_words("libc", "glibc 2.36")), str(version_words("icu", "72")), str(version_words("icu", "none"))
    ('glibc 2.36', 'ICU 72', 'no ICU')
    """
    if provider == "libc":
        return literally(version)
    return msg("no ICU") if version == NO_ICU else literally(f"ICU {version}")


def crosses_2_28(likeness: Likeness, provider: str) -> bool:
    """Whether the one change of glibc that everybody has heard of lies between the two."""
    if provider != "libc":
        return False
    versions = [re.fullmatch(r"glibc (\d+)\.(\d+)\S*", build.libc) for build in (likeness.primary, likeness.standby)]
    numbers = sorted((int(each[1]), int(each[2])) for each in versions if each)
    return len(numbers) == len(versions) and numbers[0] < _REORDERED <= numbers[-1]


def is_far(gap: ClockGap) -> bool:
    """Whether two clocks are so far apart that somebody has to be told."""
    return gap.at_least >= _FAR_SECONDS


def _locale_blocker(missing: tuple[Locale, ...], target: Target, *, locale_gen: bool) -> Blocker:
    names = ", ".join(locale.name for locale in missing)
    users = clauses(msg("{name}: {users}", name=each.name, users=listed(map(_user, each.users))) for each in missing)
    lines = [line for locale in missing for line in [make_locale(locale, locale_gen=locale_gen)] if line]
    where = msg("Make what is missing there, as root:") if lines else msg("Install them there.")
    return Blocker(
        "P216",
        msg("the host of {name} does not know the locale {names}", name=target.name, names=names)
        if len(missing) == 1
        else msg("the host of {name} does not know the locales {names}", name=target.name, names=names),
        msg(
            "{users}. Nobody could connect to such a database there, and with such a setting the server would not"
            " start.",
            users=users,
        ),
        where.followed_by([*lines, "locale-gen"] if lines and locale_gen else lines),
    )


def _user(user: str) -> Message:
    """A parameter, or a database."""
    kind, _, name = user.partition(" ")
    return msg("database {name}", name=name) if kind == "database" else literally(user)


def make_locale(locale: Locale, *, locale_gen: bool) -> str:
    """What makes a locale, on Debian in the file that its locale-gen reads; empty where its characters are not known.

    >>> make_locale(Locale("en_US.UTF-8"), locale_gen=True)
    "echo 'en_US.UTF-8 UTF-8' >>/etc/locale.gen"
    >>> make_locale(Locale("de_DE@euro", charmap="ISO-8859-15"), locale_gen=False)
    'localedef -i de_DE@euro -f ISO-8859-15 de_DE@euro'
    """
    parts = re.fullmatch(r"([A-Za-z_]+)(\.([A-Za-z0-9_-]+))?(@[A-Za-z]+)?", locale.name)
    charmap = locale.charmap or _charmap(parts[3] or "" if parts else "")
    if not parts or not charmap:
        return ""
    source = parts[1] + (parts[4] or "")
    # A name is written there as the list of those that are supported has it.
    codeset = f".{charmap}" if parts[2] and charmap == "UTF-8" else parts[2] or ""
    if locale_gen:
        return f"echo '{parts[1]}{codeset}{parts[4] or ''} {charmap}' >>/etc/locale.gen"
    return f"localedef -i {source} -f {charmap} {parts[1]}{codeset}{parts[4] or ''}"


def _charmap(codeset: str) -> str:
    return "UTF-8" if codeset.lower().replace("-", "") == "utf8" else codeset
