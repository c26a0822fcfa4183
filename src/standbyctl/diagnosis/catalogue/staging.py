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
            msg("Or take one back; nothing has felt it yet:\nALTER SYSTEM RESET NAME;\nSELECT pg_reload_conf();"),
        ),
    ),
    Entry(
        "S302",
        msg("a staged setting was changed by somebody"),
        means=msg(
            "postgresql.auto.conf, or a file or command line that wins over it, no longer has the value that"
            " was staged."
        ),
        why=msg("What somebody has set since is theirs: it is neither overwritten nor taken back."),
        do=(
            msg(
                "See where it stands now; the last line counts:"
                "\nSELECT sourcefile, sourceline, setting, applied, error"
                "\n  FROM pg_file_settings WHERE name = 'NAME' ORDER BY seqno;"
            ),
            msg(
                "If it suffices for a standby, leave it. Else set it anew, or stage again:"
                "\nstandbyctl plan --stage-restart"
            ),
        ),
    ),
    Entry(
        "S303",
        msg("staged values would keep the server from starting"),
        means=msg("postgres -C, run on the primary's own files with the staged values, has refused them."),
        why=msg(
            "A value that is wrong is noticed at the restart, when the server is down already: wal_level ="
            " minimal with max_wal_senders above 0, a library that is missing, more shared memory than the"
            " machine has (that last one postgres -C does not try). So it is asked before, and nothing is left"
            " staged that it refuses."
        ),
        do=(
            msg(
                "Ask it yourself, as the server's user; its words name the setting:"
                "\npostgres -C wal_level -D DATA_DIRECTORY"
            ),
            msg("Take out what it names, and ask again:\nALTER SYSTEM RESET NAME;"),
            msg("Until it is silent, do not restart that server."),
        ),
    ),
)
