"""P2xx: the place where the standby goes, or is."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "P201",
        msg("the data directory"),
        means=msg(
            "The copy cannot go there: something is in it already (files, another cluster, the primary itself,"
            " a server that is no standby of this primary), its parent cannot be written, or it is a mount point"
            " that is not fit to be a data directory."
        ),
        why=msg(
            "A copy is built beside its destination and renamed when it is whole, so that half a copy never stands"
            " where a whole one should. Onto a mount point nothing can be renamed: there it is built within it and"
            " moved up, global last; a lost+found, which is root's, would make every base backup of the standby fail."
            " What somebody else has put there is never removed: an rm -rf in the wrong directory is how primaries"
            " are lost. initdb is not needed for a standby."
        ),
        do=(
            msg("Choose a directory that is absent or empty: -D DIR"),
            msg("On a file system with a lost+found (ext4), one below the mount point: -D MOUNT/main"),
            msg("A mount point of somebody else's:\nchown postgres: MOUNT && chmod 700 MOUNT"),
            msg("If what is there is of no use, move it away yourself:\nmv DIR DIR.old"),
            msg("Give the parent directory to the server's user:\nchown postgres: PARENT"),
        ),
    ),
    Entry(
        "P202",
        msg("PostgreSQL programs of the same major version"),
        means=msg(
            "pg_basebackup, pg_ctl or psql of the primary's major version were not found on the standby's host; or"
            " pg_verifybackup, where --verify-backup asks for it, is not there or does not run."
        ),
        why=msg(
            "A standby is started by the server programs of the primary's major: those of another refuse its"
            " files (database files are incompatible with server). Minor versions may differ; update the standby's"
            " first, since an older one may not know what a newer one writes."
        ),
        do=(
            msg("Install the server package of that major, as on the primary (Debian: postgresql-MAJOR)."),
            msg("See what is there:\nls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin"),
            msg(
                "A verifier that does not run: see what it says, or leave --verify-backup out:"
                "\npg_verifybackup --version"
            ),
        ),
    ),
    Entry(
        "P203",
        msg("the standby has lost the WAL that it needs"),
        means=msg(
            "What stands on the data directory is a standby of this primary, and no slot keeps what it needs next."
        ),
        why=msg(
            "WAL that the primary has removed does not come back: neither wal_keep_size nor"
            " max_slot_wal_keep_size brings any of it. A lost slot does not heal. Only an archive"
            " (restore_command; changed by a reload since 14) or a new copy helps."
        ),
        do=(
            msg(
                "Where the primary archives its WAL, have the archive asked; what it does not have is said:"
                "\nstandbyctl resync NAME -n --restore-command 'cp /ARCHIVE/%f %p'"
            ),
            msg("Bring it back that way, or by a new copy beside it where that is closed:\nstandbyctl resync NAME"),
            msg("Then set a cap that its longest absence fits in (P108), and watch the slot:\nstandbyctl status"),
        ),
    ),
    Entry(
        "P204",
        msg("another copy is still being written"),
        means=msg("A copy for this data directory is at work: another run, or a pg_basebackup that a killed run left."),
        why=msg(
            "Each attempt writes a draft of its own and holds a lock on it while it lives. Two writers on one"
            " data directory would make a copy that is neither."
        ),
        do=(
            msg("See who it is:\nps -C pg_basebackup -o pid,user,lstart,args"),
            msg("Wait until it ends. If it has no owner any more, end it:\nkill PID"),
            msg("Then run the same command again: an unfinished draft is removed, and the copy is made anew."),
        ),
    ),
    Entry(
        "P205",
        msg("the standby's port"),
        means=msg("Something listens on that port already, so that the standby could not start."),
        why=msg(
            "On the primary's own machine the standby needs a port of its own. The port is read at server"
            " start; a copy inherits the primary's, and attach writes another."
        ),
        do=(
            msg("See what listens there:\nss -ltnp 'sport = :PORT'"),
            msg("Choose another: --port PORT (by default the next free one above the primary's)."),
        ),
    ),
    Entry(
        "P206",
        msg("room for the copy"),
        means=msg(
            "The volume of the data directory has not enough room: the cluster, 20 % to spare and some WAL must fit."
        ),
        why=msg(
            "The copy is as large as the primary's cluster, all databases of it. While it runs, and until the"
            " standby has caught up, WAL comes on top. A standby whose disk is full stops, and its slot then"
            " holds WAL on the primary."
        ),
        do=(
            msg("See how large the cluster is:\nSELECT pg_size_pretty(sum(pg_database_size(oid))) FROM pg_database;"),
            msg("Make room, or choose a directory on another volume: -D DIR"),
        ),
    ),
    Entry(
        "P207",
        msg("the five settings that a standby must not have less of"),
        means=msg(
            "max_connections, max_prepared_transactions, max_locks_per_transaction, max_worker_processes or"
            " max_wal_senders is lower on the standby than on the primary."
        ),
        why=msg(
            "A standby keeps the primary's running transactions and locks in shared memory of that size"
            " (max_wal_senders counts since 12). Too little: up to 13 the server stops with FATAL: hot standby"
            " is not possible; from 14 on a running one pauses replay, and one that starts stops with FATAL:"
            " recovery aborted because of insufficient parameter settings. All five are read at server start."
        ),
        do=(
            msg("Raise: the standbys first (restart them), then the primary. Lower: the primary first."),
            msg(
                "Compare, on both:"
                "\nSELECT name, setting FROM pg_settings WHERE name IN"
                "\n ('max_connections', 'max_prepared_transactions', 'max_wal_senders',"
                "\n  'max_locks_per_transaction', 'max_worker_processes');"
            ),
            msg(
                "On a standby that has paused, then restart that standby; attach writes these values by itself:"
                "\nALTER SYSTEM SET max_connections = 200;"
            ),
        ),
    ),
    Entry(
        "P208",
        msg("memory for shared_buffers"),
        means=msg(
            "The standby's host, or the cgroup that it would be started in, has not the memory that shared_buffers asks"
            " for."
        ),
        why=msg(
            "The copy inherits shared_buffers and huge_pages. Where the memory cannot be had, the server does"
            " not start (could not map anonymous shared memory); where it just can, the kernel may end a process"
            " later. On one machine both servers' shared_buffers must fit. It may be smaller on the standby."
        ),
        do=(
            msg("See what is asked for, and what is free:\nSHOW shared_buffers;\nSHOW huge_pages;"),
            msg("On the host:\nfree -m\ngrep Huge /proc/meminfo"),
            msg(
                "Give the standby less; before its start in its postgresql.auto.conf, later with a restart of it:"
                "\nshared_buffers = '1GB'"
            ),
        ),
    ),
    Entry(
        "P209",
        msg("libraries that the standby would load"),
        means=msg(
            "A library that the primary uses, by shared_preload_libraries or by a function, is missing where the"
            " standby is to run."
        ),
        why=msg(
            "The copy inherits shared_preload_libraries, which is read at server start, and does not start without the"
            ' file (FATAL: could not access file "NAME"). A function whose library is missing fails when it is called.'
            " Functions are looked at in the database that was connected to; of two hosts, the files in $libdir are"
            " compared too, which is a warning."
        ),
        do=(
            msg(
                "See what is loaded, and, in each database, what functions load:\nSHOW shared_preload_libraries;"
                "\nSELECT DISTINCT probin FROM pg_proc WHERE probin IS NOT NULL;"
            ),
            msg("See what is there, and install the missing package of the same major:\nls $(pg_config --pkglibdir)"),
            msg(
                "A library that only observes (auto_explain, pg_stat_statements) may be left out on the standby;"
                " one that WAL depends on, such as an extension with its own resource manager (15 and later), may"
                " not."
            ),
        ),
    ),
    Entry(
        "P210",
        msg("what the copy inherits"),
        means=msg("Settings come along with the copy that do something on the standby, or will after a promotion."),
        why=msg(
            "archive_command archives once the standby is promoted (with archive_mode = always at once, into"
            " the primary's own archive); workers such as pg_cron run their jobs. postgresql.auto.conf is always"
            " copied. Not looked at: synchronous_standby_names, which makes commits wait after a promotion, and TLS"
            " keys, which are the primary's."
        ),
        do=(
            msg(
                "See them:"
                "\nSELECT name, setting FROM pg_settings WHERE name IN"
                "\n ('archive_command', 'archive_library', 'archive_cleanup_command',"
                "\n  'synchronous_standby_names', 'shared_preload_libraries');"
            ),
            msg(
                "attach disarms what would act at once. The rest: decide what a promoted standby is to do, and"
                " write it down."
            ),
            msg(
                "To change one on the standby, by a reload (it can be done while it is a standby):"
                "\nALTER SYSTEM SET archive_command = 'COMMAND';"
                "\nSELECT pg_reload_conf();"
            ),
        ),
    ),
    Entry(
        "P211",
        msg("SELinux"),
        means=msg("SELinux is enforcing on the standby's host, and the data directory or port is not the usual one."),
        why=msg(
            "A server that a service unit starts may use only files of type postgresql_db_t and ports of type"
            " postgresql_port_t. What it is denied looks like a missing permission, with all owners and modes"
            " right."
        ),
        do=(
            msg("Label the directory:\nsemanage fcontext -a -t postgresql_db_t 'DIR(/.*)?'\nrestorecon -R DIR"),
            msg("Label the port:\nsemanage port -a -t postgresql_port_t -p tcp PORT"),
            msg("See what was denied:\nausearch -m avc -ts recent"),
        ),
    ),
    Entry(
        "P212",
        msg("inodes"),
        means=msg("The volume of the data directory has fewer inodes free than the cluster has files."),
        why=msg(
            "Every table, index and their forks are files of their own; a cluster of many small databases has"
            " hundreds of thousands. Without an inode the copy ends with No space left on device, although df"
            " shows room."
        ),
        do=(
            msg("Compare:\ndf -i DIR\nfind PRIMARY_DATA_DIRECTORY | wc -l"),
            msg("Choose another volume, or make the file system with more inodes (XFS has them as needed): -D DIR"),
        ),
    ),
    Entry(
        "P213",
        msg("pg_wal on a volume of its own"),
        means=msg(
            "pg_wal of the primary is a symbolic link, as initdb --waldir makes it; the copy's will be a"
            " directory, unless --waldir is given."
        ),
        why=msg(
            "A base backup holds pg_wal as a plain directory. So WAL and tables of the standby share one volume: its"
            " room must do for both, and a full one stops replay."
        ),
        do=(
            msg("See that the volume of the data directory has room for the WAL too:\ndf -h DIR"),
            msg("Or give the standby's a volume of its own, an empty directory:\n--waldir /wal/db2"),
        ),
    ),
    Entry(
        "P230",
        msg("volumes"),
        means=msg(
            "A tablespace, or pg_wal with --waldir, cannot go where it is to go: the directory is missing, not empty,"
            " not to be written, the primary's own, or within another part of the copy. Or a standby that is to be"
            " started leads to the primary's own files."
        ),
        why=msg(
            "These parts of a cluster are outside its data directory, and the copy puts each into a directory that must"
            " be there and hold nothing (lost+found does not count). On the primary's own machine the same path is the"
            " primary's data. While the copy is made they stand in a hidden directory of ours within it, and only what"
            " is written down as ours is ever removed; detach --delete takes the copy's files out of them and"
            " leaves the directories."
        ),
        do=(
            msg("Make the directory on the standby's host:\ninstall -d -o postgres -m 700 DIR"),
            msg("Choose another for a tablespace:\n--tablespace-mapping /ssd/fast=/nvme/fast"),
            msg("Choose another for pg_wal, or leave it in the data directory:\n--waldir DIR"),
        ),
    ),
)
