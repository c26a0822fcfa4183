"""standbyctl verify."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from standbyctl.app import verify as app
from standbyctl.app.config import load_config
from standbyctl.app.pair import find
from standbyctl.diagnosis.verify import Verdict
from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.size import parse_period
from standbyctl.ui.cli.call import Context, machine, misused, state
from standbyctl.ui.verdict import render_report, report_record

_STATUS = {Verdict.VERIFIED: 0, Verdict.NOT_VERIFIED: 1, Verdict.UNKNOWN: 3}


@click.command("verify")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("-p", "--primary", metavar="CONNINFO", help="The primary. Default: as at the attach.")
@click.option("-s", "--standby", metavar="CONNINFO", help="The standby; with -p, one that was not attached from here.")
@click.option("--max-lag", metavar="TIME", default="1s", show_default=True, help="How far the replay may be behind.")
@click.option("--for", "span", metavar="TIME", default="5s", show_default=True, help="How long it is watched.")
@click.option("--no-mark", is_flag=True, help="Reads only: no marked commit on the primary.")
@click.option(
    "--test-table",
    is_flag=True,
    help="Also a database replication_test with a table: made, read on the standby, dropped. Costs the primary some"
    " 5 MB of WAL and an immediate checkpoint (before PostgreSQL 15, three).",
)
@click.option("--deep", is_flag=True, help="Also every B-tree index, where amcheck is installed; and page checksums.")
@click.option("--deep-for", metavar="TIME", default="60s", show_default=True, help="At most so long for the indexes.")
@click.option("-c", "--config", metavar="FILE", help="standbyctl.toml.")
@machine
def command(context: Context, name: str | None, no_mark: bool, test_table: bool, **given: Any) -> None:
    """Prove that a standby is a true, current copy of its primary.

    Reads on both servers, and one marked commit on the primary. Exit code 0: it is (or with warnings); 1: it is not;
    3: what that rests on could not be found out.
    """
    if no_mark and test_table:
        raise misused(msg("--no-mark writes nothing, --test-table does: give one of them"))
    wanted = app.Wanted(
        mark=not no_mark,
        test_table=test_table,
        deep=given["deep"],
        max_lag_seconds=_seconds("--max-lag", given["max_lag"]),
        for_seconds=_seconds("--for", given["span"]),
        deep_seconds=_seconds("--deep-for", given["deep_for"]),
    )
    nodes = load_config(given["config"], os.environ)

    def named(text: str | None) -> tuple[str, str]:
        node = nodes.node(text or "")
        return (node.name, node.conninfo) if node else ("", text or "")

    pair = find(name or "", named(given["primary"]), named(given["standby"]), state())
    context.rest = msg("A verification leaves nothing behind, unless the error names it.")
    report = app.verify(pair, wanted, context.wrap)
    click.echo(json.dumps(report_record(report)) if context.json else render_report(report))
    sys.exit(_STATUS[report.verdict])


def _seconds(option: str, text: str) -> float:
    seconds = parse_period(text)
    if seconds is None:
        raise UsageError(
            "C107",
            msg('{option}: "{text}" is not a time', option=option, text=text),
            hint=msg("Write a number and its unit, as in postgresql.conf: 500ms, 1s, 5min, 2h, 1d."),
        )
    return seconds
