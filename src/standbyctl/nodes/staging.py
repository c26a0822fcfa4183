"""Try whether a server would start with what was staged, beside it, while it runs."""

from __future__ import annotations

import secrets
import socket
import threading

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import StandbyctlError, TakenBackError
from standbyctl.domain.message import Message, msg
from standbyctl.domain.size import format_size
from standbyctl.domain.staging import address_list
from standbyctl.nodes.servers import alter_system, in_auto_conf
from standbyctl.nodes.world import World, script_text

_MB = 1 << 20
TRIES = 3
# The next start will be given these too. Where files are, the trial says itself.
_COMMAND_LINE = """
SELECT name || '=' || setting FROM pg_settings
 WHERE source = 'command line' AND name NOT LIKE '%\\_file' AND name NOT IN ('data_directory', 'ssl') ORDER BY name
"""
# As the next start will have it: the command line, else the last line of a file, else what it was built with.
_LISTEN = """
SELECT CASE WHEN source IN ('command line', 'environment variable') THEN setting ELSE coalesce((
         SELECT f.setting FROM pg_show_all_file_settings() AS f WHERE f.name = s.name ORDER BY f.seqno DESC LIMIT 1
       ), boot_val) END
  FROM pg_settings AS s WHERE name = 'listen_addresses'
"""
RESOLVE_SECONDS = 20
_FAULTS = """
SELECT format('%s line %s, %s = %s: %s', sourcefile, sourceline, name, setting, error)
  FROM pg_show_all_file_settings() AS f
 WHERE error IS NOT NULL AND NOT EXISTS (SELECT FROM pg_settings AS s WHERE s.name = f.name AND s.pending_restart)
"""


def try_start(effect: fx.TryStart, world: World) -> None:
    """Believe the server's own parser, and a postmaster that gets as far as its shared memory; else take all back."""
    try:
        why = _try(effect, world)
    except StandbyctlError as error:
        why = msg("It could not be tried: {e}", e=error)
    if why is None:
        return
    kept = _take_back(effect, world)
    if effect.unstaged:
        raise _not_without(effect.node, why, kept)
    raise TakenBackError(
        "S303",
        msg("{node} would not start with what was staged", node=effect.node),
        detail=why,
        hint=msg("Mend the cause, or ask for less; then run the same command again."),
        state=msg(
            "What was written is taken back, but for what somebody has changed meanwhile: {n}.", n=", ".join(kept)
        )
        if kept
        else msg("Everything that was written is taken back: nothing is left changed."),
    )


def _not_without(node: str, why: Message, kept: tuple[str, ...]) -> TakenBackError:
    return TakenBackError(
        "S303",
        msg("{node} would not start without what was staged", node=node),
        detail=why,
        hint=msg("Mend the cause in its files; then run the same command again."),
        state=msg("What was staged is put back, but for what somebody has changed meanwhile: {n}.", n=", ".join(kept))
        if kept
        else msg("Everything that was staged is put back: nothing is left changed."),
    )


def _try(effect: fx.TryStart, world: World) -> Message | None:
    session = world.doors[effect.node].server.session()
    try:
        # Reading the files marks, in this session, what waits for a restart as pending (all versions).
        session.rows("SELECT count(*) FROM pg_show_all_file_settings()")
        if faults := session.rows(_FAULTS):
            return msg("{fault}", fault=faults[0][0])
        given = [word for row in session.rows(_COMMAND_LINE) for word in ("-c", str(row[0]))]
        [(listen,)] = session.rows(_LISTEN)
    finally:
        session.close()
    if not effect.trial.bin_directory:
        return None
    return _start(effect, world, given) or _listen(effect, str(listen))


def _listen(effect: fx.TryStart, listen: str) -> Message | None:
    """A server starts where it can listen on one of its addresses (all versions); what is staged must all be good."""
    named = address_list(listen)
    if named is None:
        return msg('listen_addresses = "{text}" is no list of addresses.', text=listen)
    faults = {name: why for name in named if (why := _bound(name))}
    staged = any(each.name == "listen_addresses" for each in effect.settings)
    if not faults or not (staged or len(faults) == len(named)):
        return None
    each = "; ".join(f"{name}: {why}" for name, why in faults.items())
    return msg("listen_addresses = '{text}': it could not listen there ({each}).", text=listen, each=each)


def _bound(name: str) -> str:
    """Why this host cannot listen there; empty where it can. A free port: that of the server is its own."""
    said = [f"no answer of the resolver in {RESOLVE_SECONDS} s"]
    # getaddrinfo knows no deadline.
    looking = threading.Thread(target=lambda: said.append(_bind(name)), daemon=True)
    looking.start()
    looking.join(RESOLVE_SECONDS)
    return said[-1]


def _bind(name: str) -> str:
    why = ""
    try:
        found = socket.getaddrinfo(None if name == "*" else name, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found:
            try:
                with socket.socket(family, kind, protocol) as line:
                    line.bind(address)
            except OSError as error:
                why = why or error.strerror or str(error)
            else:
                return ""
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error)
    return why


def _start(effect: fx.TryStart, world: World, given: list[str]) -> Message | None:
    """As far as a start goes before it serves anybody (try_start.sh)."""
    trial, host = effect.trial, world.doors[effect.node].host
    by = "start" if trial.by_start else "question"
    args = (by, trial.bin_directory, trial.data_directory, trial.config_file, *given)
    done = host.script(script_text("try_start.sh"), secrets.token_hex(8), *args)
    for _ in range(TRIES - 1):  # pg_control may be written to just as it is copied
        if done.status != 0:
            done = host.script(script_text("try_start.sh"), secrets.token_hex(8), *args)
    if done.status != 0:
        said = " | ".join(done.stderr.splitlines())
        return msg("{e}", e=said) if said else msg("postgres: exit status {n}", n=done.status)
    needs, has = (int(word) for word in done.stdout.split()[-2:])
    if needs >= has:
        return msg(
            "It would take {needs} of shared memory, and this host has {has}.",
            needs=format_size(needs * _MB),
            has=format_size(has * _MB),
        )
    return None


def _take_back(effect: fx.TryStart, world: World) -> tuple[str, ...]:
    """The last one first; or put back, the first one first. What somebody has changed since is theirs, and named."""
    kept = []
    for each in effect.settings if effect.unstaged else reversed(effect.settings):
        wrote, before = (each.was, each.value) if effect.unstaged else (each.value, each.was)
        session = world.doors[effect.node].server.session()
        try:
            present = in_auto_conf(session, each.name)
        finally:
            session.close()
        if present == wrote:
            alter_system(fx.AlterSystem(effect.node, each.name, before, wrote, wrote is None), world)
        elif present != before:
            kept.append(each.name)
    return tuple(kept)
