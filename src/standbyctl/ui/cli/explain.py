"""standbyctl explain."""

from __future__ import annotations

import json
from difflib import SequenceMatcher

import click
from click.shell_completion import CompletionItem

from standbyctl.diagnosis.catalogue import ALL, find
from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg
from standbyctl.ui.cli.call import Context, machine
from standbyctl.ui.explanation import explain_record, render_entry, render_list
from standbyctl.ui.render import text

_ALIKE = 0.7


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    begun = incomplete.upper()
    return [CompletionItem(entry.code, help=text(entry.title)) for entry in ALL if entry.code.startswith(begun)]


@click.command("explain")
@click.argument("codes", nargs=-1, metavar="[CODE]...", shell_complete=_complete)
@machine
def command(context: Context, codes: tuple[str, ...]) -> None:
    """What a code means, why it matters, and what to do about it; without a code, all of them.

    Looks at no server, and needs no network.
    """
    entries = tuple(dict.fromkeys(_entry(code) for code in codes))
    if context.json:
        click.echo(json.dumps(explain_record(entries or ALL)))
    elif entries:
        click.echo("\n\n".join(render_entry(entry) for entry in entries))
    else:
        click.echo(render_list())


def _entry(code: str) -> Entry:
    if (entry := find(code)) is not None:
        return entry
    near = _near(code.strip().upper())
    raise UsageError(
        "C119",
        msg('there is no code "{code}"', code=code),
        hint=msg("Near it: {near}. All: standbyctl explain", near=", ".join(near))
        if near
        else msg("See them all: standbyctl explain"),
    )


def _near(code: str) -> list[str]:
    """The three that are most like it, if any is."""
    likeness = {entry.code: SequenceMatcher(None, entry.code, code).ratio() for entry in ALL}
    near = [each for each in likeness if likeness[each] >= _ALIKE]
    in_place = {each: sum(a == b for a, b in zip(each, code, strict=False)) for each in near}
    return sorted(near, key=lambda each: (-in_place[each], -likeness[each], each))[:3]
