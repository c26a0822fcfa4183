"""standbyctl demo."""

from __future__ import annotations

import click

from standbyctl.domain.message import Message
from standbyctl.lab.demo import run_demo, stop_demo
from standbyctl.ui.cli.call import Context, guarded, state
from standbyctl.ui.render import text


@click.command("demo")
@click.argument("action", type=click.Choice(["run", "stop"]), default="run")
@click.option("--keep", is_flag=True, help="Leave it running to play with, until: standbyctl demo stop")
@guarded
def command(context: Context, action: str, keep: bool) -> None:
    """Make a primary that somebody writes to, attach a standby, count the commits, detach, clean up."""
    where = state()
    where.check_writable()
    note = where.root / "demo.json"
    if action == "stop":
        _say(stop_demo(note))
    else:
        run_demo(_say, note, keep=keep)


def _say(message: Message) -> None:
    click.echo(text(message))
