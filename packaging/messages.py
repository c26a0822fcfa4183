"""What we say, gathered from the sources, and its translations: python packaging/messages.py update | compile.

Gathered are the templates of `msg` and of what wraps it, the words that a parameter may be, the help of commands and
options, and what the command line's library says. A translation belongs to the English text itself.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SOURCES = Path(__file__).parent.parent / "src"
PO = SOURCES / "standbyctl/ui/locale/ja/LC_MESSAGES/standbyctl.po"
# Functions whose first argument is a template.
_DATED = tuple(
    f'"{header}:'
    for header in (
        "Project-Id-Version", "Report-Msgid-Bugs-To", "POT-Creation-Date", "PO-Revision-Date", "Last-Translator",
        "Language-Team", "Generated-By",
    )
)  # fmt: skip
# Functions that are commands: their docstrings are help.
_COMMANDS = {"command", "cli", "evidence", "runbook", "systemd", "prometheus_rules"}
_SPEAKING = {"msg", "fine", "warning", "unknown"}


def gather() -> dict[str, list[str]]:
    """Every text, with the files that it is in."""
    found: dict[str, list[str]] = {}
    for path in sorted(SOURCES.glob("standbyctl/**/*.py")):
        for text in _texts(ast.parse(path.read_text(encoding="utf-8")), commands=path.parent.name == "cli"):
            if text:
                places = found.setdefault(text, [])
                if (name := str(path.relative_to(SOURCES.parent))) not in places:
                    places.append(name)
    for text in _of_click():
        found.setdefault(text, []).append("click")
    return found


def _texts(tree: ast.Module, *, commands: bool) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in _SPEAKING and node.args:
            yield from _constant(node.args[0])
        if isinstance(node, ast.Assign) and _name(node.targets[0]) == "WORDS":
            yield from (each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant))
        if commands:
            yield from _help(node)


def _help(node: ast.AST) -> Iterator[str]:
    """What `--help` shows: the help of options, the docstrings of commands, and the tables of either."""
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg == "help":
                yield from _constant(keyword.value)
    if isinstance(node, ast.FunctionDef) and any(_makes_command(each) for each in node.decorator_list):
        yield inspect.cleandoc(ast.get_docstring(node, clean=False) or "")
    if isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if (
            (_name(target) or "").isupper()
            and isinstance(node.value, ast.Dict)
            and _name(target) in {"_HELP", "_VERBS"}
        ):
            for value in node.value.values:
                yield from _constant(value)
        elif _name(target) in {"_REMOVE", "_STAGE", "_HELP", "_OUTPUT"} and node.value is not None:
            yield from _constant(node.value)


def _makes_command(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and _name(decorator.func) in {"command", "group"}


def _constant(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _name(node: ast.expr) -> str | None:
    return getattr(node, "id", getattr(node, "attr", None))


def plurals() -> dict[str, str]:
    """Of what click says of one and of many: by the one. Japanese has one form for both."""
    found = (node for node in _calls_of_click() if _name(node.func) == "ngettext")
    return {next(_constant(node.args[0])): next(_constant(node.args[1])) for node in found}


def _of_click() -> Iterator[str]:
    """What click has translated with gettext itself."""
    yield from (text for node in _calls_of_click() if _name(node.func) == "_" for text in _constant(node.args[0]))
    yield from plurals()


def _calls_of_click() -> Iterator[ast.Call]:
    spec = importlib.util.find_spec("click")
    assert spec is not None
    assert spec.origin is not None
    for path in sorted(Path(spec.origin).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                yield node


def translations() -> dict[str, str]:
    """Every text of the catalogue, and what it is in Japanese; empty for none."""
    found = {}
    for message in catalogue():
        many = isinstance(message.id, tuple)
        if message.id:
            found[message.id[0] if many else message.id] = message.string[0] if many else message.string
    return found


def catalogue() -> Catalog:
    """What is translated."""
    if not PO.exists():
        return Catalog(locale="ja")
    with PO.open("rb") as file:
        return read_po(file, locale="ja")


def update(given: dict[str, str] | None = None) -> Catalog:
    """Write the catalogue anew: every text there is, with the translation it had or is given; those still missing."""
    was, many = translations() | (given or {}), plurals()
    new = Catalog(locale="ja", project="standbyctl", charset="utf-8", fuzzy=False)
    new.header_comment = "# Japanese messages of standbyctl, in PostgreSQL's own wording."
    for text, places in sorted(gather().items(), key=lambda item: (item[1][0], item[0])):
        said, where = was.get(text, ""), [(place, None) for place in places]
        if text in many:
            new.add((text, many[text]), (said,), locations=where)
        else:
            new.add(text, said, locations=where)
    written = BytesIO()
    write_po(written, new, width=100, include_lineno=False)
    # Who changed it, and when, git knows.
    kept = (line for line in written.getvalue().decode().splitlines() if not line.startswith(_DATED))
    PO.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return new


def compile_() -> None:
    """Make of it what gettext reads."""
    with PO.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue())


if __name__ == "__main__":
    {"update": update, "compile": compile_}[sys.argv[1]]()
