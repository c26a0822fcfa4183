"""What has to be alike on two hosts: asked of both side by side, and of the databases where it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.likeness import PROVIDERS, Build, ClockGap, Likeness, Locale, Ordered, OrderedText
from standbyctl.domain.message import Message, msg
from standbyctl.nodes.ports import Clock, Server
from standbyctl.observe.hosts import Part
from standbyctl.observe.question import Question
from standbyctl.observe.texts import text

LOCALE_SETTINGS = ("lc_messages", "lc_monetary", "lc_numeric", "lc_time")
# What is named of each kind, and how long databases are gone through.
MOST_NAMES = 10
LOOK_SECONDS = 60.0
CONNECT_SECONDS = 10.0
# A postmaster writes its file a moment before it says when it started.
_SAME_START_SECONDS = 3
_DATABASES = "SELECT datname::text, datallowconn FROM pg_database WHERE datname <> 'template0' ORDER BY datname"
_PRIMARY, _STANDBY = "primary", "standby"


def likeness_parts(
    question: Question, raw: Mapping[str, Any], primary_directory: str, parts: Iterable[Part]
) -> tuple[Part, ...]:
    """Other questions to both hosts, with these between two looks at each clock."""
    names = "\n".join(locale.name for locale in wanted_locales(question, raw))
    sides = ((_PRIMARY, question.primary), (_STANDBY, question.name))
    here = (_PRIMARY, question.primary_bin, names, "", primary_directory)
    there = (_STANDBY, question.bin_directory, names, question.config_file, "")
    return (
        *(Part(node, "clock.sh", (f"{side}.began",)) for side, node in sides),
        *parts,
        Part(question.primary, "likeness.sh", here),
        Part(question.name, "likeness.sh", there),
        *(Part(node, "clock.sh", (f"{side}.ended",)) for side, node in sides),
    )


def wanted_locales(question: Question, raw: Mapping[str, Any]) -> tuple[Locale, ...]:
    """What the standby has to know: the locales of its databases, and those of settings that come with the copy."""
    users: dict[str, list[str]] = {}
    for locale in raw["locales"]:
        users.setdefault(locale["name"], []).extend(f"database {name}" for name in locale["databases"])
    for setting in raw["settings"]:
        # A postgresql.conf of the standby's own host says its own; postgresql.auto.conf comes with every copy.
        if setting["name"] not in LOCALE_SETTINGS or not setting["value"]:
            continue
        if not question.config_file or setting["file"].endswith("/postgresql.auto.conf"):
            users.setdefault(setting["value"], []).append(setting["name"])
    return tuple(Locale(name, tuple(who)) for name, who in sorted(users.items()))


def parse_likeness(question: Question, raw: Mapping[str, Any], host: list[tuple[str, str]]) -> Likeness | None:
    """Both, side by side; None where they are one. Pure."""
    words = dict(host)
    if f"{_STANDBY}.program" not in words:
        return None
    known = _is_primarys(raw, words)
    own = dict(value.partition(" ")[::2] for key, value in host if key == f"{_STANDBY}.own")
    return Likeness(
        primary=_build(_PRIMARY, words) if known else Build(),
        standby=_build(_STANDBY, words),
        locales_missing=_missing(wanted_locales(question, raw), host),
        locale_gen=words.get(f"{_STANDBY}.locale_gen") == "yes",
        clock=_clock_gap(question, words) if known else None,
        own=tuple(sorted(own.items())) or None,
    )


def _is_primarys(raw: Mapping[str, Any], words: Mapping[str, str]) -> bool:
    """Whether the host that was asked is the one that the primary runs on: it was started there when it says it was."""
    started = words.get(f"{_PRIMARY}.started", "")
    return started.isdigit() and abs(int(started) - (raw["clock"] - raw["up_seconds"])) <= _SAME_START_SECONDS


def _build(side: str, words: Mapping[str, str]) -> Build:
    return Build(
        architecture=words[f"{side}.architecture"],
        program=words[f"{side}.program"],
        libc=words[f"{side}.libc"],
        icu=words.get(f"{side}.icu", ""),
        libraries=tuple(words.get(f"{side}.libraries", "").split()),
    )


def _missing(wanted: Iterable[Locale], host: list[tuple[str, str]]) -> tuple[Locale, ...] | None:
    if (f"{_STANDBY}.locales", "tried") not in host:
        return None
    there = {value.partition(" ")[2] for key, value in host if key == f"{_STANDBY}.locale"}
    charmaps = dict(value.split(" ", 1)[::-1] for key, value in host if key == f"{_PRIMARY}.locale")
    return tuple(
        Locale(locale.name, locale.users, charmaps.get(locale.name, ""))
        for locale in wanted
        if locale.name not in there
    )


def _clock_gap(question: Question, words: Mapping[str, str]) -> ClockGap | None:
    """What each host's clock says beyond ours; what its script took there is no part of the doubt."""
    beyond: dict[str, tuple[float, float]] = {}
    for side, node in ((_PRIMARY, question.primary), (_STANDBY, question.name)):
        try:
            asked, answered = float(words[f"{node}.asked"]), float(words[f"{node}.answered"])
            began, ended = float(words[f"{side}.began"]), float(words[f"{side}.ended"])
        except (KeyError, ValueError):
            return None
        way = (answered - asked) - (ended - began)
        beyond[side] = ((began - asked) + (ended - answered)) / 2, max(0.0, way) / 2
    (here, doubt_here), (there, doubt_there) = beyond[_PRIMARY], beyond[_STANDBY]
    return ClockGap(there - here, doubt_here + doubt_there)


def look_at_order(
    server: Server, open_: Callable[[str], Server], clock: Clock, limit_seconds: float = LOOK_SECONDS
) -> OrderedText:
    """What is kept in an order of libc's or ICU's, in every database; for as long as there is time.

    `open_` reaches a database of the primary by its name.
    """
    deadline = clock.monotonic() + limit_seconds
    counts, names = dict.fromkeys(PROVIDERS, 0), {provider: list[str]() for provider in PROVIDERS}
    untold: list[Message] = []
    for name, connectable in server.observe(_DATABASES):
        if not connectable or clock.monotonic() > deadline:
            why = msg("no time left") if connectable else msg("takes no connections")
            untold.append(msg("{name} ({why})", name=name, why=why))
            continue
        database = open_(name)
        try:
            found = database.observe(text("ordered.sql"), {"most": MOST_NAMES}, timeout_seconds=CONNECT_SECONDS)
        except CannotTellError as error:
            untold.append(msg("{name} ({why})", name=name, why=error.detail or error.what))
            continue
        finally:
            database.close()
        for provider in PROVIDERS:
            counts[provider] += next((count for each, _, count in found if each == provider), 0)
            names[provider] += [each for which, each, _ in found if which == provider]
    libc, icu = (Ordered(counts[each], tuple(names[each][:MOST_NAMES])) for each in PROVIDERS)
    return OrderedText(libc, icu, tuple(untold))
