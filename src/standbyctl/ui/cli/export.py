"""standbyctl export."""

from __future__ import annotations

import json
from pathlib import PurePath

import click

from standbyctl.app.evidence import gather
from standbyctl.app.planfile import load_procedure, write_text
from standbyctl.domain.message import msg
from standbyctl.ui.cli.call import Context, machine, misused, state
from standbyctl.ui.cli.spoken import Spoken
from standbyctl.ui.i18n import language
from standbyctl.ui.papers.blocks import Paper
from standbyctl.ui.papers.evidence import evidence_paper
from standbyctl.ui.papers.html import render_html
from standbyctl.ui.papers.markdown import render_markdown
from standbyctl.ui.papers.runbook import runbook_paper
from standbyctl.ui.render import shown, text

_WRITERS = {".md": render_markdown, ".html": render_html}
_OUTPUT = "FILE.md or FILE.html. Default: Markdown on standard output."


@click.group("export", cls=Spoken)
def command() -> None:
    """A plan as a runbook, a run as evidence: papers to be read, signed and filed."""


@command.command("runbook")
@click.argument("plan", metavar="PLANFILE")
@click.option("-o", "--output", metavar="FILE", help=_OUTPUT)
@machine
def runbook(context: Context, plan: str, output: str | None) -> None:
    """A saved plan as a procedure: every step by hand and by standbyctl, what is to be seen, the way back.

    Looks at no server. Save a plan with: standbyctl plan -o FILE, or standbyctl detach NAME -o FILE
    """
    procedure = load_procedure(plan)
    _write(context, runbook_paper(procedure), output, {"plan": plan, "digest": procedure.digest})


@command.command("evidence")
@click.argument("name", metavar="NAME")
@click.option("-o", "--output", metavar="FILE", help=_OUTPUT)
@click.option(
    "--earlier", type=click.IntRange(0), default=0, metavar="N", help="Not the last attach, but the N-th before it."
)
@machine
def evidence(context: Context, name: str, output: str | None, earlier: int) -> None:
    """What was done for a standby, from its journal: when, by whom, with which results; facts before and after.

    Looks at no server. Interrupted, resumed and undone runs are in it, too.
    """
    found = gather(name, state(), earlier)
    _write(context, evidence_paper(found), output, {"name": name, "digest": found.digest})


def _write(context: Context, paper: Paper, output: str | None, about: dict[str, str]) -> None:
    if output == "":
        raise misused(msg("--output is empty"))
    suffix = PurePath(output).suffix if output else ".md"
    if suffix not in _WRITERS:
        raise misused(msg("{path} ends neither in .md nor in .html", path=output))
    written = shown(_WRITERS[suffix](paper))
    if output:
        write_text(output, written)
    if context.json:
        click.echo(
            json.dumps(
                {"schema": "standbyctl.export/1", **about, "language": language(), "file": output, "text": written}
            )
        )
    elif output:
        click.echo(text(msg("Written to {path}.", path=output)))
    else:
        click.echo(written, nl=False)
