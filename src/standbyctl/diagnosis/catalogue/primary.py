"""P1xx: what the primary is, what it was started with, and where its settings stand."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg
from standbyctl.domain.version import SUPPORTED_MAJORS

ENTRIES = (
    Entry(
        "P101",
        msg("the primary's major version"),
        means=msg(
            "The primary runs a major version that this release does not work with. It works with PostgreSQL {majors}.",
            majors=", ".join(map(str, SUPPORTED_MAJORS)),
        ),
        why=msg(
            "A standby replays the primary's WAL byte for byte, so both run the same major version (minor"
            " versions may differ). How a standby is configured changes between majors: recovery.conf up to 11,"
            " standby.signal from 12 on; other settings and views every year. A version that nothing was tested"
            " on is not guessed at."
        ),
        do=(
            msg("See what runs:\nSELECT version();"),
            msg("Use a release of standbyctl that knows this major:\nstandbyctl --version"),
            msg("An older major that is past its end of life gets no fixes any more: plan its upgrade first."),
        ),
    ),
    Entry(
        "P102",
        msg("wal_level is minimal"),
        means=msg(
            "The primary does not write the WAL that a standby needs: this takes one restart of it. Or it does, and a"
            " file holds a lower wal_level, which the next restart would bring."
        ),
        why=msg(
            "replica (the default since 10) or logical will do. wal_level is read at server start only, on"
            " every version: after a reload the running value is unchanged, pending_restart is true, and the"
            " next restart, planned or not, puts the new one into force. With minimal, max_wal_senders must be 0"
            " as well. There is no way around it. What waits in a file blocks as well: with a slot the primary would"
            " not start again, and the copy, which comes with its files, not at all."
        ),
        do=(
            msg(
                "Set all that a standby needs at once (leave what is higher), so that one restart is enough:"
                "\nALTER SYSTEM SET wal_level = 'replica';"
                "\nALTER SYSTEM SET max_wal_senders = 10;"
                "\nALTER SYSTEM SET max_replication_slots = 10;"
            ),
            msg("Or have it checked and written for you:\nstandbyctl plan --stage-restart -p CONNINFO"),
            msg("Restart the primary in a window of your own. standbyctl never restarts it. Then:\nSHOW wal_level;"),
        ),
    ),
    Entry(
        "P103",
        msg("walsenders"),
        means=msg(
            "max_wal_senders is 0, or fewer are free than the copy needs: 2 while pg_basebackup streams the WAL"
            " beside the data, afterwards 1 for the standby. Or a file holds 0 for the next restart."
        ),
        why=msg(
            "Every standby, base backup, pg_receivewal and logical subscriber takes one. A client that was cut"
            " off holds its own until wal_sender_timeout (60 s). max_wal_senders (default 10 since 10) is read"
            " at server start only. Since 12 walsenders do not count within max_connections."
        ),
        do=(
            msg(
                "See who holds them; a backup is in state backup:"
                "\nSELECT pid, application_name, client_addr, state, backend_start"
                "\n  FROM pg_stat_replication;"
            ),
            msg("End one that nobody needs, or wait for a backup to end:\nSELECT pg_terminate_backend(PID);"),
            msg(
                "Where one is free, copy with one: the WAL comes last, and the standby's slot keeps all of it until"
                " then: --wal-method fetch"
            ),
            msg("Or raise it, and restart in a window of your own:\nALTER SYSTEM SET max_wal_senders = 20;"),
        ),
    ),
    Entry(
        "P104",
        msg("replication slots"),
        means=msg(
            "No replication slot is free, or the name that the standby's slot is to have is taken by a slot"
            " that no attach has made. Or a file holds fewer for the next restart than there are then: the primary"
            " would not start again."
        ),
        why=msg(
            "A slot makes the primary keep the WAL that its standby needs next. Every slot counts against"
            " max_replication_slots (default 10, read at server start only): inactive and lost ones too. A slot"
            " of somebody else is never taken over: a slot serves one receiver at a time."
        ),
        do=(
            msg(
                "See who needs which:"
                "\nSELECT slot_name, slot_type, active, wal_status, restart_lsn"
                "\n  FROM pg_replication_slots;"
            ),
            msg("Drop one that nobody needs any more:\nSELECT pg_drop_replication_slot('NAME');"),
            msg("Where only the name is taken, choose another with --name, or with --slot."),
            msg(
                "Attach without one; what the primary keeps then bounds how long the standby may be away: --no-slot"
                " --wal-keep-size 10GB"
            ),
            msg("Or raise it, and restart in a window of your own:\nALTER SYSTEM SET max_replication_slots = 20;"),
        ),
    ),
    Entry(
        "P105",
        msg("listen_addresses"),
        means=msg("The primary does not listen, or is not reached, where the standby would connect to it."),
        why=msg(
            "A walreceiver connects by TCP. listen_addresses is read at server start only; its default is"
            " localhost, which is enough for a standby on the same machine. Where it is empty, only Unix sockets"
            " are served."
        ),
        do=(
            msg("See what it listens on:\nSHOW listen_addresses;\nSHOW port;"),
            msg(
                "Where it listens on another address of this machine, give that one:"
                "\nstandbyctl plan -p 'host=ADDRESS port=PORT' -D DIR"
            ),
            msg(
                "Where a port is forwarded to it, say where that is, as the standby's host knows it:"
                "\nstandbyctl preflight -p db1 --primary-address 10.0.0.1:6432"
            ),
            msg(
                "Where the standby goes to another host, connect by way of ssh, with no restart:"
                "\nstandbyctl preflight -p db1 --name db2 --via ssh-tunnel"
            ),
            msg(
                "Or add the address to those that are there, and restart in a window of your own:"
                "\nALTER SYSTEM SET listen_addresses = 'localhost, ADDRESS';"
            ),
        ),
    ),
    Entry(
        "P111",
        msg("the server is a standby itself"),
        means=msg("pg_is_in_recovery() is true on the server that was given as the primary."),
        why=msg(
            "A standby can feed standbys of its own (cascading replication), but roles are made and commits are"
            " written on its primary only: both servers have to be given."
        ),
        do=(
            msg(
                "Ask the standby where its primary is, and give that with -p:"
                "\nSELECT sender_host, sender_port FROM pg_stat_wal_receiver;"
            ),
            msg("To stream from this very standby, name it beside its primary: -p PRIMARY --upstream STANDBY"),
            msg("If it ought to be the primary: it was not promoted, or you reached another host. Look there first."),
        ),
    ),
    Entry(
        "P112",
        msg("configuration outside the data directory"),
        means=msg(
            "The primary reads configuration files that are not in its data directory (config_file, hba_file,"
            " ident_file, or something they include), as Debian's packages do below /etc/postgresql."
        ),
        why=msg(
            "A base backup contains the data directory, and nothing else: a copy would start with no"
            " configuration, or with the primary's own files. So the standby has to have a cluster of its own host's."
        ),
        do=(
            msg(
                "See where they are:"
                "\nSELECT name, setting FROM pg_settings"
                "\n WHERE name IN ('config_file', 'hba_file', 'ident_file');"
                "\nSELECT DISTINCT sourcefile FROM pg_file_settings;"
            ),
            msg(
                "Make a cluster where the standby is to run, without starting it, and name it with --cluster:"
                "\npg_createcluster 15 standby"
            ),
        ),
    ),
    Entry(
        "P113",
        msg("tablespaces"),
        means=msg("--tablespace-mapping names a path that no tablespace of the primary is in."),
        why=msg(
            "A tablespace is an absolute path outside the data directory, and a base backup puts it in the same path on"
            " the standby's host unless it is mapped. A mapping that fits nothing is a slip of the pen: the tablespace"
            " that was meant would go where the primary has it."
        ),
        do=(
            msg(
                "See them:"
                "\nSELECT spcname, pg_tablespace_location(oid) FROM pg_tablespace"
                "\n WHERE pg_tablespace_location(oid) <> '';"
            ),
            msg("Map one:\n--tablespace-mapping /ssd/fast=/nvme/fast"),
            msg("A CREATE TABLESPACE later stops every standby that lacks the directory: make it there first."),
        ),
    ),
    Entry(
        "P114",
        msg("the configuration files have an error"),
        means=msg("A configuration file of the primary cannot be read as it stands, and a reload is needed."),
        why=msg(
            "PostgreSQL refuses the reload, keeps the values it runs with, and writes to its log only;"
            " pg_reload_conf() returns true all the same. At the next restart the server would not start."
            " standbyctl did not cause it, and mends nothing that it has not written."
        ),
        do=(
            msg(
                "See what is wrong, by file and line:"
                "\nSELECT sourcefile, sourceline, name, setting, error"
                "\n  FROM pg_file_settings WHERE error IS NOT NULL;"
            ),
            msg("Mend it, reload, and see that the list is empty:\nSELECT pg_reload_conf();"),
            msg(
                'A line "setting could not be applied" is no error of the file: that value waits for a restart (P120).'
            ),
        ),
    ),
    Entry(
        "P115",
        msg("ALTER SYSTEM is not allowed"),
        means=msg(
            "The attach would set a parameter of the primary (max_slot_wal_keep_size, or one that was asked for), and"
            " allow_alter_system is off there, or the server's command line gives that parameter already."
        ),
        why=msg(
            "Since 17 a server can be told that its settings are kept elsewhere, by an operator in Kubernetes"
            " or a configuration management. It is no protection against a superuser; it says who owns the"
            " settings. What stands on the command line wins over every file, in all versions."
        ),
        do=(
            msg(
                "Set max_slot_wal_keep_size where the settings are kept, reload, and attach with --wal-cap keep. Or"
                " have the lines printed, and attach wait for them: --settings print"
            ),
            msg("Look first whether that owner runs the cluster too (P118)."),
        ),
    ),
    Entry(
        "P119",
        msg("a setting that somebody else manages"),
        means=msg(
            "A setting that would be changed stands in a file of a configuration management (conf.d, an"
            " include, or one that carries the mark of Ansible, Puppet or Patroni)."
        ),
        why=msg(
            "ALTER SYSTEM writes to postgresql.auto.conf, which is read last and wins over every other file,"
            " silently: from then on a change in the managed file has no effect, and nobody who reads that file"
            " sees why. What is given on the server's command line wins over both."
        ),
        do=(
            msg(
                "See where it comes from:"
                "\nSELECT name, setting, source, sourcefile, sourceline"
                "\n  FROM pg_settings WHERE name = 'max_slot_wal_keep_size';"
            ),
            msg(
                "Put the value where the setting is managed, reload, and attach with --wal-cap keep. Or have the"
                " lines printed, and attach wait for them: --settings print"
            ),
            msg(
                "What stands in postgresql.auto.conf alone can be taken out again:"
                "\nALTER SYSTEM RESET max_slot_wal_keep_size;"
                "\nSELECT pg_reload_conf();"
            ),
        ),
    ),
    Entry(
        "P120",
        msg("settings that wait for a restart"),
        means=msg(
            "Values stand in the primary's files that differ from those it runs with: the next restart changes them."
        ),
        why=msg(
            "An unplanned restart puts them into force, and one that is wrong keeps the server from starting. A"
            " copy of the data directory starts with the files: the standby would run with those values from its"
            " first moment. The five that it must not have less of than the primary (P207) are seen to by"
            " attach."
        ),
        do=(
            msg(
                "See them:"
                "\nSELECT name, setting AS running, sourcefile, sourceline"
                "\n  FROM pg_settings WHERE pending_restart;"
            ),
            msg("Restart in a window of your own, if they are meant."),
            msg("If they are not, take them out; for one that ALTER SYSTEM has set:\nALTER SYSTEM RESET NAME;"),
        ),
    ),
)
