"""Effects on servers."""

from __future__ import annotations

import secrets

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.message import msg
from standbyctl.domain.progress import Answer, Note
from standbyctl.nodes.ports import Server, Session
from standbyctl.nodes.waiting import wait
from standbyctl.nodes.world import World, script_text

_RELOAD_SECONDS = 15
TRY_SECONDS = 30
_START_AGAIN_SECONDS = 660
_WAITING_SYNCHRONOUS = """
SELECT f.setting FROM (SELECT setting FROM pg_show_all_file_settings()
                        WHERE name = 'synchronous_standby_names'
                        ORDER BY seqno DESC LIMIT 1) AS f
 WHERE f.setting NOT IN ('', current_setting('synchronous_standby_names'))
"""
_AUTO_CONF = (
    "SELECT setting FROM pg_show_all_file_settings() WHERE name = %s"
    " AND sourcefile = current_setting('data_directory') || '/postgresql.auto.conf' ORDER BY seqno DESC LIMIT 1"
)
# What is set for our own role or database is not what the server runs with: then the files have to do.
_IN_FORCE = """
SELECT s.name, CASE WHEN s.source NOT IN ('client', 'database', 'user', 'database user') THEN s.setting
       ELSE coalesce((SELECT f.setting FROM pg_show_all_file_settings() AS f WHERE f.name = s.name
                       ORDER BY f.seqno DESC LIMIT 1), s.boot_val) END
  FROM pg_settings AS s WHERE s.name = ANY (%s)
"""


def run_sql(effect: fx.Sql, world: World) -> None:
    """One statement."""
    session = world.doors[effect.node].server.session(effect.database)
    try:
        rows = session.rows(effect.statement)
    finally:
        session.close()
    if rows:
        answer = "; ".join(", ".join(map(_word, row)) for row in rows)
        world.tell(Answer(msg("answer: {rows}", rows=answer)))
    elif effect.statement.startswith("SELECT "):
        world.tell(Answer(msg("answer: no row")))


def _word(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(_word, value))
    return "-" if value is None else str(value)


def once(server: Server, statement: str, *params: object) -> list[tuple[object, ...]]:
    """One statement in a session of its own."""
    session = server.session()
    try:
        return session.rows(statement, *params)
    finally:
        session.close()


def reload(effect: fx.Reload, world: World) -> None:
    """Reload, and see that a session begun afterwards has the new configuration."""
    server = world.doors[effect.node].server
    session = server.session()
    try:
        if waiting := session.rows(_WAITING_SYNCHRONOUS):
            raise StoppedError(
                "P110",
                msg("a reload of {node} would make its commits wait", node=effect.node),
                detail=msg("synchronous_standby_names = '{v}' stands in a file, not loaded yet.", v=waiting[0][0]),
                hint=msg("Reload it yourself if it is meant, or take it out; then run the same command again."),
            )
        before = session.rows("SELECT pg_conf_load_time(), pg_reload_conf()")[0][0]
    finally:
        session.close()
    wait(
        world,
        lambda: once(server, "SELECT pg_conf_load_time()")[0][0] != before,
        _RELOAD_SECONDS,
        0.02,
        lambda: StoppedError(
            "A204",
            msg("{node} has not reloaded its configuration", node=effect.node),
            detail=msg("pg_reload_conf() was called {n} s ago.", n=_RELOAD_SECONDS),
            hint=msg("Look at the log of {node}, then run the same command again.", node=effect.node),
        ),
    )


def alter_system(effect: fx.AlterSystem, world: World) -> None:
    """Set or reset; where a value is expected in postgresql.auto.conf, only if it still is there."""
    session = world.doors[effect.node].server.session()
    try:
        value = in_auto_conf(session, effect.name)
        if value == effect.value:
            return
        if (effect.expected is not None or effect.unset) and value != effect.expected:
            raise StoppedError(
                "A204",
                msg("somebody has just changed {name} on {node}", name=effect.name, node=effect.node),
                hint=msg("Run the same command again: it looks anew."),
            )
        session.rows(str(effect))
    finally:
        session.close()


def in_auto_conf(session: Session, name: str) -> str | None:
    """What stands in postgresql.auto.conf now."""
    present = session.rows(_AUTO_CONF, name)
    return str(present[0][0]) if present else None


def prove(effect: fx.Prove, world: World) -> None:
    """A transactional message needs no table and writes a commit record (all versions, wal_level replica)."""
    upstream, standby = world.doors[effect.upstream].server, world.doors[effect.node].server
    same = "SELECT system_identifier::text FROM pg_control_system()"
    if upstream.observe(same) != standby.observe(same):
        raise StoppedError(
            "A206",
            msg("{node} is not a copy of {upstream}", node=effect.node, upstream=effect.upstream),
            detail=msg("Their system identifiers differ."),
        )
    session = upstream.session()
    try:
        session.rows("SELECT pg_logical_emit_message(true, 'standbyctl', %s)", secrets.token_hex(8))
        lsn = str(session.rows("SELECT pg_current_wal_flush_lsn()::text")[0][0])
    finally:
        session.close()
    began = world.clock.monotonic()
    wait(
        world,
        lambda: standby.observe("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", lsn) == [(True,)],
        effect.timeout_seconds,
        0.002,
        lambda: StoppedError(
            "A206",
            msg("{node} has not replayed a marked commit of {upstream}", node=effect.node, upstream=effect.upstream),
            detail=msg("Commit {lsn} is not there after {n} s.", lsn=lsn, n=effect.timeout_seconds),
            hint=msg("It may be catching up: standbyctl status shows how far. Then run the same command again."),
        ),
    )
    took = (world.clock.monotonic() - began) * 1000
    world.tell(
        Note(
            msg(
                "commit {lsn} of {upstream} replayed on {node} after {ms} ms",
                lsn=lsn,
                upstream=effect.upstream,
                node=effect.node,
                ms=f"{took:.0f}",
            )
        )
    )


