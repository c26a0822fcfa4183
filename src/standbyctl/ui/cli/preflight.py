"""standbyctl preflight."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any

import click

from standbyctl.app.preflight import look_ahead
from standbyctl.app.request import resolve
from standbyctl.app.session import Session, silent
from standbyctl.domain.errors import BlockedError
from standbyctl.ui.cli.call import Context, machine, state
from standbyctl.ui.cli.target import request_from, target_options
from standbyctl.ui.preflight import preflight_record, render_preflight


@click.command("preflight")
@target_options
@click.option("--trial", is_flag=True, help="Measure a short copy: reads up to 512 MB, for 5 s at most.")
@machine
def command(context: Context, trial: bool, **given: Any) -> None:
    """Can this primary get a standby with no restart? Every check at once; changes nothing.

    Without -D it looks as if the standby went beside the primary's data directory. Exit code: 0 READY,
    1 or 4 BLOCKED, as plan and attach would say.
    """
    where = state()
    session = Session(resolve(request_from(given, need_place=False), where), silent)
    try:
        report = look_ahead(session, where, trial=trial)
    finally:
        session.close()
    if context.json:
        click.echo(json.dumps(preflight_record(report, session)))
    else:
        click.echo(render_preflight(report, session, _next(given["primary"], given["copy_from"], session)))
    if report.found.blockers:
        sys.exit(BlockedError(report.found.blockers).status)


def _next(primary: str | None, copy_from: str | None, session: Session) -> str:
    """What to type next, for the very same place."""
    where = [*(["-p", primary] if primary else []), *(["--copy-from", copy_from] if copy_from else [])]
    target = session.target
    place = ["-D", target.data_directory, "--name", target.name, "--port", str(target.port)]
    return shlex.join(["standbyctl", "plan", *where, *place])
