"""Japanese: every text has its translation, nothing in it is lost, and no English sentence is left on a screen."""

import importlib.util
import json
import re
import string
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings

from standbyctl.diagnosis.catalogue import ALL
from standbyctl.domain.errors import BlockedError
from standbyctl.domain.message import Message, msg
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.byhand import by_hand
from standbyctl.ui import i18n
from standbyctl.ui.cli.spoken import spoken
from standbyctl.ui.explanation import render_entry
from standbyctl.ui.render import error_record, plan_record, render_error, render_plan
from standbyctl.ui.width import cells, fold
from tests.pure.strategies import any_facts, any_samples, memories, targets
from tests.ui.test_cli import VERBS

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("messages", ROOT / "packaging" / "messages.py")
messages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(messages)
TEXTS = messages.gather()
TRANSLATED, PLURALS = messages.translations(), messages.plurals()
# Three words in lower case, one after the other: no command, path or name of ours looks so.
ENGLISH = re.compile(r"(?<![\w/.'-])[a-z]{2,} [a-z]{2,} [a-z]{2,}(?![\w/.'-])")
# What servers and kernels say, and is quoted as they say it.
QUOTED = (
    "could not open file",
    "Device or resource busy",
    "the database system is starting up",
    "database locale is incompatible with operating system",
    "database files are incompatible with server",
    "hot standby is not possible",
    "recovery aborted because of insufficient parameter settings",
    "No space left on device",
    "could not map anonymous shared memory",
    "could not access file",
    "requested timeline is not a child of this server's history",
    "idle in transaction",
    "in archive recovery",
    "PID file does not exist",
)
STAYS = re.compile("|".join([*map(re.escape, QUOTED), r'"[^"]*"', r"'[^']*'", r"standbyctl( [a-z-]+)+"]))


def english(text):
    """What reads as English in a Japanese text."""
    return ENGLISH.findall(STAYS.sub("", re.sub(r"\{\w+\}", "", text)))


def unfolded(text):
    """Lines that were folded, as one."""
    return re.sub(r"\n +", " ", text)


@pytest.fixture
def japanese():
    i18n.use("ja")
    yield
    i18n.use("en")


def gaps(template, *, printf=False):
    if printf:
        return sorted(re.findall(r"%\(\w+\)s|%s|\{[^}]*\}", template))
    return sorted({name for _, name, _, _ in string.Formatter().parse(template) if name is not None})


def test_there_is_a_translation_for_every_text_and_for_nothing_else():
    assert sorted(TEXTS) == sorted(TRANSLATED)
    assert [text for text, said in TRANSLATED.items() if not said] == []


def test_what_is_compiled_is_what_is_written():
    compiled = i18n.gettext.translation(i18n.DOMAIN, i18n.CATALOGUES, ["ja"])
    stale = [text for text, said in TRANSLATED.items() if compiled.gettext(text) != said and text not in PLURALS]
    stale += [one for one, many in PLURALS.items() if compiled.ngettext(one, many, 2) != TRANSLATED[one]]
    assert stale == [], "run: make messages"


def test_a_translation_keeps_gaps_and_what_is_typed_and_is_as_wide_as_it_looks():
    wrong = []
    for text, said in TRANSLATED.items():
        printf = TEXTS[text] == ["click"]
        if gaps(said, printf=printf) != gaps(text, printf=printf):
            wrong.append(("gaps", text))
        # Help has paragraphs, and the demo speaks after a blank line; else all below a first line is typed.
        prose = "\n\n" in text or text.startswith("\n") or any("/ui/cli/" in each for each in TEXTS[text])
        if not prose and said.split("\n")[1:] != text.split("\n")[1:]:
            wrong.append(("typed", text))
        # Of ambiguous width: one column here, two there. Full-width letters are not searched for.
        wide = {each: unicodedata.east_asian_width(each) for each in said}
        if bad := [each for each, kind in wide.items() if kind == "A" or (kind == "F" and each not in "～！？")]:
            wrong.append((bad, text))
    assert wrong == []


def test_no_english_sentence_is_left_in_a_translation():
    first = {text: said if "\n\n" in text else said.split("\n")[0] for text, said in TRANSLATED.items()}
    assert [(text, left) for text, said in first.items() if (left := english(said))] == []


def english_left(message):
    """Sentences in the gaps of a message, and of those in them: they stay English whatever the language."""
    for _, value in message.params:
        if isinstance(value, Message):
            yield from english_left(value)
        elif english(value) and not re.match(r"(SELECT|ALTER|CREATE|DROP|DO|COMMENT|REVOKE|GRANT) ", value):
            yield value


