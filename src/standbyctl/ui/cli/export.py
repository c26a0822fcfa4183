"""standbyctl export."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import sys
from pathlib import PurePath

import click

from standbyctl.app.config import load_config
from standbyctl.app.conninfo import connection_params
from standbyctl.app.evidence import gather, gather_roles
from standbyctl.app.known import named_alone
from standbyctl.app.planfile import write_text
from standbyctl.app.procedure import load_procedure
from standbyctl.domain.message import msg
from standbyctl.ui.cli.call import Context, guarded, machine, misused, state
from standbyctl.ui.cli.spoken import Spoken
from standbyctl.ui.i18n import language
from standbyctl.ui.papers.blocks import Paper
from standbyctl.ui.papers.evidence import evidence_paper
from standbyctl.ui.papers.html import render_html
from standbyctl.ui.papers.markdown import render_markdown
from standbyctl.ui.papers.runbook import runbook_paper
from standbyctl.ui.render import shown, text
from standbyctl.ui.rules import render_rules, rules
from standbyctl.ui.unit import render_unit

_WRITERS = {".md": render_markdown, ".html": render_html}
_OUTPUT = "FILE.md or FILE.html. Default: Markdown on standard output."


@click.group("export", cls=Spoken)
def command() -> None:
    """A plan as a runbook, a run as evidence, to be signed and filed; a unit for systemd, rules for Prometheus."""


@command.command("runbook")
@click.argument("plan", metavar="PLANFILE")
@click.option("-o", "--output", metavar="FILE", help=_OUTPUT)
@machine
def runbook(context: Context, plan: str, output: str | None) -> None:
    """A saved plan as a procedure: every step by hand and by standbyctl, what is to be seen, the way back.

    Looks at no server. Save a plan with -o FILE: standbyctl plan, detach, switchover, failover, resync.
    """
    procedure = load_procedure(plan)
    _write(context, runbook_paper(procedure), output, {"plan": plan, "digest": procedure.digest})


@command.command("evidence")
@click.argument("name", metavar="NAME")
@click.option("-o", "--output", metavar="FILE", help=_OUTPUT)
@click.option(
    "--earlier", type=click.IntRange(0), default=0, metavar="N", help="Not the last one, but the N-th before it."
)
@click.option("--roles", is_flag=True, help="Not an attach, but the last change of roles that NAME had a part in.")
@machine
def evidence(context: Context, name: str, output: str | None, earlier: int, *, roles: bool) -> None:
    """What was done for a standby, from its journal: when, by whom, with which results; facts before and after.

    Of a switchover or a failover with --roles; a resync is in the journal of its standby.

    Looks at no server. Interrupted, resumed and undone runs are in it, too.
    """
    found = (gather_roles if roles else gather)(name, state(), earlier)
    _write(context, evidence_paper(found), output, {"name": name, "digest": found.digest})


# By which a watch gets in as whoever calls this does. A password in the environment stays there.
_FILES = ("STANDBYCTL_CONFIG", "PGPASSFILE", "PGSERVICEFILE", "PGSSLROOTCERT")


@command.command("systemd")
@click.option("-p", "--primary", metavar="CONNINFO", help="The primary that is watched. Default: the one known here.")
@click.option("-c", "--config", metavar="FILE", help="standbyctl.toml.")
@click.option("--user", metavar="NAME", help="Whom it runs as. Default: who calls this.")
@click.option("--listen", metavar="ADDRESS:PORT", help="Where /metrics is for Prometheus; none for nowhere.")
@guarded
def systemd(context: Context, primary: str | None, config: str | None, user: str | None, listen: str | None) -> None:
    """A unit that runs standbyctl watch: started again when it fails or hangs, and with few rights.

    Looks at no server. sudo tee /etc/systemd/system/standbyctl-watch.service takes it, then: systemctl enable --now
    standbyctl-watch
    """
    # It is named also where there is no choice: there may be one later, or nothing attached any more.
    primary = primary or named_alone(state())
    options = [("-p", primary), ("-c", config and os.path.abspath(config)), ("--listen", listen)]
    given = [word for option, value in options if value for word in (option, value)]
    if primary and ("=" in primary or "://" in primary):
        connection_params(primary)  # a password is refused: whoever may read the unit would read it
    name = user or pwd.getpwuid(os.geteuid()).pw_name
    files = {key: os.path.abspath(os.environ[key]) for key in _FILES if os.environ.get(key)}
    click.echo(render_unit(name, state().root.absolute(), [*_ourselves(), "watch", *given], files), nl=False)


def _ourselves() -> list[str]:
    """How we were called, in a way that another can."""
    called = shutil.which("standbyctl") or os.path.abspath(sys.argv[0])
    return [called] if os.access(called, os.X_OK) else [sys.executable, "-m", "standbyctl"]


@command.command("prometheus-rules")
@click.option("-c", "--config", metavar="FILE", help="standbyctl.toml: its [monitor] has the limits.")
@guarded
def prometheus_rules(context: Context, config: str | None) -> None:
    """Alerting rules for the metrics of standbyctl watch. Each alert names the command to go on with.

    Limits are those of status and check. Looks at no server. Each rule is tested with promtool.
    """
    click.echo(render_rules(rules(load_config(config, os.environ).limits)), nl=False)


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
