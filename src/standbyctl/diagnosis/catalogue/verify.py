"""V8xx: what verify looks at once the standby is there."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "V801",
        msg("identity"),
        means=msg(
            "Whether the two are copies of one cluster (the same system identifier), and the standby is in recovery."
        ),
        why=msg(
            "initdb gives every cluster an identifier of its own, and copies share it. A server with another"
            " one can never stream. Two that share it and are both not in recovery take different writes: that"
            " is split brain."
        ),
        do=(
            msg("Ask both:\nSELECT system_identifier, pg_is_in_recovery()\n  FROM pg_control_system();"),
            msg("Another identifier: the wrong server, or initdb was run there. Make the standby anew."),
            msg(
                "Neither in recovery: keep clients away from one of them at once, then find out which has the commits."
            ),
        ),
    ),
    Entry(
        "V802",
        msg("timeline"),
        means=msg(
            "Whether the standby is on the primary's timeline; by its number, and by its history file where the role"
            " may read it (pg_read_file)."
        ),
        why=msg(
            "Each promotion begins a timeline. A standby on an older one follows with recovery_target_timeline"
            " = latest (the default since 12); one that has gone on by itself does not (requested timeline is"
            " not a child of this server's history). Two that were promoted apart are both on timeline 2, and one"
            " streams over the other's commits: their history files differ in the LSN. The same history is no proof,"
            " either: a copy that was started without standby.signal writes on the old one."
        ),
        do=(
            msg("Ask both:\nSELECT timeline_id FROM pg_control_checkpoint();"),
            msg("See the standby's setting (read at server start), and its log:\nSHOW recovery_target_timeline;"),
            msg("Where it has diverged, every way back and what each costs:\nstandbyctl resync NAME -n"),
        ),
    ),
    Entry(
        "V803",
        msg("streaming from the right primary"),
        means=msg(
            "Whether a walreceiver of the standby streams, and the primary that is meant is the one that feeds it."
        ),
        why=msg(
            "A server that has started and is in recovery replicates nothing without a walreceiver; and a"
            " standby that follows itself, or another server, shows streaming as well. So both sides are asked."
            " pg_stat_wal_receiver with no row means not connected."
        ),
        do=(
            msg("On the standby:\nSELECT status, sender_host, sender_port, slot_name\n  FROM pg_stat_wal_receiver;"),
            msg("On the primary:\nSELECT application_name, client_addr, state\n  FROM pg_stat_replication;"),
            msg("Not connected: the standby's log says why, again every wal_retrieve_retry_interval (5 s)."),
            msg(
                "The wrong one; a reload is enough since 13:"
                "\nALTER SYSTEM SET primary_conninfo = 'CONNINFO';"
                "\nSELECT pg_reload_conf();"
            ),
        ),
    ),
    Entry(
        "V804",
        msg("the standby's settings against the primary's"),
        means=msg(
            "Whether the five settings that a standby must not have less of are below the primary's, now or after the"
            " next restart of either; and what else of the standby waits for a restart."
        ),
        why=msg(
            "Less than the primary has pauses replay from 14 on, and stops the server up to 13 (P207). A value"
            " that waits for a restart is one that the next failover may find in force. It stands in a file, also"
            " where nobody has reloaded it; a role that may not read the files sees what was reloaded alone."
        ),
        do=(
            msg(
                "Compare, on both:\nSELECT name, setting, pending_restart FROM pg_settings\n WHERE source <> 'default';"
            ),
            msg(
                "See whether replay is paused, on the standby (14 and later):\nSELECT pg_get_wal_replay_pause_state();"
            ),
            msg(
                "Raise it on the standby first, restart the standby, and only then the primary:"
                "\nALTER SYSTEM SET NAME = VALUE;"
            ),
        ),
    ),
    Entry(
        "V805",
        msg("slot and cap"),
        means=msg(
            "Whether the standby uses its slot, the slot is not about to be lost, and there is a cap on what it keeps."
        ),
        why=msg(
            "wal_status (13 and later): reserved and extended are well, unreserved is lost at the next"
            " checkpoint, lost does not heal. safe_wal_size is what is left of the cap, NULL where there is"
            " none. Without a cap a dead standby fills the primary's disk."
        ),
        do=(
            msg(
                "See it, on the primary:"
                "\nSELECT slot_name, active, wal_status, safe_wal_size"
                "\n  FROM pg_replication_slots;"
            ),
            msg(
                "unreserved: let it catch up now, and raise the cap by a reload:"
                "\nALTER SYSTEM SET max_slot_wal_keep_size = '100GB';"
                "\nSELECT pg_reload_conf();"
            ),
            msg("lost: see P203. A standby that streams without its slot: see primary_slot_name (a reload since 13)."),
        ),
    ),
    Entry(
        "V806",
        msg("passfile"),
        means=msg("Whether the passfile that primary_conninfo names is there, safe, and lets the standby in."),
        why=msg(
            "libpq reads it when a connection begins, so a stream goes on without it, until its first"
            " reconnect. It ignores one that group or others may read. Its third field must be * or replication."
        ),
        do=(
            msg("See it, on the standby's host:\nls -l PASSFILE"),
            msg("Mend it:\nchown postgres: PASSFILE\nchmod 0600 PASSFILE"),
            msg("See that the role may still log in:\nSELECT rolvaliduntil FROM pg_roles WHERE rolname = 'NAME';"),
        ),
    ),
    Entry(
        "V807",
        msg("collation versions on both sides"),
        means=msg("Whether the C library and ICU of the standby's host order text as those of the primary's."),
        why=msg(
            "The indexes come from the primary as they are. Where the standby's library orders otherwise, its"
            " index scans miss rows, without an error, and after a promotion unique indexes let duplicates in"
            " (P132)."
        ),
        do=(
            msg("Compare, on both hosts:\ngetconf GNU_LIBC_VERSION"),
            msg(
                "On the standby, 15 and later:"
                "\nSELECT datname, datcollversion,"
                "\n       pg_database_collation_actual_version(oid) FROM pg_database;"
            ),
            msg(
                "Before 15 a database records no version; what initdb found for the collation of its name stands in:"
                "\nSELECT collname, collversion, pg_collation_actual_version(oid)"
                "\n  FROM pg_collation WHERE collversion IS NOT NULL;"
            ),
            msg(
                "Give the standby the same release of the operating system; REINDEX is possible after a promotion only."
            ),
        ),
    ),
    Entry(
        "V808",
        msg("lag under a bound"),
        means=msg("Whether the standby, for as long as was asked, was never further behind than the bound."),
        why=msg(
            "The lag is measured in seconds, by the clock of standbyctl: how long ago the primary had written what the"
            " standby has not replayed yet. That holds on an idle primary, where"
            " now() - pg_last_xact_replay_timestamp() grows, and while replay is paused, where replay_lag"
            " stands still. The bytes that are shown are those"
            " between pg_current_wal_lsn() and pg_last_wal_replay_lsn()."
        ),
        do=(
            msg(
                "See where it is, on the primary:"
                "\nSELECT application_name, state,"
                "\n       pg_wal_lsn_diff(pg_current_wal_lsn(), sent_lsn) AS to_send,"
                "\n       pg_wal_lsn_diff(sent_lsn, flush_lsn) AS on_the_way,"
                "\n       pg_wal_lsn_diff(flush_lsn, replay_lsn) AS to_replay"
                "\n  FROM pg_stat_replication;"
            ),
            msg("to_send or on_the_way: the line, or the standby's disk."),
            msg(
                "to_replay: a long query on the standby that conflicts (max_standby_streaming_delay), or a paused"
                " replay."
            ),
            msg("A paused replay goes on with:\nSELECT pg_wal_replay_resume();"),
        ),
    ),
    Entry(
        "V809",
        msg("the marked commit"),
        means=msg("Whether a commit that was marked on the primary was replayed on the standby in time."),
        why=msg(
            "This is the proof: all else only says that it should work. The mark is pg_logical_emit_message,"
            " transactional: a commit record in the WAL, no table, no row, nothing left behind, on every version"
            " and with wal_level = replica."
        ),
        do=(
            msg(
                "By hand, on the primary; then, on the standby, compare with the LSN:"
                "\nSET synchronous_commit = local;"
                "\nSELECT pg_logical_emit_message(true, 'by hand', 'mark');"
                "\nSELECT pg_current_wal_flush_lsn();"
                "\nSELECT pg_last_wal_replay_lsn();"
            ),
            msg("If it does not arrive: V803 (does it stream), V808 (is it far behind), then the standby's log."),
        ),
    ),
    Entry(
        "V810",
        msg("the test table"),
        means=msg(
            "Whether a test database and table, made on the primary, could be read on the standby; then they"
            " are dropped again."
        ),
        why=msg(
            "It shows the same as the marked commit (V809), as a runbook may ask for it. It writes to the"
            " primary: some 5 MB of WAL, and an immediate checkpoint when it is dropped; before 15 two more when"
            " it is made. It carries a mark in its comment: what a killed run leaves is removed by the next."
        ),
        do=(
            msg(
                "If it failed half-way, see that nothing is left on the primary:"
                "\nSELECT datname, shobj_description(oid, 'pg_database')"
                "\n  FROM pg_database WHERE datname ~ 'replication_test|standbyctl';"
            ),
            msg("What carries our mark is removed by the next:\nstandbyctl verify NAME --test-table"),
            msg("Else V803 and V808 say why the rows did not arrive."),
        ),
    ),
    Entry(
        "V811",
        msg("amcheck"),
        means=msg(
            "Whether the B-tree indexes of the standby hold together, as far as the extension amcheck can tell, and as"
            " many of them as there was time for."
        ),
        why=msg(
            "Damage by memory, disks or another collation is found by reading, not by streaming. bt_index_check"
            " runs on a standby (bt_index_parent_check does not, it takes a lock that recovery does not allow)."
            " Where amcheck is not installed, verify does not install it; where it is in no database, --deep has not"
            " found out what it was asked for. An index whose table is locked is passed over, and named."
        ),
        do=(
            msg("To have it, on the primary, in each database:\nCREATE EXTENSION amcheck;"),
            msg(
                "A damaged index on both servers is rebuilt on the primary, and the standby follows:"
                "\nREINDEX INDEX CONCURRENTLY NAME;"
            ),
            msg("Damaged on the standby alone: its disks, memory or libraries (V807). Make it anew, elsewhere."),
        ),
    ),
    Entry(
        "V812",
        msg("page checksums"),
        means=msg("Whether either server has met a page with another checksum than it should have."),
        why=msg(
            "With data checksums (initdb turns them on by default since 18) a page that the disk has changed is"
            " noticed when it is read. A page that is being written just then may look wrong once, and is read"
            " again. Without checksums there is nothing to look at."
        ),
        do=(
            msg("See whether they are on:\nSHOW data_checksums;"),
            msg("See what the server has noticed by itself:\nSELECT datname, checksum_failures FROM pg_stat_database;"),
            msg("On the standby alone: make it anew, on other disks. Keep the primary's backups until you know why."),
        ),
    ),
    Entry(
        "V813",
        msg("the backup manifest"),
        means=msg("Whether every file of the copy is there, with the size and checksum that the primary has sent."),
        why=msg(
            "pg_basebackup writes backup_manifest since 13; pg_verifybackup compares. That holds until the"
            " first start, which changes files, so it is done before it. A verifier that is ended by a signal"
            " has found nothing out: that is not the same as damage."
        ),
        do=(
            msg("Damage: look at the disks and memory of that host, then run attach again; it copies anew."),
            msg(
                "Ended by a signal, or after ten minutes of no reading: nothing is known of the copy, which is kept."
                " See that the program runs, then run the same command again:\nBINDIR/pg_verifybackup --version"
            ),
            msg("To go on without: the same command without --verify-backup starts the copy that is kept."),
        ),
    ),
)
