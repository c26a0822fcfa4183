"""The language that people are spoken to in: English, or Japanese. Machines are spoken to in neither."""

from __future__ import annotations

import gettext
import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

DOMAIN = "standbyctl"
LANGUAGES = ("en", "ja")
CATALOGUES = Path(__file__).parent / "locale"
_OPTION = "--lang"
# Ours, for those who run with LANG=C; it is handed down to what we start of ourselves.
_OWN = "STANDBYCTL_LANG"
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


class _Spoken:
    """What is in use; English until something else is asked for."""

    language: str = LANGUAGES[0]
    # What of the environment is ours.
    told: bool = False
    translate: Callable[[str], str] = staticmethod(str)


def chosen(argv: Sequence[str], environment: Mapping[str, str]) -> str:
    """The language of a command line: --lang wherever it stands (the last one), else $STANDBYCTL_LANG, else the locale.

    English where that has no catalogue.

    It is read before anything else is, so that a wrong option is said in it too.

    >>> chosen(["plan", "--lang", "ja"], {}), chosen(["--lang=en"], {"LANG": "ja_JP.UTF-8"})
    ('ja', 'en')
    >>> chosen([], {"LC_ALL": "", "LANG": "ja_JP.UTF-8"}), chosen([], {"LC_ALL": "C", "LANG": "ja_JP.UTF-8"})
    ('ja', 'en')
    """
    words = itertools.pairwise([*argv, ""])
    given = [
        after if word == _OPTION else word.partition("=")[2]
        for word, after in words
        if word == _OPTION or word.startswith(f"{_OPTION}=")
    ]
    for language in (*reversed(given), environment.get(_OWN)):
        if language in LANGUAGES:
            return language
    locale = next((environment[name] for name in _LOCALE if environment.get(name)), "")
    language = locale.partition("_")[0].partition(".")[0]
    return language if language in LANGUAGES else LANGUAGES[0]


def use(language: str) -> None:
    """Speak it from here on: our messages, and those of the command line's own library."""
    _Spoken.language = os.environ[_OWN] = language
    if language == LANGUAGES[0]:
        _Spoken.translate = staticmethod(str)
        gettext.textdomain("messages")
        if _Spoken.told:
            del os.environ["LANGUAGE"]
            _Spoken.told = False
        return
    # Where it was not compiled (a checkout without make), English is better than nothing.
    _Spoken.translate = gettext.translation(DOMAIN, CATALOGUES, [language], fallback=True).gettext
    # click asks gettext itself, which goes by the environment.
    os.environ["LANGUAGE"], _Spoken.told = language, True
    gettext.bindtextdomain(DOMAIN, str(CATALOGUES))
    gettext.textdomain(DOMAIN)


def language() -> str:
    """The one in use."""
    return _Spoken.language


def translate(text: str) -> str:
    """A template, or a text of the command line, in the language in use."""
    return _Spoken.translate(text) if text else text
