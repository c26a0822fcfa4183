"""Plans, errors and results, as text for people and as records for machines. Only here messages become words."""

from __future__ import annotations

import re
import shlex
import shutil
from typing import Any
from unicodedata import category

from standbyctl.domain.codec import encode
from standbyctl.domain.errors import BlockedError, StandbyctlError
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import replace
from standbyctl.domain.target import Target
from standbyctl.planner.plan import Plan
from standbyctl.steps.base import GiveBack, Impact, Step
from standbyctl.ui.i18n import translate
from standbyctl.ui.width import cells, fold, pad

_MAX_WIDTH = 110
_TITLE = 15
_BLANK = re.compile(r"(?<=[\u3041-\u30ff\u4e00-\u9fff]) (?=[\u3041-\u30ff\u4e00-\u9fff])")
# What format_seconds makes.
_DURATION = re.compile(r"\d+\.\d s|\d+ min \d+ s|\d+ h \d+ min|\d+ d \d+ h")
_UNIT = re.compile(r"[a-z]+")
UNITS = {"s": "秒", "min": "分", "h": "時間", "d": "日"}
FELT = {
    Impact.NONE: msg("none"),
    Impact.RELOAD: msg("reload"),
    Impact.RESTART: msg("restart"),
    Impact.WRITES_BLOCKED: msg("writes blocked"),
    Impact.DATA_LOSS_POSSIBLE: msg("data loss possible"),
}


def text(message: Message | None) -> str:
    r"""A message in the reader's language. What others have named must not drive a terminal: control characters are
    shown escaped.

    >>> text(Message("a\x1b[2J\u202eb"))
    'a\\x1b[2J\\u202eb'
    """
    return "" if message is None else shown("\n".join((sentence(message), *message.lines)))


def sentence(message: Message) -> str:
    """Its sentence. Words that stand in for a name bring blanks that Japanese has not between its own letters."""
    said = _with_units(message).sentence(translate)
    return said if said.isascii() else _BLANK.sub("", said)


def _with_units(message: Message, *, within: bool = False) -> Message:
    """Durations in Japanese units, where what is around them is Japanese: not in a column, nor by themselves."""
    within = within or not translate(message.template).isascii()

    def told(value: str | Message) -> str | Message:
        if isinstance(value, Message):
            return _with_units(value, within=within)
        return _UNIT.sub(lambda unit: UNITS[unit[0]], value) if within and _DURATION.fullmatch(value) else value

    return replace(message, params=tuple((key, told(value)) for key, value in message.params))


def shown(words: str) -> str:
    """The same without control characters, other than line feeds."""
    return "".join(map(_letter, words))


def _letter(letter: str) -> str:
    harmless = letter == "\n" or (category(letter)[0] != "C" and category(letter) not in {"Zl", "Zp"})
    return letter if harmless else letter.encode("unicode_escape").decode()


def width() -> int:
    """Columns to write in."""
    return max(40, min(shutil.get_terminal_size((80, 24)).columns, _MAX_WIDTH))


def render_error(error: StandbyctlError, state: Message | None) -> str:
    """ERROR, DETAIL, HINT and CODE for every reason; STATE once, at the end."""
    reasons = _reasons(error)
    parts = []
    for number, (what, detail, hint, code) in enumerate(reasons, 1):
        said = [(msg("ERROR:"), what), (msg("DETAIL:"), detail), (msg("HINT:"), hint)]
        if number == len(reasons):
            said.append((msg("STATE:"), state))
        lines = [labelled(label, message) for label, message in said if message]
        more = msg("{code}   more: standbyctl explain {code}", code=code)
        parts.append("\n".join([*lines, labelled(msg("CODE:"), more)]))
    return "\n\n".join(parts)


def _reasons(error: StandbyctlError) -> list[tuple[Message, Message | None, Message | None, str]]:
    if isinstance(error, BlockedError):
        return [(b.what, b.detail, b.hint, b.code) for b in error.blockers]
    return [(error.what, error.detail, error.hint, error.code)]


def labelled(label: Message, body: Message) -> str:
    """A label, and beside it what it is about."""
    folded = wrap(sentence(body), pad(text(label), 8), " " * 8)
    return "\n".join([folded, *(" " * 8 + shown(line) for line in body.lines)])


def wrap(body: str, first: str, rest: str) -> str:
    """Fold a text at the width of the terminal."""
    return fold(shown(body), width(), first, rest)


def error_record(error: StandbyctlError, state: Message | None) -> dict[str, Any]:
    """The same for machines, in English."""
    return {
        "schema": "standbyctl.error/1",
        "exit_code": error.status,
        "errors": [
            {"code": code, "error": str(what), "detail": _plain(detail), "hint": _plain(hint)}
            for what, detail, hint, code in _reasons(error)
        ],
        "state": _plain(state),
    }


def _plain(message: Message | None) -> str | None:
    return None if message is None else str(message)


