"""A server at one moment: one question, and a second one now and then."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from standbyctl.domain.errors import CannotTellError, NotLetInError
from standbyctl.domain.lsn import parse_lsn
from standbyctl.domain.message import msg
from standbyctl.domain.rights import grants
from standbyctl.domain.samples import NodeSample, ReceiverSample, SenderSample, SlotSample, Slower
from standbyctl.nodes.ports import Clock, Host, Server
from standbyctl.observe.room import free_for_wal
from standbyctl.observe.texts import text

SLOWER_SECONDS = 30.0
_CONNECT_SECONDS = 30.0
# A change of these is an event: they decide whether a standby lives, or who waits for it.
TOLD = (
    "archive_mode", "hot_standby_feedback", "max_slot_wal_keep_size", "max_wal_size", "primary_conninfo",
    "primary_slot_name", "recovery_min_apply_delay", "synchronous_commit", "synchronous_standby_names",
    "wal_keep_segments", "wal_keep_size", "wal_level",
)  # fmt: skip
_WHO = """
SELECT system_identifier::text, to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00'),
       extract(epoch FROM pg_postmaster_start_time())::bigint, current_setting('port'),
       current_setting('server_version_num')::int,
       current_setting('cluster_name'), quote_ident(current_user), pg_has_role('pg_read_all_stats', 'USAGE'),
       pg_has_role('pg_read_all_settings', 'USAGE'), has_function_privilege('pg_ls_waldir()', 'EXECUTE'),
       -- Who is hung up on must not go on for a minute: each new connection would be one more of them.
       set_config('statement_timeout', '3s', false)
  FROM pg_control_system()
"""
_WALDIR = """
SELECT jsonb_build_array(sum(size)::bigint, coalesce(sum(size) FILTER (WHERE name > w.current), 0)::bigint)
  FROM pg_ls_waldir(), LATERAL (
    SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_lsn()) END AS current) AS w
 WHERE name ~ '^[0-9A-F]{24}$'
"""


# What primary_conninfo may hold, and nobody else is to know.
_PASSWORD = re.compile(r"""\bpassword\s*=\s*('(?:[^'\\]|\\.)*'|\S+)""")


