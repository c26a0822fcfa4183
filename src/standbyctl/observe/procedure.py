"""The questions that the procedure has people ask by hand, to the letter but for line breaks."""

from __future__ import annotations

from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass
from standbyctl.nodes.ports import Server


@dataclass(frozen=True, slots=True)
class Question:
    """`of`: role of the server that is asked. `beware`: where what it answers is not what it seems to be."""

    of: str
    sql: str
    columns: tuple[str, ...]
    beware: Message


@dataclass(frozen=True, slots=True)
class Replies:
    """What a server has answered to one of them."""

    node: str
    question: Question
    rows: tuple[tuple[str | None, ...], ...]


QUESTIONS = (
    Question(
        "primary",
        "SELECT client_addr, usename, application_name, state, sync_state,\n"
        "       pg_wal_lsn_diff(pg_current_wal_lsn(), sent_lsn) AS sent_lag,\n"
        "       pg_wal_lsn_diff(pg_current_wal_lsn(), write_lsn) AS write_lag,\n"
        "       pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn) AS flush_lag,\n"
        "       pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) AS replay_lag\n"
        "  FROM pg_stat_replication",
        ("client_addr", "usename", "application_name", "state", "sync_state", "sent_lag", "write_lag", "flush_lag",
         "replay_lag"),
        msg("Bytes. A standby that is cut off has no row here: nothing is not the same as no lag."),
    ),
    Question(
        "primary",
        "SELECT pg_current_wal_lsn(), pg_walfile_name(pg_current_wal_lsn())",
        ("pg_current_wal_lsn", "pg_walfile_name"),
        msg("One moment of the primary; the standby's is asked at another."),
    ),
    Question(
        "standby",
        "SELECT pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(),\n"
        "       pg_last_xact_replay_timestamp(),\n"
        "       extract(epoch from now() - pg_last_xact_replay_timestamp()) AS replay_lag_seconds",
        ("pg_last_wal_receive_lsn", "pg_last_wal_replay_lsn", "pg_last_xact_replay_timestamp", "replay_lag_seconds"),
        msg("replay_lag_seconds grows on an idle primary, and has the difference between two hosts' clocks in it."),
    ),
    Question(
        "primary",
        "SELECT slot_name, slot_type, active, restart_lsn, confirmed_flush_lsn\n  FROM pg_replication_slots",
        ("slot_name", "slot_type", "active", "restart_lsn", "confirmed_flush_lsn"),
        msg("How much a slot holds, and when that fills the volume, is not in it: standbyctl slots list"),
    ),
)  # fmt: skip


def ask(server: Server, node: str, question: Question, timeout_seconds: float) -> Replies:
    """One of them; raises CannotTellError. Values as text, as psql shows them."""
    values = ", ".join(f"q.{name}::text" for name in question.columns)
    rows = server.observe(f"SELECT {values} FROM ({question.sql}) AS q", timeout_seconds=timeout_seconds)
    return Replies(node, question, tuple(rows))
