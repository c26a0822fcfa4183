"""P139: the standby that another standby streams from."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "P139",
        msg("the standby to stream from"),
        means=msg(
            "A standby was named to stream from instead of the primary (--upstream), and it is none of this primary, is"
            " on another timeline, does not stream or replay, or follows the new standby itself."
        ),
        why=msg(
            "A standby sends on what it has received (cascading replication). Its slot, its pg_hba.conf and its copy"
            " spare the primary; but roles and commits are made on the primary only, and reach the new standby by way"
            " of the upstream. So an upstream that gets nothing, replays nothing or is on a history of its own feeds"
            " no standby of that primary. Where it is promoted, its standbys go with it (all versions)."
        ),
        do=(
            msg(
                "On the upstream, see whether it is in recovery and streams, and from whom:"
                "\nSELECT pg_is_in_recovery(), pg_is_wal_replay_paused();"
                "\nSELECT status, sender_host, sender_port, received_tli"
                "\n  FROM pg_stat_wal_receiver;"
            ),
            msg("If its replay is paused, go on there:\nSELECT pg_wal_replay_resume();"),
            msg("On the primary, if full_page_writes is off:\nALTER SYSTEM SET full_page_writes = on;"),
            msg("Or stream from the primary: leave --upstream out."),
        ),
    ),
)
