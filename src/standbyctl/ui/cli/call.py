"""What all verbs share: their options, how errors are shown, what a signal does."""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

import click

from standbyctl.app.state import State, state_directory
from standbyctl.domain.effects import Effect
from standbyctl.domain.errors import InterruptedRunError, StandbyctlError, UsageError
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, field
from standbyctl.engine.run import Do, Run
from standbyctl.ui.render import error_record, render_error, text

NOTHING = msg("Nothing was changed.")


@dataclass(slots=True)
class Context:
    """What is true of one call of the tool. `rest`: what an error says of the servers where no run was begun."""

    json: bool = False
    debug: bool = False
    again: str = ""
    undo: str = ""
    run: Run | None = None
    rest: Message = NOTHING
    wrap: Callable[[Do], Do] = field(default=lambda do: do)

    def begin(self, run: Run) -> None:
        """Remember the run, so that an error can say how far it got."""
        self.run = run

    def state_after(self) -> Message:
        """What is done and what is left, for an error."""
        run = self.run
        if run is None or not run.begun:
            return self.rest
        kept = {0: msg("No step is done."), 1: msg("Step 1 of {t} is done and kept.", t=run.total)}.get(
            run.done, msg("Steps 1 to {n} of {t} are done and kept.", n=run.done, t=run.total)
        )
        begun = msg(" Step {n} was begun.", n=run.number) if run.number > run.done else msg("")
        again = (
            msg("Run the same command again to go on, or undo with: standbyctl {undo}.", undo=self.undo)
            if self.undo
            else msg("Run the same command again to go on.")
        )
        return msg("{kept}{begun} {again}", kept=kept, begun=begun, again=again)


def state() -> State:
    """The journals of this user."""
    return State(state_directory(os.environ))


def machine(command: Callable[..., Any]) -> Callable[..., Any]:
    """What `guarded` adds, and --json."""
    option = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
    return option(guarded(command))


def guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """--debug, and errors in PostgreSQL's shape with the exit code that belongs to them."""

    @click.option("--debug", is_flag=True, help="Show every effect before it happens, and tracebacks.")
    @functools.wraps(command)
    def run(*args: Any, debug: bool, as_json: bool = False, **kwargs: Any) -> None:
        context = Context(json=as_json, debug=debug)
        context.wrap = click.get_current_context().obj or (_traced if debug else _plain)
        _on_signals()
        reported(context, lambda: command(*args, context=context, **kwargs))

    return run


def reported(context: Context, action: Callable[[], None]) -> None:
    """Act; whatever goes wrong is said as the context has it, and is our exit status."""
    try:
        action()
    except StandbyctlError as error:
        _fail(error, context)
    except KeyboardInterrupt:
        _fail(InterruptedRunError("A209", msg("interrupted")), context)
    except click.exceptions.ClickException:
        raise
    except click.exceptions.Abort:  # Ctrl-C at a question
        _fail(InterruptedRunError("A209", msg("interrupted")), context)
    except click.exceptions.Exit:
        raise
    except BrokenPipeError:  # whoever read our output has gone away
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 or the interpreter complains at its end
        sys.exit(141)
    except Exception as error:  # noqa: BLE001 the rim: whatever else is raised is a bug of ours
        _bug(error, context)


def _on_signals() -> None:
    """The first signal interrupts; while we clean up after it (which is bounded), more of them change nothing."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(each) is not signal.SIG_IGN:  # nohup means it
            signal.signal(each, interrupt)


def _fail(error: StandbyctlError, context: Context) -> None:
    after = error.state or context.state_after()
    if context.debug:
        traceback.print_exception(error)
    if context.json:
        click.echo(json.dumps(error_record(error, after)))
    else:
        click.echo(render_error(error, after), err=True)
    sys.exit(error.status)


def _bug(error: Exception, context: Context) -> None:
    if context.debug:
        traceback.print_exception(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    bug = StandbyctlError(
        "X100",
        msg("a bug in standbyctl: {kind}: {e}", kind=type(error).__name__, e=error),
        detail=msg("At {file}:{line}.", file=os.path.basename(last.filename), line=last.lineno or 0),
        hint=msg("Run it again with --debug and report what it prints; passwords are not in it."),
    )
    click.echo(
        json.dumps(error_record(bug, context.state_after()))
        if context.json
        else render_error(bug, context.state_after()),
        err=not context.json,
    )
    sys.exit(70)


def _plain(do: Do) -> Do:
    return do


def _traced(do: Do) -> Do:
    """Every effect is shown before it happens. Effects hold no secret."""

    def shown(effect: Effect) -> None:
        click.echo(f"debug: {effect.node}: {type(effect).__name__}: {effect}", err=True)
        do(effect)

    return shown


def misused(message: Message) -> click.UsageError:
    """What was typed makes no sense."""
    return click.UsageError(text(message))


def check_terminal(hint: Message) -> None:
    """UsageError where there is nobody who could be asked."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("C124", msg("there is no terminal to ask on"), hint=hint)


def confirm_name(question: Message, name: str, *, yes: bool) -> None:
    """Have a name typed on a terminal, so that nobody says yes by habit; without one, --yes is needed."""
    if yes:
        return
    check_terminal(msg("Give --yes, where nobody is to be asked."))
    typed = click.prompt(text(question), default="", show_default=False)
    if typed.strip() != name:
        click.echo(text(msg("That is not {name}. {nothing}", name=name, nothing=NOTHING)))
        raise click.exceptions.Exit(1)


def confirm(question: Message, *, yes: bool) -> None:
    """Ask once on a terminal; without one, --yes is needed."""
    if yes:
        return
    check_terminal(msg("Give --yes, where nobody is to be asked."))
    if not click.confirm(text(question)):
        click.echo(text(NOTHING))
        raise click.exceptions.Exit(1)
