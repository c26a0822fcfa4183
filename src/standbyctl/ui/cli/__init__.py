"""The command line: one module a verb. What a verb needs is imported when it runs."""

from __future__ import annotations

import importlib
import sys

import click

from standbyctl import __version__

_VERBS = {
    "demo": "demo",
    "plan": "plan",
    "attach": "attach",
    "status": "status",
    "detach": "detach",
    "completion": "completion",
}


class _Verbs(click.Group):
    """Loads a verb's module when the verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        module = importlib.import_module(f"standbyctl.ui.cli.{_VERBS[cmd_name]}")
        command: click.Command = module.command
        return command


@click.group(cls=_Verbs, context_settings={"help_option_names": ["--help"]})
@click.version_option(__version__, prog_name="standbyctl")
def cli() -> None:
    """Give a running PostgreSQL a standby. No restart.

    Exit codes: 0 done or nothing to do; 1 the answer is no; 2 usage or configuration; 3 could not find out;
    4 refused for safety (after 1 to 4 nothing was changed); 5 stopped part-way: run it again, or detach;
    130 interrupted, as 5.
    """


def main() -> None:
    """The entry point."""
    sys.exit(cli.main(prog_name="standbyctl"))
