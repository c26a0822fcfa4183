"""P1xx: what the primary holds and does that a copy meets, or that does not come along with it."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "P109",
        msg("pg_rewind later"),
        means=msg(
            "Neither data checksums nor wal_log_hints are on, or full_page_writes is off: after a failover the"
            " old primary could not be brought back with pg_rewind."
        ),
        why=msg(
            "pg_rewind copies only the blocks that differ, and finds them in the WAL; hint bits get there only"
            " with one of the two, and it must have been on when the servers diverged. Without it, a new base"
            " backup is the way back. initdb turns checksums on by default since 18. The attach itself needs"
            " none of this."
        ),
        do=(
            msg("At the next restart that is due anyway (it costs some WAL):\nALTER SYSTEM SET wal_log_hints = on;"),
            msg(
                "Or data checksums, while the server is stopped (12 and later; it reads and writes every block):"
                "\npg_checksums --enable -D DATA_DIRECTORY"
            ),
            msg(
                "full_page_writes changes by a reload:\nALTER SYSTEM RESET full_page_writes;\nSELECT pg_reload_conf();"
            ),
        ),
    ),
    Entry(
        "P122",
        msg("other base backups are running"),
        means=msg("Somebody copies this primary just now."),
        why=msg(
            "Base backups do not disturb each other, but each takes one or two walsenders (P103) and reads the"
            " whole cluster from the same disks. pg_stat_progress_basebackup shows them from 13 on."
        ),
        do=(
            msg(
                "See how far they are:"
                "\nSELECT pid, phase, pg_size_pretty(backup_streamed) AS done,"
                "\n       pg_size_pretty(backup_total) AS total"
                "\n  FROM pg_stat_progress_basebackup;"
            ),
            msg("Wait until they end, or spare the disks with a limit: --max-rate 80M"),
        ),
    ),
    Entry(
        "P123",
        msg("long and prepared transactions"),
        means=msg(
            "There are transactions that have been open for long, idle in transaction, or prepared and forgotten."
        ),
        why=msg(
            "A standby answers queries once it knows which transactions were running when its copy began; one"
            " with more than 64 subtransactions delays that until it ends, and attach would wait for it. All of"
            " them keep dead rows from being removed. A prepared transaction survives restarts and holds its"
            " locks on the standby too after a promotion."
        ),
        do=(
            msg(
                "See them:"
                "\nSELECT pid, usename, state, now() - xact_start AS open"
                "\n  FROM pg_stat_activity"
                "\n WHERE xact_start < now() - interval '10 min';"
                "\nSELECT gid, prepared, owner FROM pg_prepared_xacts;"
            ),
            msg("End what nobody waits for:\nSELECT pg_terminate_backend(PID);\nROLLBACK PREPARED 'GID';"),
            msg("Set idle_in_transaction_session_timeout, so that it does not come back (a reload)."),
        ),
    ),
    Entry(
        "P127",
        msg("logical slots and publications"),
        means=msg("The primary feeds logical subscribers. The standby will not, as it is."),
        why=msg(
            "Publications are catalog rows and come along; logical slots do not. After a promotion the"
            " subscribers find no slot. Up to 16 there is no way to move them. From 17 on slots made with"
            " failover = true are synchronised to the standby (sync_replication_slots). A base backup contains"
            " no slots at all."
        ),
        do=(
            msg(
                "See them:"
                "\nSELECT slot_name, plugin, database, active"
                "\n  FROM pg_replication_slots WHERE slot_type = 'logical';"
            ),
            msg(
                "17 and later, on the standby, by a reload; its primary_conninfo needs a dbname too:"
                "\nALTER SYSTEM SET sync_replication_slots = on;"
                "\nALTER SYSTEM SET hot_standby_feedback = on;"
                "\nSELECT pg_reload_conf();"
            ),
            msg(
                "And on the subscriber, while the subscription is disabled:"
                "\nALTER SUBSCRIPTION NAME SET (failover = true);"
            ),
            msg("Up to 16: plan to make the subscriptions anew after a promotion."),
        ),
    ),
    Entry(
        "P128",
        msg("unlogged tables"),
        means=msg("The primary has unlogged tables or sequences: on the standby they are empty, and stay so."),
        why=msg(
            "Their rows are not in the WAL, and a base backup leaves them out. On the standby they cannot even"
            " be read; after a promotion they are there and empty, as after a crash."
        ),
        do=(
            msg(
                "See them, in each database:"
                "\nSELECT oid::regclass, relkind FROM pg_class"
                "\n WHERE relpersistence = 'u' AND relkind IN ('r', 'S');"
            ),
            msg(
                "Where the rows must survive a failover (it writes the table anew, under an exclusive lock):"
                "\nALTER TABLE NAME SET LOGGED;"
            ),
        ),
    ),
    Entry(
        "P132",
        msg("collation versions"),
        means=msg(
            "A collation was built with another version of the C library or ICU than the one in use, or the"
            " versions cannot be compared."
        ),
        why=msg(
            "An index on text is ordered by the library. Where the library on a server orders otherwise (glibc"
            " 2.28 is the famous one), index scans miss rows and unique indexes let duplicates in, without an"
            " error. Collation versions: ICU since 10, libc since 13; of a database since 15. C, POSIX and the"
            " builtin provider (17 and later) cannot change. Some builds record no version: compare the hosts"
            " then."
        ),
        do=(
            msg(
                "See it, 15 and later:"
                "\nSELECT datname, datcollversion,"
                "\n       pg_database_collation_actual_version(oid) FROM pg_database;"
            ),
            msg(
                "In each database (before 15 there is nothing else to go by):"
                "\nSELECT collname, collversion, pg_collation_actual_version(oid)"
                "\n  FROM pg_collation WHERE collversion IS NOT NULL;"
            ),
            msg("Of two hosts, preflight compares them (P215). By hand:\ngetconf GNU_LIBC_VERSION"),
            msg(
                "On the primary, after the indexes on text were rebuilt, not before:"
                "\nREINDEX DATABASE CONCURRENTLY NAME;"
                "\nALTER DATABASE NAME REFRESH COLLATION VERSION;"
            ),
        ),
    ),
    Entry(
        "P133",
        msg("files that the server cannot read"),
        means=msg("There is something in the data directory that the server's operating system user cannot read."),
        why=msg(
            "A base backup reads every file of the data directory, whoever put it there. The first that it may"
            " not open ends the copy with ERROR: could not open file, perhaps after hours. What is a symbolic"
            " link, other than pg_wal and those in pg_tblspc, is left out."
        ),
        do=(
            msg("Find them, as the server's user:\nfind DATA_DIRECTORY ! -readable"),
            msg("Move them out of the data directory: nothing of yours belongs there."),
            msg("Or give them to the server's user:\nchown postgres: FILE"),
        ),
    ),
)