@given(any_facts, any_samples, targets, memories)
@settings(max_examples=40, deadline=None)
def test_no_sentence_stands_in_a_gap_where_it_would_stay_english(facts, sample, target, memory):
    plan = plan_attach(facts, sample, target, memory)
    said = [*plan.notes]
    for blocker in plan.blockers:
        said += [blocker.what, blocker.detail, blocker.hint]
    for step in plan.steps:
        said += [step.title, step.text, step.undo_text, *(effect.said for effect in step.effects())]
        said += [hand.expected for hand in by_hand(step.effects()) if hand.expected]
    assert [left for message in said for left in english_left(message)] == []


@given(any_facts, any_samples, targets, memories)
@settings(max_examples=20, deadline=None)
def test_what_machines_read_is_the_same_in_both_languages(facts, sample, target, memory):
    plan = plan_attach(facts, sample, target, memory)

    def records():
        if plan.blockers:
            error = BlockedError(plan.blockers)
            return render_error(error, None), error_record(error, None)
        return render_plan(plan, target, effects=True), plan_record(plan, target)

    english, record = records()
    i18n.use("ja")
    try:
        shown, same = records()
    finally:
        i18n.use("en")
    assert json.dumps(same) == json.dumps(record)
    assert shown != english
    codes = re.compile(r"\b[A-Z]\d{3}\b|\b[a-z]+_[a-z_]+\b")
    assert sorted(set(codes.findall(shown))) == sorted(set(codes.findall(english)))


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.code)
def test_every_code_is_explained_in_japanese_within_eighty_columns(japanese, entry, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    said = render_entry(entry)
    typed = {line.strip() for way in entry.do for line in str(way).split("\n")[1:]}
    lines = [line for line in said.splitlines() if line.strip() not in typed]
    assert [line for line in lines if cells(line) > 80] == []
    assert english(unfolded("\n".join(lines))) == []


def run(*args, **env):
    done = subprocess.run(
        [sys.executable, "-m", "standbyctl", *args], env={"PATH": "/usr/bin", "COLUMNS": "80", **env},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


BELOW = [
    ("export", "runbook"),
    ("export", "evidence"),
    *(("slots", each) for each in ("create", "drop", "cap", "keep")),
]


@pytest.mark.parametrize("verb", [[], *([verb] for verb in VERBS), *BELOW])
def test_help_is_japanese_within_eighty_columns(verb):
    said = run(*verb, "--help", LANG="ja_JP.UTF-8")
    assert "使い方:" in said
    assert [line for line in said.splitlines() if cells(line) > 80] == []
    assert english(unfolded(said)) == []


def test_the_language_is_that_of_the_locale_or_of_the_option_wherever_it_stands():
    assert "使い方:" in run("--help", LC_ALL="", LC_MESSAGES="ja_JP.UTF-8", LANG="en_US.UTF-8")
    assert "Usage:" in run("--help", LC_ALL="C", LANG="ja_JP.UTF-8")
    assert "使い方:" in run("plan", "--help", "--lang", "ja")
    assert "使い方:" in run("--lang=ja", "plan", "--help")
    assert "使い方:" in run("plan", "--help", STANDBYCTL_LANG="ja")
    assert "というオプションはありません" in run("plan", "--lang", "ja", "--nonsense")
    assert "'fr'" in run("plan", "--lang", "fr")
    assert "'slow' は指定できません" in run("plan", "--checkpoint", "slow", "--lang", "ja")


def test_a_terminal_without_the_letters_still_shows_the_rest():
    said = run("explain", "P102", "--lang", "ja", LC_ALL="en_US.ISO-8859-1", PYTHONIOENCODING="latin-1")
    assert "P102" in said
    assert "Traceback" not in said


def test_lines_are_broken_by_columns_and_never_before_a_full_stop():
    text = msg("{a}。{b}", a="あ" * 9, b="い" * 20)
    lines = fold(str(text), 20, "", "  ").splitlines()
    assert max(map(cells, lines)) <= 20
    assert not any(line.strip().startswith("。") for line in lines)
    assert "".join(line.strip() for line in lines) == str(text)


@pytest.mark.parametrize("page", ["README.md", "README.ja.md"])
def test_what_the_readme_shows_in_japanese_is_what_is_said(page):
    [shown] = re.findall(r"(?s)```text\n\$ standbyctl (explain C119 --lang ja)\n(.*?)```", (ROOT / page).read_text())
    assert run(*shown[0].split()).startswith(shown[1])


def test_what_was_explained_in_japanese_is_english_again_in_english():
    """A command is loaded once a process: its own help is not overwritten."""
    command = importlib.import_module("standbyctl.ui.cli.export").command
    before = (command.help, [getattr(param, "help", None) for param in command.params])
    i18n.use("ja")
    try:
        assert spoken(command).help != before[0]
    finally:
        i18n.use("en")
    assert (command.help, [getattr(param, "help", None) for param in command.params]) == before
