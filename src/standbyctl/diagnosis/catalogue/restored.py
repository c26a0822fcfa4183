"""P219 to P221: a copy that something else has put in place, and attach --from-restored."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "P219",
        msg("no restored copy that can be attached"),
        means=msg(
            "What --from-restored names is not there, is not whole, runs, is not the server's user's, or is not a copy"
            " of this primary."
        ),
        why=msg(
            "Copies of one cluster have the same system identifier in pg_control. PostgreSQL starts on a directory of"
            " its own user with mode 0700 or 0750 only. A pg_wal that is a symbolic link to the primary's own (a plain"
            " cp of a cluster brings such links along) would have two servers write into one directory. Owners are"
            " looked at two levels deep."
        ),
        do=(
            msg("See what it is:\npg_controldata -D DIR\nls -l DIR"),
            msg("Restored by another user: give it to the server's:\nchown -R postgres: DIR\nchmod 0700 DIR"),
            msg("Restore it again; pg_verifybackup, or the restore tool, says whether it is whole."),
        ),
    ),
    Entry(
        "P220",
        msg("a copy that may have gone another way"),
        means=msg(
            "The copy was promoted or started as a primary, is on a timeline that its primary has left before, or"
            " nothing shows that it was not."
        ),
        why=msg(
            "A server started for itself writes WAL of its own; replaying the primary's on top of that destroys data."
            " Timelines show a promotion only: without a signal file a copy recovers on its own timeline. So a copy"
            " counts where it has its backup_label (a start renames it), where it last ran as a standby, or where its"
            " WAL from its last checkpoint on is the primary's to the byte. That is read through the primary's session,"
            " by a superuser, while the files are still there."
        ),
        do=(
            msg("Restore a backup with its backup_label, or a snapshot that is fresh enough to be compared."),
            msg("Start nothing on it: attach does, with standby.signal."),
        ),
    ),
    Entry(
        "P221",
        msg("the WAL that a restored copy needs"),
        means=msg(
            "A copy needs all WAL from the START WAL LOCATION of its backup_label on; without one, from the REDO of its"
            " last checkpoint. The primary has removed that, or nothing keeps it until the standby streams."
        ),
        why=msg(
            "A slot keeps WAL from when it is made. What is older stays by luck, or by wal_keep_size, until a"
            " checkpoint removes it. So attach looks again right after its slot is made; between that and the stream"
            " only wal_keep_size keeps it, or a slot that was made before the backup. Of an archive nothing is checked."
        ),
        do=(
            msg("Where it is still there: --wal-keep-size with the size that preflight names (a reload)."),
            msg("Where it is gone: a newer backup, or --restore-command with the command of the archive."),
            msg(
                "For the next one, before the backup, on the primary; attach uses a slot of the standby's name that is"
                " there:\nSELECT pg_create_physical_replication_slot('NAME', true);"
            ),
        ),
    ),
)
