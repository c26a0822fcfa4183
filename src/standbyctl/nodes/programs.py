"""pg_hba.conf edited by the server itself: COPY TO PROGRAM, with nothing of it in the server's log."""

from __future__ import annotations

import re
import shlex
from base64 import b64encode

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import replace
from standbyctl.domain.rights import QUIET
from standbyctl.nodes.driver import psycopg
from standbyctl.nodes.files import FAULTS
from standbyctl.nodes.libpq import literal
from standbyctl.nodes.ports import Session
from standbyctl.nodes.world import World, script_text

# What the programs end with where they have changed nothing.
_WHY = {
    90: msg("{path} has changed since it was looked at"),
    91: msg("{path} does not belong to the server's user"),
    92: msg("another program is at work on {path}"),
}
_SILENCE = """
SELECT set_config(s.name, q.value, false)
  FROM unnest(%s::text[], %s::text[]) AS q(name, value) JOIN pg_settings AS s USING (name) WHERE s.setting <> q.value
"""


def ensure_hba_line(effect: fx.EnsureHbaLineBySql, world: World) -> None:
    """Add the line; let the server parse the file; take the line out again if it finds a fault."""
    session = world.doors[effect.node].server.session()
    try:
        _silence(session)
        before = "" if effect.before_line is None else str(effect.before_line)
        _run(session, effect, "hba_insert.sh", effect.path, effect.digest, before)
        if faults := session.rows(FAULTS):
            _run(session, effect, "hba_remove.sh", effect.path)
            raise StoppedError(
                "A204",
                msg("{node} does not accept the new line in {path}", node=effect.node, path=effect.path),
                detail=msg("Line {n}: {e}. {after}", n=faults[0][0], e=faults[0][1], after=_after(session, effect)),
            )
    finally:
        session.close()


def _after(session: Session, effect: fx.EnsureHbaLineBySql) -> Message:
    """What the file is like once our line is out again."""
    if session.rows("SELECT encode(sha256(pg_read_binary_file(%s)), 'hex')", effect.path) == [(effect.digest,)]:
        return msg("The file is again as it was; nothing was reloaded.")
    return msg("Our line is out again, and somebody else has edited the file meanwhile; nothing was reloaded.")


def remove_hba_line(effect: fx.RemoveHbaLineBySql, world: World) -> None:
    """Take the line out; every other byte stays."""
    session = world.doors[effect.node].server.session()
    try:
        _silence(session)
        _run(session, effect, "hba_remove.sh", effect.path)
    finally:
        session.close()


def _silence(session: Session) -> None:
    """Neither what is run nor what fails is logged, counted or explained in this session: it names role and address."""
    session.rows(_SILENCE, list(QUIET), list(QUIET.values()))


def program_text(script: str, *args: str) -> str:
    """A whole program for the server's shell, its arguments in it: only its standard input comes from us."""
    return "\n".join([f"set -- {shlex.join(args)}", script_text("hba_program.sh"), script_text(script)])


def _run(session: Session, effect: fx.EnsureHbaLineBySql | fx.RemoveHbaLineBySql, script: str, *args: str) -> None:
    program = program_text(script, *args)
    line = b64encode(effect.line.encode()).decode()
    try:
        session.rows(f"COPY (SELECT '{line}') TO PROGRAM {literal(program)}")
    except StoppedError as error:
        status = _status(error)
        if status is None:
            raise
        why = _WHY.get(status, msg("a program on the host of {node} failed", node=effect.node))
        why = replace(why, params=(*why.params, ("path", effect.path)))
        raise StoppedError(
            "A204",
            why,
            detail=msg("It ended with exit code {n}; {path} was not changed.", n=status, path=effect.path),
            hint=msg("Run the same command again: it looks anew.")
            if status == 90  # noqa: PLR2004 as in _WHY
            else msg("Mend the cause, then run the same command again; or use --hba wait."),
        ) from error


def _status(error: StoppedError) -> int | None:
    """The exit code of a program: the one number in what the server says of its end, in whatever language."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.errors.ExternalRoutineException):
        return None
    numbers = re.findall(r"\d+", cause.diag.message_detail or "")
    return int(numbers[0]) if len(numbers) == 1 else 1