def render_plan(plan: Plan, target: Target, *, effects: bool = False) -> str:
    """What attach will do and where, what it leaves alone, and what will be felt; with every effect, and the undo."""
    if not plan.steps:
        return text(msg("Nothing to do: {name} streams from {primary}.", name=target.name, primary=target.primary))
    head = text(
        msg(
            "Plan: attach {name} (port {port}) to {primary} ({host}:{p}), asynchronous",
            name=target.name, port=target.port, primary=target.primary, host=target.shown[0], p=target.shown[1],
        )
    )  # fmt: skip
    undo = text(msg("Undo: {what}", what=f"standbyctl detach {target.name}"))
    return "\n".join(
        [head, felt_line(plan, target.primary), undo, *step_lines(plan, effects=effects), *note_lines(plan)]
    )


def render_saved(path: str, *, attach: bool = False) -> str:
    """Where a plan was saved, and what can be done with it: a line each, to be copied."""
    file = shlex.quote(path)
    lines = [(msg("Saved"), path)]
    if attach:
        lines.append((msg("Run it"), f"standbyctl attach {file}"))
    lines.append((msg("Runbook"), f"standbyctl export runbook {file}"))
    return "\n".join(f"{pad(text(label), 10)}{shown(what)}" for label, what in lines)


def render_detach(plan: Plan, target: Target) -> str:
    """What detach will do."""
    head = text(msg("Plan: detach {name} from {primary}", name=target.name, primary=target.primary))
    if not plan.steps:
        return "\n".join([head, text(msg("Nothing is left to give back.")), *note_lines(plan)])
    return "\n".join([head, felt_line(plan, target.primary), *step_lines(plan), *note_lines(plan)])


def felt_line(plan: Plan, primary: str) -> str:
    """Whether anybody feels it: reloads, and no restart."""
    reloads = sum(step.felt is Impact.RELOAD for step in plan.steps if step.place == primary)
    times = {0: msg("no reload"), 1: msg("1 reload")}.get(reloads, msg("{n} reloads", n=reloads))
    return text(msg("No restart of {primary}; {n} of its configuration", primary=primary, n=times))


def step_lines(plan: Plan, *, effects: bool = False) -> list[str]:
    """A numbered list, by node; a line is drawn above what cannot be undone."""
    lines: list[str] = []
    place = ""
    warned = False
    titles = max(_TITLE, *(cells(text(step.title)) + 1 for step in plan.steps))
    indent = " " * (titles + 5)
    for number, step in enumerate(plan.steps, 1):
        if step.irreversible and not warned:
            lines.append(f"  ---- {text(msg('point of no return'))} ----")
            warned = True
        if step.place != place:
            place = step.place
            lines += ["", "  " + text(msg("on {place}", place=place))]
        lines.append(wrap(text(step.text), f"  {number:>2} {pad(text(step.title), titles)}", indent))
        if effects:
            lines += _effects(step, indent)
    return lines


def _effects(step: Step, indent: str) -> list[str]:
    """The very statements, lines and commands that will be carried out; what is felt; what undoes it."""
    shown = [line for effect in step.effects() for line in text(effect.said).splitlines()]
    felt = [wrap(text(msg("impact: {felt}", felt=FELT[step.felt])), indent, indent)]
    back = isinstance(step, GiveBack)
    undo = [] if back else [wrap(text(msg("undo: {what}", what=step.undo_text)), indent, f"{indent}  ")]
    return [*(wrap(line, f"{indent}> ", f"{indent}  ") for line in shown), *felt, *undo]


def note_lines(plan: Plan) -> list[str]:
    """What is left alone, and what comes of it."""
    if not plan.notes:
        return []
    return ["", *(wrap(text(note), f"  {pad(text(msg('Note:')), 6)}", " " * 8) for note in plan.notes)]


def plan_record(plan: Plan, target: Target) -> dict[str, Any]:
    """A plan for machines."""
    return {
        "schema": "standbyctl.plan/1",
        "target": encode(target),
        "impact": plan.impact(target.primary).name,
        "steps": [
            {
                "number": number,
                "node": step.place,
                "step": type(step).__name__,
                "text": str(step.text),
                "impact": step.felt.name,
                "effects": [f"{effect}" for effect in step.effects()],
                "undo": str(step.undo_text),
            }
            for number, step in enumerate(plan.steps, 1)
        ],
        "notes": [str(note) for note in plan.notes],
    }


def attached_record(target: Target, did: bool) -> dict[str, Any]:
    """The outcome of attach."""
    return {
        "schema": "standbyctl.attach/1",
        "verdict": "attached" if did else "nothing to do",
        "target": encode(target),
    }


def detached_record(target: Target, plan: Plan) -> dict[str, Any]:
    """The outcome of detach."""
    return {
        "schema": "standbyctl.detach/1",
        "verdict": "detached",
        "name": target.name,
        "steps": [str(step.text) for step in plan.steps],
        "notes": [str(note) for note in plan.notes],
    }
