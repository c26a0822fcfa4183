"""What is known of a server's slots. Needs no right but those of whatever is to be done about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.facts import Facts, Node, Server, Slot
from standbyctl.domain.slots import CAP, SYNCHRONIZED, WAL_KEEP, SlotSeen, SlotsSample, Stream
from standbyctl.nodes.ports import Clock, Host
from standbyctl.nodes.ports import Server as Door
from standbyctl.observe.look import rights_asked, rights_query
from standbyctl.observe.managers import TELLING_ROLES, find_managed, find_managers
from standbyctl.observe.reading import parse_partly
from standbyctl.observe.room import free_for_wal
from standbyctl.observe.texts import text

SETTINGS = (
    "allow_alter_system", "data_directory", "idle_replication_slot_timeout", "max_replication_slots", CAP,
    "max_wal_size", "shared_preload_libraries", SYNCHRONIZED, "synchronous_standby_names", WAL_KEEP, "wal_level",
    "wal_segment_size",
)  # fmt: skip
# To see what the files say: one function, and where the data directory is.
SEEING_FILES = ("monitor", "file settings")
_UNSEEN = (
    "(SELECT ''::text AS name, ''::text AS setting, 0 AS seqno, ''::text AS sourcefile, 0 AS sourceline,"
    " ''::text AS error WHERE false)"
)
_WRITTEN = """
SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                            ELSE pg_current_wal_insert_lsn() END, '0/0')::bigint,
       extract(epoch FROM clock_timestamp())::float
"""
_STARTED = "SELECT current_setting('port'), extract(epoch FROM pg_postmaster_start_time())::bigint::text"
_MEASURE_SECONDS = 0.7


def look_at_slots(server: Door, node: str) -> tuple[Facts, SlotsSample]:
    """The slots, the parameters that bound them, and who reads; raises CannotTellError."""
    [(lacks,)] = server.observe(rights_query(), rights_asked(CAP, WAL_KEEP))
    [(raw,)] = server.observe(*slots_query(files=not set(SEEING_FILES) & set(lacks)))
    return Facts((Node(node, server=parse_slots(raw)),)), parse_slots_sample(raw)


def slots_query(*, files: bool) -> tuple[str, dict[str, list[str]]]:
    """What is asked. `files`: with what the files say; a function is checked for its right wherever it stands."""
    seen = "pg_show_all_file_settings()" if files else _UNSEEN
    query = text("slots.sql").replace("[files] AS", f"{seen} AS").replace("([rights])", f"({rights_query()})")
    return query, {
        "settings": list(SETTINGS),
        "telling_roles": list(TELLING_ROLES),
        **rights_asked(CAP, WAL_KEEP),
    }


def parse_slots(raw: Mapping[str, Any]) -> Server:
    """Only what matters to slots is filled in."""
    permanent = (each for each in raw["slots"] if not each["temporary"])
    return parse_partly(
        raw, (Slot(each["name"], each["slot_type"], each["wal_status"] == "lost") for each in permanent)
    )


def parse_slots_sample(raw: Mapping[str, Any]) -> SlotsSample:
    """What moves."""
    return SlotsSample(
        slots=tuple(SlotSeen(**each) for each in raw["slots"]),
        streams=tuple(Stream(**each) for each in raw["streams"]),
        managers=tuple(find_managers(raw)),
        managed=tuple(find_managed(raw)),
        monitor="monitor" not in raw["lacks"],
    )


def sample_wal_rate(server: Door, clock: Clock) -> float | None:
    """WAL a second over a moment; None where there was no telling."""
    [(first, began)] = server.observe(_WRITTEN)
    clock.sleep(_MEASURE_SECONDS)
    [(second, ended)] = server.observe(_WRITTEN)
    if first is None or second is None or ended <= began:
        return None
    return float((second - first) / (ended - began))


def sample_room(server: Door, host: Host, data_directory: str) -> int | None:
    """What is free where pg_wal is; None where that cannot be seen from here."""
    try:
        [(port, started)] = server.observe(_STARTED)
    except CannotTellError:
        return None
    return free_for_wal(host, data_directory, port, started)
