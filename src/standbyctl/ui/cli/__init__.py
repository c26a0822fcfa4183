"""The command line: one module a verb. What a verb needs is imported when it runs."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys

import click

from standbyctl import __version__
from standbyctl.ui.cli.spoken import with_language
from standbyctl.ui.i18n import chosen, translate, use

_VERBS = {
    "demo": "A throw-away primary, and a standby attached to it for real.",
    "preflight": "Can this primary get a standby with no restart? Changes nothing.",
    "plan": "Show, and save, exactly what attach would do.",
    "attach": "Attach a standby to a running primary; run again to resume.",
    "verify": "Prove that a standby is a true, current copy of its primary.",
    "status": "Who replicates from whom, now.",
    "check": "A monitoring plugin: lag, slots, standbys, WAL, primaries.",
    "slots": "List, make, drop replication slots; bound the WAL they keep.",
    "watch": "Look every second, remember, tell what changes; /metrics. A daemon.",
    "events": "What has happened, as a watch has seen it.",
    "switchover": "Planned: make a standby the primary, with nothing lost.",
    "failover": "The primary is gone: fence it, promote a standby, say what is lost.",
    "promote": "Not sure which? Says whether it is a switchover or a failover.",
    "resync": "Bring a standby back, or a primary that was lost, as a standby.",
    "detach": "Undo attach: standby, slot, setting, hba line, role, passfile.",
    "export": "A runbook, evidence, a unit for systemd, rules for Prometheus.",
    "explain": "What a code means, why, and what to do. Needs no server.",
    "completion": "Print the completion script for a shell.",
}


class _Verbs(click.Group):
    """Loads a verb's module when the verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        # Nothing of what is imported is garbage, and looking for some takes a tenth of the time.
        gc.disable()
        try:
            command: click.Command = importlib.import_module(f"standbyctl.ui.cli.{cmd_name}").command
        finally:
            gc.enable()
        return with_language(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # click's own would import every verb, and with them the PostgreSQL client library.
        with formatter.section(translate("Commands")):
            formatter.write_dl([(verb, translate(what)) for verb, what in _VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="standbyctl")
def cli() -> None:
    """Give a running PostgreSQL a standby. No restart.

    Exit codes: 0 done or nothing to do; 1 the answer is no; 2 usage or configuration; 3 could not find out;
    4 refused for safety (after 1 to 4 nothing was changed); 5 stopped part-way: run it again, or detach;
    130 interrupted, as 5.
    """


def main() -> None:
    """The entry point."""
    use(chosen(sys.argv[1:], os.environ))
    # What a terminal has no letter for must not stop a run half-way.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(with_language(cli).main(prog_name="standbyctl"))
    except ImportError as error:
        from standbyctl.domain.errors import UsageError
        from standbyctl.domain.message import msg
        from standbyctl.ui.render import render_error

        said = render_error(
            UsageError(
                "C118",
                msg("a library is missing"),
                detail=msg("{e}", e=error),
                hint=msg(
                    "psycopg needs PostgreSQL's libpq: install it (Debian: libpq5), or: pip install 'psycopg[binary]'."
                    " A history needs Python's sqlite3, which some packages leave out."
                ),
            ),
            msg("Nothing was changed."),
        )
        click.echo(said, err=True)
        sys.exit(2)