def start(effect: fx.StartServer, world: World) -> None:
    """Start it."""
    if effect.service.managed:
        _by_service(world, "start_service.sh", effect, effect.service.log_path(effect.data_directory))
        return
    world.run(
        effect.node,
        "start.sh",
        effect.data_directory,
        effect.bin_directory,
        effect.started_by,
        timeout_seconds=660,
        after=("alive.sh",),
    )


def stop(effect: fx.StopServer, world: World) -> None:
    """Stop it."""
    if effect.service.managed:
        _by_service(world, "stop_service.sh", effect, effect.bin_directory, effect.system_identifier)
        return
    world.run(
        effect.node,
        "stop.sh",
        effect.data_directory,
        effect.bin_directory,
        effect.started_by,
        effect.system_identifier,
        timeout_seconds=660,
        after=("alive.sh",),
    )


def set_unit(effect: fx.SetUnit, world: World) -> None:
    """Enable it, or disable it."""
    verb = "enable" if effect.enabled else "disable"
    world.run(effect.node, "set_unit.sh", effect.unit, verb, as_root=True)


def _by_service(world: World, script: str, effect: fx.StartServer | fx.StopServer, *more: str) -> None:
    service = effect.service
    args = (effect.data_directory, effect.started_by, service.unit, *service.cluster, *more)
    world.run(effect.node, script, *args, timeout_seconds=660, as_root=service.as_root, after=("alive.sh",))


def await_admission(effect: fx.AwaitAdmission, world: World) -> None:
    """Say what a person has to do, and go on by ourselves once it is done."""
    world.tell(
        Note(
            msg(
                "put this line into {path} on {node}, above any rule that refuses, then reload it:",
                path=effect.path,
                node=effect.node,
            )
        )
    )
    world.tell(Note(msg("    {line}", line=effect.line)))
    host, text = world.doors[effect.standby].host, script_text("try_replication.sh")
    server, tried = world.doors[effect.node].server, [(0.0, "")]

    def admitted() -> bool:
        """A try that fails leaves a FATAL in the log: so only after a reload, and now and then."""
        now, (at, loaded) = world.clock.monotonic(), tried[0]
        reloaded = str(server.observe("SELECT pg_conf_load_time()")[0][0])
        if reloaded == loaded and now - at < TRY_SECONDS:
            return False
        tried[0] = (now, reloaded)
        return host.script(text, effect.bin_directory, effect.conninfo).status == 0

    wait(
        world,
        admitted,
        effect.timeout_seconds,
        1.0,
        lambda: StoppedError(
            "A206",
            msg("{node} has not let the standby in after {n} s", node=effect.node, n=effect.timeout_seconds),
            hint=msg("Run the same command again to go on waiting."),
        ),
    )


def await_settings(effect: fx.AwaitSettings, world: World) -> None:
    """Say what a person has to set, file by file, and go on by ourselves once all of it is in force."""
    for file in dict.fromkeys(each.file for each in effect.wanted):
        world.tell(Note(msg("put this into {file} on {node}, then reload it:", file=file, node=effect.node)))
        for each in effect.wanted:
            if each.file == file:
                world.tell(Note(msg("    {line}", line=each)))
    server = world.doors[effect.node].server

    def in_force() -> bool:
        now = dict(server.observe(_IN_FORCE, [each.parameter for each in effect.wanted]))
        return all(each.accepts(now[each.parameter]) for each in effect.wanted)

    wait(
        world,
        in_force,
        effect.timeout_seconds,
        1.0,
        lambda: StoppedError(
            "A206",
            msg("{node} does not run with these values after {n} s", node=effect.node, n=effect.timeout_seconds),
            detail=msg("{lines}", lines="; ".join(map(str, effect.wanted))),
            hint=msg("Run the same command again to go on waiting."),
        ),
    )


def start_again(effect: fx.StartAgain, world: World) -> None:
    """By whatever started it before."""
    service = effect.service
    world.run(
        effect.node,
        "start_again.sh",
        effect.data_directory,
        effect.bin_directory,
        service.unit if service.as_root else "",
        *service.cluster,
        service.log_path(effect.data_directory),
        timeout_seconds=_START_AGAIN_SECONDS,
        as_root=service.as_root,
        after=("alive.sh", "run_again.sh"),
    )
