"""standbyctl check."""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn

import click

from standbyctl.app.status import Status, status
from standbyctl.domain.errors import StandbyctlError
from standbyctl.domain.finding import EVERY, FAMILIES, Limits
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import replace
from standbyctl.domain.size import parse_period
from standbyctl.nodes.clock import SystemClock
from standbyctl.ui.cli.call import Context, machine, misused, state
from standbyctl.ui.cli.looking import opened, which
from standbyctl.ui.nagios import CODES, check_data, check_findings, line, render_check, verdict
from standbyctl.ui.records import finding_record
from standbyctl.ui.render import text

_UNKNOWN = 3


class _Plugin(click.Command):
    """Whatever goes wrong is UNKNOWN, for 2 would be read as CRITICAL."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            _unknown(EVERY, error.format_message())

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            _unknown(ctx.params["what"], error.format_message())


@click.command("check", cls=_Plugin)
@click.argument("what", type=click.Choice([*FAMILIES, EVERY]), default=EVERY)
@which
@click.option(
    "-w", "--warning", metavar="TIME", help="A lag that is WARNING. Default: 5s, or lag_warning of [monitor]."
)
@click.option("--critical", metavar="TIME", help="A lag that is CRITICAL. Default: 60s, or lag_critical of [monitor].")
@machine
def command(context: Context, what: str, primary: str | None, config: str | None, **given: str | None) -> None:
    """A monitoring plugin (Nagios, Icinga, Zabbix): one line with performance data, and an exit code.

    \b
    lag        how far behind each standby is
    slots      lost, close to their cap, or read by nobody, with the time left
    standby    each is there and streams, and its replay is not paused
    wal        the archiver; how fast WAL is written
    primaries  there is one, and not two
    all        all of it (the default)

    Exit codes are those of plugins: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (usage errors too).
    """
    try:
        wanted = {key: _seconds(key, value) for key, value in given.items() if value is not None}
        with opened(primary, config) as (cluster, loaded):
            limits = replace(
                loaded.limits,
                lag_warning=wanted.get("warning", loaded.limits.lag_warning),
                lag_critical=wanted.get("critical", loaded.limits.lag_critical),
            )
            seen = status(cluster, state(), SystemClock(), limits)
    except StandbyctlError as error:
        if context.debug:
            raise
        _unknown(what, _words(error))
    code, word = CODES[verdict(check_findings(seen, what))]
    click.echo(json.dumps(_record(seen, what, word, limits)) if context.json else render_check(seen, what, limits))
    sys.exit(code)


def _seconds(key: str, value: str) -> float:
    # Plugins are given plain seconds.
    if (seconds := float(value) if value.isdecimal() else parse_period(value)) is None:
        raise misused(msg("--{key}: {value} is no time; for instance 500ms, 5s, 2min", key=key, value=value))
    return seconds


def _words(error: StandbyctlError) -> str:
    told: Message = msg("{what}: {detail}", what=error.what, detail=error.detail) if error.detail else error.what
    return text(told)


def _unknown(family: str, told: str) -> NoReturn:
    click.echo(line(family, "UNKNOWN", told))
    sys.exit(_UNKNOWN)


def _record(seen: Status, what: str, word: str, limits: Limits) -> dict[str, Any]:
    return {
        "schema": "standbyctl.check/1",
        "at": seen.at,
        "check": what,
        "verdict": word.lower(),
        "findings": [finding_record(each) for each in check_findings(seen, what)],
        "perfdata": [each.record() for each in check_data(seen.picture, what, limits)],
    }
