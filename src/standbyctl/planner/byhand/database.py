"""What is typed into psql."""

from __future__ import annotations

from standbyctl.domain import effects as fx
from standbyctl.domain.deed import literally
from standbyctl.domain.hand import Hand, Kind, psql
from standbyctl.domain.message import msg


def statement(effect: fx.Sql) -> tuple[Hand, ...]:
    """As it is: its guard is in it, so that it may do nothing, and says so by no row."""
    seen = msg("one row: otherwise it was not done")
    if effect.statement.startswith("DO "):
        seen = msg("DO; nothing is dropped that is no longer as it was made: \\du shows whether it is gone")
    if (verb := effect.statement.partition(" ")[0]) in {"GRANT", "REVOKE"}:
        seen = literally(verb)
    return (psql(effect.node, str(effect), expected=seen),)


def reload(effect: fx.Reload) -> tuple[Hand, ...]:
    """What the files say is asked before: a reload puts into force whatever else stands in them."""
    return (
        psql(
            effect.node,
            "SELECT sourcefile, sourceline, name, setting, error FROM pg_file_settings WHERE error IS NOT NULL;",
            expected=msg("no row, or only those that wait for a restart and are known"),
        ),
        psql(effect.node, str(effect), expected=literally("t")),
    )


def alter_system(effect: fx.AlterSystem) -> tuple[Hand, ...]:
    """Guarded by what stands there: whoever has changed it since wants it so."""
    present = f"SELECT setting FROM pg_file_settings WHERE name = '{effect.name}' AND sourcefile LIKE '%.auto.conf';"
    if effect.unset:
        guard = psql(effect.node, present, expected=msg("no row: nobody has set it with ALTER SYSTEM"))
    elif effect.expected is not None:
        guard = psql(effect.node, present, expected=msg("{value}, and nothing else", value=effect.expected))
    else:
        guard = psql(effect.node, present, expected=msg("the value to go back to: write it down"))
    return guard, psql(effect.node, str(effect), expected=msg("ALTER SYSTEM"))


def set_by_hand(effect: fx.AwaitSettings) -> tuple[Hand, ...]:
    """In files that others keep; it is in force after a reload."""
    seen = msg("whoever keeps that file has set it")
    lines = (Hand(effect.node, Kind.INSERT, str(each), seen, path=each.file) for each in effect.wanted)
    names = ", ".join(f"'{each.parameter}'" for each in effect.wanted)
    values = ", ".join(map(str, effect.wanted))
    return (
        *lines,
        *reload(fx.Reload(effect.node)),
        psql(
            effect.node,
            f"SELECT name, setting, unit FROM pg_settings WHERE name IN ({names});",
            expected=msg("at least {values}", values=values),
        ),
    )


def until(effect: fx.WaitUntil) -> tuple[Hand, ...]:
    """Asked again until it is so."""
    seen = msg("t, within {n} s: ask again until then", n=effect.timeout_seconds)
    return (psql(effect.node, f"SELECT {effect.question};", expected=seen),)


def until_replayed(effect: fx.AwaitReplay) -> tuple[Hand, ...]:
    """Two servers are asked, and a person compares."""
    hands = [
        psql(effect.primary, "SELECT pg_current_wal_flush_lsn();", expected=msg("an LSN: write it down")),
        psql(
            effect.node,
            "SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn();",
            expected=msg("t, and an LSN not before that one, within {n} s", n=effect.timeout_seconds),
        ),
    ]
    if effect.slot:
        hands.insert(
            0,
            psql(
                effect.primary,
                "SELECT restart_lsn <= redo_lsn FROM pg_replication_slots, pg_control_checkpoint()"
                f" WHERE slot_name = '{effect.slot}';",
                expected=msg("t: the checkpoint that the slot begins with is done"),
            ),
        )
    return tuple(hands)


def prove(effect: fx.Prove) -> tuple[Hand, ...]:
    """A commit without a table: a message in the WAL."""
    return (
        psql(
            effect.upstream,
            "SELECT pg_logical_emit_message(true, 'standbyctl', 'by hand');",
            "SELECT pg_current_wal_flush_lsn();",
            expected=msg("an LSN: write it down"),
        ),
        psql(
            effect.node,
            "SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn();",
            expected=msg("t, and an LSN not before that one, within {n} s", n=effect.timeout_seconds),
        ),
    )


def check_wal(effect: fx.CheckWal) -> tuple[Hand, ...]:
    """One file."""
    query = f"SELECT name FROM pg_ls_waldir() WHERE substr(name, 9) = '{effect.wal_file[8:]}';"
    return (psql(effect.node, query, expected=msg("one row: otherwise stop")),)
