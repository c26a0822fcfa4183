"""The help of commands in the reader's language, folded by columns instead of letters."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from copy import copy

import click

from standbyctl.ui.i18n import LANGUAGES, language, translate
from standbyctl.ui.width import cells, fold, pad

_COLUMN = 30
_HELP = "Language of what people read. Default: by STANDBYCTL_LANG, LC_ALL, LC_MESSAGES, LANG."


class _Formatter(click.HelpFormatter):
    """What click folds and fills up by letters."""

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        self.write("\n\n".join(self._paragraph(part, indent) for part in text.split("\n\n")) + "\n")

    def _paragraph(self, part: str, indent: str) -> str:
        if part.lstrip().startswith("\b"):  # click's mark: lines stay as they are
            return "\n".join(indent + line.strip() for line in part.splitlines() if line.strip(" \b"))
        return fold(" ".join(part.split()), self.width, indent, indent)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = _COLUMN, col_spacing: int = 2) -> None:
        every = list(rows)
        column = min(max((cells(first) for first, _ in every), default=0), col_max) + col_spacing
        indent = " " * self.current_indent
        rest = indent + " " * column
        for first, second in every:
            if cells(first) > column - col_spacing:
                self.write(f"{indent}{first}\n")
                head = rest
            else:
                head = indent + pad(first, column)
            self.write(fold(second, self.width, head, rest) + "\n")


class _Context(click.Context):
    formatter_class = _Formatter


def spoken(command: click.Command) -> click.Command:
    """A command that is explained in the language in use. English is click's own way, and what it keeps."""
    if language() == LANGUAGES[0]:
        return command
    command = copy(command)
    command.params = [copy(param) for param in command.params]
    command.context_class = _Context
    command.help = translate(inspect.cleandoc(command.help or ""))
    command.short_help = None
    for param in command.params:
        if isinstance(param, click.Option) and param.help:
            param.help = translate(param.help)
    return command


def language_option() -> click.Option:
    """--lang: what it says was read before everything else, and is only checked here."""
    return click.Option(["--lang"], type=click.Choice(LANGUAGES), expose_value=False, help=_HELP)


class Spoken(click.Group):
    """Commands below a command, each with --lang."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        return None if found is None else with_language(found)


def with_language(command: click.Command) -> click.Command:
    """A command that takes --lang, and is explained in that language."""
    if not any(param.name == "lang" for param in command.params):
        command.params.append(language_option())
    return spoken(command)
