"""S3xx: settings that were staged for the primary's next restart."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "S301",
        msg("a staged setting waits for a restart"),
        means=msg("It stands in postgresql.auto.conf, and the primary still runs with the old value."),
        why=msg(
            "These settings are read at server start only, on every version. standbyctl never restarts a"
            " primary; any restart, planned or not, puts them into force."
        ),
        do=(
            msg("See what waits:\nSELECT name, setting FROM pg_settings WHERE pending_restart;"),
            msg("Restart the primary in a window of your own, then attach."),
            msg("Or take it back; nothing has felt it yet:\nstandbyctl plan --unstage"),
        ),
    ),
    Entry(
        "S302",
        msg("somebody else has set it"),
        means=msg(
            "A setting that is to be staged, or was staged, has another value in the primary's files, by somebody else."
        ),
        why=msg(
            "What others have set for the next restart is theirs: it is neither overwritten nor taken back, and"
            " two plans for one restart are agreed upon by people."
        ),
        do=(
            msg(
                "See where it stands; the last line counts:"
                "\nSELECT sourcefile, sourceline, setting, applied, error"
                "\n  FROM pg_file_settings WHERE name = 'NAME' ORDER BY seqno;"
            ),
            msg("If that value suffices for a standby, leave it, and wait for the restart."),
            msg("Else agree with whoever wrote it; then take it out, and stage again:\nALTER SYSTEM RESET NAME;"),
        ),
    ),
    Entry(
        "S303",
        msg("the server would not start with what was staged"),
        means=msg(
            "PostgreSQL, asked on the primary's own configuration with the staged values, has refused them; or its host"
            " cannot listen on an address of listen_addresses."
        ),
        why=msg(
            "A value that is wrong is noticed at the restart, when the server is down already. postgres -C"
            " shared_memory_size (15 and later) goes as far as a start does before it takes any memory: it reads"
            " the files, refuses what does not go together (wal_level = minimal with max_wal_senders above 0)"
            " and loads the libraries. Up to 14 a postmaster is begun on copies, and ends before any process. Neither"
            " listens: each address of listen_addresses is resolved, and bound at a free port. What is refused is"
            " taken back at once; after --unstage, put back."
        ),
        do=(
            msg("Read DETAIL: PostgreSQL's own words name the setting."),
            msg("Mend that, or ask for less; then run the same command again."),
            msg(
                "By hand it can be asked of a server that is stopped, as its user (15 and later):"
                "\npostgres -C shared_memory_size -D DATA_DIRECTORY"
            ),
        ),
    ),
    Entry(
        "S304",
        msg("a value that is not staged"),
        means=msg(
            "What was asked for is less than what is in force (a lower value, or addresses that are left out), or more"
            " than the server can start with."
        ),
        why=msg(
            "Fewer walsenders or slots than are in use, or a wal_level below what a slot needs, keep the server"
            " from starting. The sum of max_connections, autovacuum's workers, max_worker_processes and"
            " max_wal_senders is bounded too (262143). Whoever connects by an address that listen_addresses has no more"
            " finds nobody after the restart."
        ),
        do=(
            msg("Leave the option out: what is in force then stays, or the default is staged."),
            msg("See what is in force:\nSHOW wal_level;\nSHOW max_wal_senders;\nSHOW max_replication_slots;"),
        ),
    ),
    Entry(
        "S305",
        msg("given on the server's command line"),
        means=msg("The setting is an argument of the postgres command: no file, and so nothing staged, changes it."),
        why=msg(
            "The command line wins over postgresql.conf and postgresql.auto.conf. A service unit, a container's"
            " arguments or pg_ctl -o put it there."
        ),
        do=(
            msg("See which are:\nSELECT name, setting FROM pg_settings WHERE source = 'command line';"),
            msg("Change how the server is started, for its next start:\nsystemctl cat UNIT"),
        ),
    ),
    Entry(
        "S307",
        msg("a staged setting that is in use"),
        means=msg("It is in force by now, and something needs it: it is not taken back."),
        why=msg(
            "Back at the old value, the next restart would end it, or fail: with walsenders or slots in use, or"
            " a slot that needs the wal_level, the server does not start; nor does it, up to 17, with fewer"
            " max_replication_slots than replication origins have progress on disk. A standby without a slot that is"
            " only away for the moment is lost with the first restart at wal_level = minimal."
        ),
        do=(
            msg("Keep it: a higher limit harms nobody."),
            msg("Or detach first what needs it:\nstandbyctl detach NAME"),
        ),
    ),
)
