"""standbyctl promote: it looks, and names one of the two."""

from __future__ import annotations

import click

from standbyctl.app.promotion import advise
from standbyctl.nodes.clock import SystemClock
from standbyctl.ui.cli.call import Context, guarded, state
from standbyctl.ui.cli.looking import opened
from standbyctl.ui.render import text, wrap


@click.command("promote")
@click.argument("name", metavar="NAME")
@click.option(
    "-p",
    "--primary",
    metavar="CONNINFO",
    help="The primary: its conninfo, or a node's name that is known here. Default: the only one that is known.",
)
@click.option("-c", "--config", metavar="FILE", help="standbyctl.toml.")
@guarded
def command(*, context: Context, name: str, primary: str | None, config: str | None) -> None:
    """Say which is meant: switchover, while the primary lives; failover, when it is gone. Changes nothing, ever."""
    with opened(primary, config) as (cluster, loaded):
        said = advise(name, cluster, state(), SystemClock(), loaded.limits)
    click.echo(wrap(text(said), "", ""))
    raise click.exceptions.Exit(1)
