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
@click.option(
    "--trial", is_flag=True, help="Measure a short copy: 512 MB or 5 s at most; writes and removes a file beside -D."
)
@machine
def command(context: Context, trial: bool, **given: Any) -> None:
    """Can this primary get a standby with no restart? Every check at once; changes nothing.

    Without -D it looks as if the standby went beside the primary's data directory. Exit code: 0 READY,
    1 or 4 BLOCKED, as plan and attach would say; 3 could not find out.
    """
    where = state()
    session = Session(resolve(request_from(given, need_place=False), where), silent, context.wrap)
    try:
        report = look_ahead(session, where, trial=trial)
    finally:
        session.close()
    if context.json:
        click.echo(json.dumps(preflight_record(report, session)))
    else:
        click.echo(render_preflight(report, session, _next(given, session)))
    if report.found.blockers:
        sys.exit(BlockedError(report.found.blockers).status)


def _next(given: dict[str, Any], session: Session) -> str:
    """What to type next: the same options, for the very same place."""
    target = session.target
    place = {"data_dir": target.data_directory, "name": target.name, "port": target.port}
    words: list[str] = []
    for param in command.params:
        name = param.name or ""
        value = place.get(name) or given.get(name)
        if name in given and value:
            flag = (min if name in {"primary", "data_dir"} else max)(param.opts, key=len)
            many = value if isinstance(value, tuple) else (value,)
            words += [flag] if value is True else [word for each in many for word in (flag, str(each))]
    return shlex.join(["standbyctl", "plan", *words])
