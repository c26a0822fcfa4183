"""A25x: why a standby is not detached."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

_BY_HAND = msg(
    "Where the primary is to be rid of it, do it there by hand, and take the line marked standbyctl out"
    " of pg_hba.conf:"
    "\nSELECT pg_drop_replication_slot('NAME');"
    "\nDROP ROLE repl_NAME;"
    "\nSELECT pg_reload_conf();"
)

ENTRIES = (
    Entry(
        "A250",
        msg("a mount point is not renamed, and must be mounted"),
        means=msg(
            "The standby's data directory is a mount point, and --remove-data-dir without --delete would have to rename"
            " it; or its volume is not mounted now, and nothing could be seen of the standby. Nothing was changed."
        ),
        why=msg(
            "A mount point cannot be renamed (Device or resource busy), and the volume has no other place where a whole"
            " data directory could be kept: within it, it would be a part of what comes there next."
        ),
        do=(
            msg("Where the volume is not mounted, mount it:\nmount DIR"),
            msg("To have the mount point empty:\nstandbyctl detach NAME --remove-data-dir DIR --delete"),
            msg("To keep what is in it, which cannot start as a primary:\nstandbyctl detach NAME"),
        ),
    ),
    Entry(
        "A251",
        msg("not this primary's standby any more"),
        means=msg(
            "It was promoted, follows another server, or has left the primary's timeline. detach does not touch it."
        ),
        why=msg(
            "A promoted server takes commits of its own, on a new timeline: they may be nowhere else. Stopping"
            " it, or removing its directory, could lose them, and somebody may depend on it."
        ),
        do=(
            msg("See what it is:\nSELECT pg_is_in_recovery();\nSHOW primary_conninfo;"),
            _BY_HAND,
        ),
    ),
    Entry(
        "A252",
        msg("its copy is still being written"),
        means=msg("Another run, or a pg_basebackup that a killed run had started, is still at work for this standby."),
        why=msg("Taking role and slot away beneath a copy would make it fail in the middle, with words that mislead."),
        do=(
            msg("Wait until it ends, or end it there (Ctrl-C in that terminal)."),
            msg("If it has no owner any more:\nps -C pg_basebackup -o pid,user,lstart,args\nkill PID"),
            msg("Then run the same command again."),
        ),
    ),
    Entry(
        "A253",
        msg("attach did not start it"),
        means=msg("The standby runs, and was restarted by somebody else since attach started it."),
        why=msg(
            "A server that standbyctl did not start is never stopped: a service unit, a container or a"
            " colleague has it now. attach starts a server with -c standbyctl.attach=NAME, which postmaster.opts"
            " shows."
        ),
        do=(
            msg("Stop it the way it was started:\nsystemctl stop UNIT\npg_ctl stop -D DIR -m fast"),
            msg("Then run the same command again. Keep the unit from starting it anew."),
        ),
    ),
    Entry(
        "A254",
        msg("something else uses it"),
        means=msg(
            "The standby has standbys of its own, or a server that is not on its data directory streams with"
            " its name or slot."
        ),
        why=msg(
            "A cascading standby loses its upstream when this one stops, and the WAL it still needs with the"
            " slot. A server elsewhere with the same slot is a copy that somebody has moved: the slot is its"
            " lifeline."
        ),
        do=(
            msg(
                "See who streams, on the primary and on the standby:"
                "\nSELECT pid, application_name, client_addr, client_port, state"
                "\n  FROM pg_stat_replication;"
                "\nSELECT slot_name, active, active_pid FROM pg_replication_slots;"
            ),
            msg(
                "Point each of them elsewhere; from 13 on a reload of it is enough, up to 12 a restart:"
                "\nALTER SYSTEM SET primary_conninfo = 'CONNINFO';"
                "\nSELECT pg_reload_conf();"
            ),
            msg("Drop their slots on this standby, then run the same command again."),
        ),
    ),
    Entry(
        "A255",
        msg("sessions of others"),
        means=msg("Somebody is connected to the standby."),
        why=msg("A fast stop would end their queries. Sessions of standbyctl itself do not count."),
        do=(
            msg(
                "See who:"
                "\nSELECT pid, usename, application_name, client_addr, query_start"
                "\n  FROM pg_stat_activity WHERE backend_type = 'client backend';"
            ),
            msg(
                "Take it out of the pooler or load balancer first, then wait for them, or end them:"
                "\nSELECT pg_terminate_backend(PID);"
            ),
        ),
    ),
    Entry(
        "A256",
        msg("another data directory was named"),
        means=msg("The directory given with --remove-data-dir is not the data directory of this standby."),
        why=msg(
            "What is removed is named twice, so that a slip of the hand or of the shell's history removes nothing."
        ),
        do=(
            msg("Name the one that DETAIL shows:\nstandbyctl detach NAME --remove-data-dir DIR"),
            msg("Or leave the option out: the directory then stays, and cannot start as a primary."),
        ),
    ),
    Entry(
        "A257",
        msg("another cluster"),
        means=msg("What answers has another system identifier than the cluster that was attached to."),
        why=msg(
            "initdb gives every cluster an identifier, and physical copies share it. Another one at the same"
            " address: the primary was made anew, a container was exchanged, or the conninfo leads elsewhere by"
            " now. What was begun for one is not gone on with, nor given back, on another."
        ),
        do=(
            msg("See who answers:\nSELECT system_identifier FROM pg_control_system();"),
            msg("Give the conninfo of the right one with -p."),
            msg(
                "If that cluster is gone for good, nothing is left there to give back: move the standby's journal"
                " directory away, and its data directory if it is of no use."
            ),
        ),
    ),
    Entry(
        "A258",
        msg("the primary is a standby by now"),
        means=msg("pg_is_in_recovery() is true on what answers as the primary."),
        why=msg(
            "The roles have changed, or -p leads to another server. A server in recovery takes no DROP ROLE and"
            " no other write: what attach made has to be given back on the present primary. Slots are not"
            " replicated; the one that is looked for may exist on neither."
        ),
        do=(
            msg("See whom it follows:\nSELECT sender_host, sender_port FROM pg_stat_wal_receiver;"),
            msg("Detach with the conninfo of the present primary:\nstandbyctl detach NAME -p CONNINFO"),
        ),
    ),
    Entry(
        "A259",
        msg("it cannot be asked who uses it"),
        means=msg("The standby runs, and does not let standbyctl in: its sessions and standbys cannot be seen."),
        why=msg(
            "What is not known is not taken for nobody. It may refuse by its own pg_hba.conf, have no"
            " connection free, or not be consistent yet (the database system is starting up; hot_standby = off)."
        ),
        do=(
            msg("See what it says:\npg_isready -p PORT\npsql 'host=HOST port=PORT user=postgres' -c 'SELECT 1'"),
            msg("Mend that; or stop the standby yourself, the way it was started. Then run the same command again."),
        ),
    ),
)
