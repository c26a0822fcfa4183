"""P21x: where the standby's host is not like the primary's. Of two hosts only."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "P215",
        msg("text that sorts differently on the standby's host"),
        means=msg(
            "The C library or ICU of the standby's host is another version than the primary's, and indexes, or tables"
            " partitioned by range, are in its order."
        ),
        why=msg(
            "A copy brings indexes as the primary has ordered them. libc or ICU compares text, and its order changes"
            " between versions (most with glibc 2.28). A server with another order does not find what is there, and"
            " takes in duplicates; a standby cannot REINDEX. Any difference counts, as for PostgreSQL's own collation"
            " version mismatch. C, POSIX, C.UTF-8, the builtin provider (17 and later), *_pattern_ops and hash indexes"
            " are immune. CHECK constraints, and predicates in the database's own collation, are not looked at."
        ),
        do=(
            msg("Compare the two hosts:\ngetconf GNU_LIBC_VERSION\nldd BINDIR/postgres | grep icui18n"),
            msg(
                "Choose a host with the same release of the operating system; to move to a newer one, copy by dump or"
                " by logical replication."
            ),
            msg(
                "To attach all the same, for instance to be promoted at once: --despite libc (or --despite icu). Right"
                " after the promotion, before anybody writes, in each database:"
                "\nREINDEX DATABASE NAME;"
                "\nALTER DATABASE NAME REFRESH COLLATION VERSION;"
            ),
            msg("A table that is partitioned by range of text is not mended by that: its rows have to be moved."),
            msg("A database that could not be looked into: let the role that you connect with connect to it."),
        ),
    ),
    Entry(
        "P216",
        msg("a locale that the standby's host does not know"),
        means=msg(
            "A database, or a setting that comes with the copy, has a locale that is not installed on the standby's"
            " host."
        ),
        why=msg(
            "The standby would start, and refuse every connection to such a database (database locale is incompatible"
            " with operating system). With lc_messages, lc_monetary, lc_numeric or lc_time it would not even start."
            " Locales are made on each host, from its own packages."
        ),
        do=(
            msg("See what each database has:\nSELECT datname, datcollate, datctype FROM pg_database;"),
            msg("And what the host knows:\nlocale -a"),
            msg(
                "Make one, as root; Debian and Ubuntu (package locales):"
                "\necho 'en_US.UTF-8 UTF-8' >>/etc/locale.gen"
                "\nlocale-gen"
            ),
            msg("Elsewhere (RHEL has packages such as glibc-langpack-en):\nlocaledef -i en_US -f UTF-8 en_US.UTF-8"),
        ),
    ),
    Entry(
        "P217",
        msg("another architecture"),
        means=msg("The PostgreSQL programs of the two hosts are for different kinds of machines."),
        why=msg(
            "Data files are written in the machine's own byte order, sizes and alignment: a server of another"
            " architecture refuses them, or misreads them. Read from the header of the program postgres itself, since a"
            " 64-bit kernel runs 32-bit programs too."
        ),
        do=(
            msg("Compare the two hosts:\nuname -m"),
            msg("Choose a host of the same architecture. To move to another: pg_dump, or logical replication."),
        ),
    ),
    Entry(
        "P218",
        msg("clocks that disagree"),
        means=msg(
            "The clocks of the two hosts are 5 s apart or more, whatever the way to them took. The doubt is what the"
            " way took there and back."
        ),
        why=msg(
            "Replication itself needs no clock. The age of what was replayed (now() -"
            " pg_last_xact_replay_timestamp()), recovery_min_apply_delay and recovery_target_time compare the primary's"
            " clock with the standby's; certificates and Kerberos fail when a clock is far off. standbyctl's own lag is"
            " by LSN."
        ),
        do=(
            msg("See who is wrong, on both hosts:\ntimedatectl\nchronyc tracking"),
            msg("Let both follow the same source of time (chrony, systemd-timesyncd)."),
        ),
    ),
)