class Sampler:
    """Asks one server again and again, by one connection. Who it is is asked once for each start of it."""

    def __init__(
        self, name: str, server: Server, clock: Clock, host: Host | None = None, *, by_ssh: bool = False
    ) -> None:
        self.name, self.server, self._clock, self._host, self.by_ssh = name, server, clock, host, by_ssh
        self._who: tuple[Any, ...] | None = None
        self._started = ""
        self._slower: Slower | None = None
        self._slower_at = float("-inf")

    def open(self) -> None:
        """Let ssh connect, which takes longer than a question."""
        if self.by_ssh and self._host is not None:
            self._host.script(":", timeout_seconds=_CONNECT_SECONDS)

    def sample(self, timeout_seconds: float) -> NodeSample:
        """The server now; raises CannotTellError, and asks anew who it is the next time."""
        try:
            if self._who is None:
                [self._who] = self.server.observe(_WHO, timeout_seconds=timeout_seconds)
                self._check_rights()
                if self._started != self._who[1]:  # of another start everything may be otherwise
                    self._started, self._slower_at = self._who[1], float("-inf")
            before = self._clock.monotonic()
            [(raw,)] = self.server.observe(text("sample.sql"), timeout_seconds=timeout_seconds)
            after = self._clock.monotonic()
        except Exception:
            self._who = None
            raise
        if after - self._slower_at >= SLOWER_SECONDS:
            self._slower_at = after
            # A directory of 100,000 segments, or a volume that hangs, must not make the server look away.
            with contextlib.suppress(CannotTellError):
                self._slower = self._ask_slower(timeout_seconds)
        return self._read(raw, (before + after) / 2)

    def close(self) -> None:
        """End the connection."""
        self.server.close()

    def _check_rights(self) -> None:
        assert self._who is not None
        *_, user, sees_statistics, _, _, _ = self._who
        if not sees_statistics:
            raise NotLetInError(
                "P116",
                msg("the role {user} lacks rights on {node}", user=user, node=self.name),
                detail=msg("It is no superuser, and may not: see settings and statistics."),
                hint=msg("Connect as a superuser, or have one run:").followed_by(grants({"monitor"}, user)),
            )

    def _free(self, data_directory: str | None, timeout_seconds: float) -> int | None:
        """On the volume of pg_wal; None where this is not its host, or that cannot be seen there."""
        assert self._who is not None
        if self._host is None or data_directory is None:
            return None
        _, _, started, port, *_ = self._who
        return free_for_wal(self._host, data_directory, port, str(started), timeout_seconds)

    def _ask_slower(self, timeout_seconds: float) -> Slower:
        assert self._who is not None
        sees_waldir = self._who[-2]
        query = text("slower.sql").replace("[waldir]", _WALDIR if sees_waldir else "NULL::jsonb")
        [(raw,)] = self.server.observe(query, {"told": list(TOLD)}, timeout_seconds=timeout_seconds)
        wal_bytes, ahead_bytes = raw["wal"] or (None, None)
        cap = raw["cap_megabytes"]
        return Slower(
            lsn=_lsn(raw["lsn"]),
            wal_bytes=wal_bytes,
            wal_ahead_bytes=ahead_bytes,
            archiver_failing=raw["archiver_failing"],
            archiver_failing_since=raw["archiver_failing_since"] if raw["archiver_failing"] else None,
            free_bytes=self._free(raw["data_directory"], timeout_seconds),
            cap_bytes=None if cap is None else cap << 20,
            data_directory=raw["data_directory"],
            settings=tuple(sorted((name, _PASSWORD.sub("", value)) for name, value in raw["settings"].items())),
        )

    def _read(self, raw: Mapping[str, Any], at: float) -> NodeSample:
        assert self._who is not None
        system, started_at, _, port, version_num, cluster_name, _, _, settings, waldir, _ = self._who
        seen = {"pg_read_all_settings": settings, "pg_monitor": waldir}
        return NodeSample(
            name=self.name,
            at=at,
            clock=raw["clock"],
            system_identifier=system,
            started_at=started_at,
            port=int(port),
            version_num=version_num,
            in_recovery=raw["in_recovery"],
            timeline=raw["timeline"],
            lsn=_lsn(raw["lsn"]),
            receive_lsn=_lsn(raw["receive_lsn"]),
            replay_lsn=_lsn(raw["replay_lsn"]),
            committed=raw["committed"],
            paused=raw["paused"],
            receiver=_receiver(raw["receiver"]),
            senders=tuple(map(_sender, raw["senders"])),
            slots=tuple(map(_slot, raw["slots"])),
            cluster_name=cluster_name,
            slower=self._slower,
            lacks=tuple(role for role, has in seen.items() if not has),
        )


def _lsn(value: str | None) -> int | None:
    return None if value is None else parse_lsn(value)


def _receiver(raw: Mapping[str, Any] | None) -> ReceiverSample | None:
    if raw is None:
        return None
    return ReceiverSample(raw["status"], raw["slot"], raw.get("host"), raw.get("port"), raw["application_name"])


def _sender(raw: list[Any]) -> SenderSample:
    name, state, client, slot, sync_state, logical, *positions = raw
    sent, write, flush, replay = map(_lsn, positions)
    return SenderSample(name, state, client, slot, sync_state, sent, write, flush, replay, logical)


def _slot(raw: Mapping[str, Any]) -> SlotSample:
    return SlotSample(
        name=raw["name"],
        slot_type=raw["slot_type"],
        active=raw["active"],
        wal_status=raw.get("wal_status"),
        retained_bytes=raw["retained_bytes"],
        safe_bytes=raw.get("safe_bytes"),
        database=raw["database"],
        xmin_age=raw["xmin_age"],
        inactive_since=raw.get("inactive_since"),
        invalidation_reason=raw.get("invalidation_reason"),
        synced=raw.get("synced") or False,
    )
