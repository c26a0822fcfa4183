"""P1xx: the primary's WAL: who waits for it, who keeps it, how much of it there is."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "P108",
        msg("the cap on the WAL that slots keep"),
        means=msg(
            "max_slot_wal_keep_size cannot be chosen or set, would invalidate a slot that is there already, or"
            " is no protection: less than a copy needs, or more than the disk has. Or there is to be no slot, and"
            " wal_keep_size keeps nothing, or more than the disk has."
        ),
        why=msg(
            "Without it (-1, the default) a slot whose standby is dead keeps WAL until the disk is full, and"
            " then the primary stops. With it (13 and later) such a slot is invalidated at a checkpoint instead:"
            " the standby is lost, the primary lives. It counts for every slot, logical ones too. A reload puts"
            " it into force, unless it is given on the server's command line."
        ),
        do=(
            msg(
                "See what each slot keeps now:"
                "\nSELECT slot_name, active, wal_status, pg_size_pretty("
                "\n       pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) AS kept"
                "\n  FROM pg_replication_slots;"
            ),
            msg("Give a size that is above that, and below what the volume of pg_wal has free: --wal-cap 20GB"),
            msg("Let the consumer that holds so much catch up, or drop its slot, if nobody needs it (P124)."),
            msg("Leave the setting alone, and watch the disk yourself: --wal-cap keep"),
            msg("Without a slot, say how much WAL the primary is to keep: --no-slot --wal-keep-size 10GB"),
        ),
    ),
    Entry(
        "P110",
        msg("commits that would wait for the standby"),
        means=msg(
            "synchronous_standby_names, as it is in force or as it stands in a file that a reload would load,"
            " makes the new standby or the very copy of it synchronous."
        ),
        why=msg(
            "Every commit then waits until that standby has flushed it, and hangs when it goes away, for as"
            " long as it is away. '*' matches any application_name, pg_basebackup's too; names compare without"
            " case. Asynchronous replication is what an empty list gives; synchronous_commit = off is something"
            " else (it loses the primary's own last commits in a crash)."
        ),
        do=(
            msg(
                "See it, in force and in the files:"
                "\nSHOW synchronous_standby_names;"
                "\nSELECT sourcefile, sourceline, setting FROM pg_file_settings"
                "\n WHERE name = 'synchronous_standby_names';"
            ),
            msg(
                "Name those that are meant, without the new one; a reload is enough:"
                "\nALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (NAME)';"
                "\nSELECT pg_reload_conf();"
            ),
            msg("Where no standby is synchronous:\nALTER SYSTEM SET synchronous_standby_names = '';"),
            msg("Where it stands in a file and is not meant, take it out there; nothing has loaded it yet."),
        ),
    ),
    Entry(
        "P121",
        msg("the archiver fails"),
        means=msg("archive_mode is on, and the last attempt to archive a WAL segment has failed."),
        why=msg(
            "A segment that is not archived is kept, without any limit: max_slot_wal_keep_size does not count"
            " here, so pg_wal grows until the disk is full. A clean shutdown waits for the archiver too. The"
            " copy itself needs no archive: it streams its WAL."
        ),
        do=(
            msg(
                "See since when, and which segment:"
                "\nSELECT failed_count, last_failed_wal, last_failed_time,"
                "\n       last_archived_time FROM pg_stat_archiver;"
            ),
            msg("Mend what archive_command (or archive_library, 15 and later) needs; the server's log has its words."),
            msg(
                "archive_command changes by a reload; archive_mode by a restart only. To stop archiving without"
                " one, knowing that the archive then has a gap and needs a new base backup:"
                "\nALTER SYSTEM SET archive_command = '/bin/true';"
                "\nSELECT pg_reload_conf();"
            ),
        ),
    ),
    Entry(
        "P124",
        msg("slots that hold WAL or old rows"),
        means=msg("There are slots that are inactive or lost, or that hold back much WAL or an old xmin."),
        why=msg(
            "An inactive slot keeps WAL until its consumer returns; its xmin or catalog_xmin keeps vacuum from"
            " removing dead rows, also while the standby is down. wal_status (13 and later): reserved, extended,"
            " unreserved (gone at the next checkpoint), lost. A lost slot does not heal: it is dropped and made"
            " anew, and so is its standby. inactive_since and invalidation_reason: 17 and later."
        ),
        do=(
            msg(
                "See them:"
                "\nSELECT slot_name, slot_type, active, wal_status, age(xmin) AS xmin,"
                "\n       age(catalog_xmin) AS catalog_xmin, pg_size_pretty("
                "\n       pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) AS kept"
                "\n  FROM pg_replication_slots;"
            ),
            msg("Start the consumer again, or drop what nobody needs:\nSELECT pg_drop_replication_slot('NAME');"),
            msg("Set a cap, so that the next one cannot fill the disk (P108)."),
        ),
    ),
    Entry(
        "P125",
        msg("the WAL rate"),
        means=msg(
            "The primary writes WAL faster than the standby can get it, or so fast that the cap is used up"
            " before the copy is done and caught up."
        ),
        why=msg(
            "From the start of the copy until the standby streams, the slot keeps all WAL that is written."
            " Where that passes max_slot_wal_keep_size (13 and later), the slot is invalidated during the copy,"
            " and the copy was for nothing. A standby whose line is slower than the WAL never catches up at all;"
            " one process replays it."
        ),
        do=(
            msg(
                "Measure it twice, a minute apart, at the busiest time:"
                "\nSELECT now(), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes;"
            ),
            msg("Raise the cap, as far as the disk allows (a reload): --wal-cap 200GB"),
            msg("Copy faster (no --max-rate), or at a quieter time."),
            msg(
                "Write less: full pages are most of it just after a checkpoint. Both are changed by a reload:"
                "\nALTER SYSTEM SET checkpoint_timeout = '30min';"
                "\nALTER SYSTEM SET wal_compression = on;"
                "\nSELECT pg_reload_conf();"
            ),
        ),
    ),
    Entry(
        "P126",
        msg("idle_replication_slot_timeout"),
        means=msg("Slots that nobody uses for some time are invalidated on this primary, the standby's too."),
        why=msg(
            "New in 18, off by default (0). It counts physical slots as well: a standby that is stopped for"
            " longer, for maintenance or a long weekend, has lost its slot at the next checkpoint, and is made"
            " anew."
        ),
        do=(
            msg("See it:\nSHOW idle_replication_slot_timeout;"),
            msg(
                "Make it longer than the standby may ever be away, or turn it off and use a cap by size (P108); a"
                " reload is enough:"
                "\nALTER SYSTEM SET idle_replication_slot_timeout = '7d';"
                "\nSELECT pg_reload_conf();"
            ),
        ),
    ),
    Entry(
        "P129",
        msg("wal_sender_timeout"),
        means=msg("How long a walsender waits for an answer; a warning where it is off, and never notices dead ones."),
        why=msg(
            "A walsender ends when the standby has not answered for so long (default 60 s; a standby answers at"
            " least every wal_receiver_status_interval, 10 s). Too short a one ends streams on a slow or distant line"
            " again and again; that is not looked for here. 0 lets a connection"
            " that is cut off hold its walsender and slot for hours. Since 12 it can be set for one connection."
        ),
        do=(
            msg(
                "Take the default again, by a reload:\nALTER SYSTEM RESET wal_sender_timeout;\nSELECT pg_reload_conf();"
            ),
            msg("Or for the standby alone, in its primary_conninfo:\noptions='-c wal_sender_timeout=5min'"),
        ),
    ),
    Entry(
        "P134",
        msg("the checkpoint that the copy begins with"),
        means=msg("A spread checkpoint may take minutes on this primary before the first byte is copied."),
        why=msg(
            "A base backup begins with a checkpoint. A spread one takes up to checkpoint_timeout times"
            " checkpoint_completion_target (0.9 since 14) and looks like a hang; a fast one writes out all that"
            " is dirty in shared_buffers at once, which the users of a busy disk feel."
        ),
        do=(
            msg("At once, in a burst of writes: --checkpoint fast"),
            msg("Sparing the disk, and waiting: --checkpoint spread"),
            msg("See how long checkpoints take here: log_checkpoints (on by default since 15) writes it to the log."),
        ),
    ),
    Entry(
        "P136",
        msg("room on the volume of pg_wal"),
        means=msg(
            "What is free there, and what pg_wal holds; or that it cannot be seen from here. Whether that is enough for"
            " the WAL of the copy is for you to judge."
        ),
        why=msg(
            "From the start of the copy until the standby streams, the slot keeps all WAL. When the volume of"
            " pg_wal is full, the primary stops with PANIC, and does not start again before there is room."
            " max_slot_wal_keep_size (13 and later) is looked at by checkpoints only, so more than the cap may"
            " be kept between two of them."
        ),
        do=(
            msg(
                "See what it holds now (df shows what is free):\nSELECT pg_size_pretty(sum(size)) FROM pg_ls_waldir();"
            ),
            msg("Make room: a failing archiver (P121) and forgotten slots (P124) are what fills it most often."),
            msg("Give a cap that fits: --wal-cap SIZE"),
            msg("Never remove files from pg_wal by hand."),
        ),
    ),
)
