"""P137: the standby that a copy is taken from."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "P137",
        msg("the source of the copy"),
        means=msg(
            "A standby was named to be copied instead of the primary (--copy-from), and it is none of this primary, is"
            " on another timeline, lacks what a copy of it needs, or does not answer."
        ),
        why=msg(
            "A base backup of a standby begins at its last restartpoint and ends where its data files are consistent;"
            " it fails where the standby is promoted meanwhile, or WAL was written with full_page_writes off (all"
            " versions). The new standby goes on with the primary's WAL from there. The source needs walsenders and a"
            " rule in its own pg_hba.conf for that; its file is its own, and is not edited."
        ),
        do=(
            msg(
                "On the standby, see whether it is in recovery and streams, and from whom:"
                "\nSELECT pg_is_in_recovery(), pg_is_wal_replay_paused();"
                "\nSELECT status, sender_host, sender_port, received_tli"
                "\n  FROM pg_stat_wal_receiver;"
            ),
            msg("See its free walsenders:\nSELECT count(*) FROM pg_stat_replication;\nSHOW max_wal_senders;"),
            msg("Let the role in there: put the line that the refusal prints into its pg_hba.conf, and reload it."),
            msg("On the primary, if full_page_writes is off:\nALTER SYSTEM SET full_page_writes = on;"),
            msg("Or copy the primary: leave --copy-from out, and bound the load with --max-rate."),
        ),
    ),
)
