"""standbyctl promote: it looks, and names one of the two."""

from __future__ import annotations

import click

from standbyctl.app.status import status
from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.message import msg
from standbyctl.nodes.clock import SystemClock
from standbyctl.ui.cli.call import Context, guarded, state
from standbyctl.ui.cli.looking import opened
from standbyctl.ui.render import text, wrap


@click.command("promote")
@click.argument("name", metavar="NAME")
@click.option(
    "-p", "--primary", metavar="CONNINFO", help="The primary. Default: the one that was attached to from here."
)
@click.option("-c", "--config", metavar="FILE", help="standbyctl.toml.")
@guarded
def command(*, context: Context, name: str, primary: str | None, config: str | None) -> None:
    """Say which is meant: switchover, while the primary lives; failover, when it is gone. Changes nothing, ever."""
    with opened(primary, config) as (cluster, loaded):
        try:
            seen = status(cluster, state(), SystemClock(), loaded.limits)
            primaries = seen.picture.primaries
        except CannotTellError:
            primaries = ()
    if name in primaries:
        said = msg("{name} is a primary already.", name=name)
    elif primaries:
        said = msg(
            "{old} is alive and takes writes, so no commit need be lost: standbyctl switchover --to {new}",
            old=primaries[0],
            new=name,
        )
    else:
        said = msg(
            "No primary answers from here. If it is gone, and not only out of reach: standbyctl failover --to {new}",
            new=name,
        )
    click.echo(wrap(text(said), "", ""))
    raise click.exceptions.Exit(1)
