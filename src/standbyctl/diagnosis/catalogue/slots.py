"""S31x: slots that are made and dropped, and what bounds the WAL that they keep."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "S310",
        msg("the name of a slot is taken"),
        means=msg("A slot of that name is there, and it is not the one that was asked for, or it is lost."),
        why=msg(
            "One slot has one reader: with a second one, each throws the other out. A slot that is lost never keeps WAL"
            " again, on any version: it is dropped, and made anew."
        ),
        do=(
            msg("See what is there:\nSELECT * FROM pg_replication_slots;"),
            msg("Choose another name; or, where it is lost or nobody needs it:\nstandbyctl slots drop NAME"),
        ),
    ),
    Entry(
        "S311",
        msg("a slot is in use"),
        means=msg("Somebody reads from the slot that is to be dropped at this moment."),
        why=msg(
            "A slot that is read is never dropped: its standby or subscriber lives on it. After a cut a server takes up"
            " to wal_sender_timeout (60 s) to notice that its reader is gone."
        ),
        do=(
            msg(
                "See who reads it, and since when:"
                "\nSELECT s.slot_name, s.active_pid, a.application_name,"
                "\n       a.client_addr, a.backend_start"
                "\n  FROM pg_replication_slots AS s"
                "\n  LEFT JOIN pg_stat_activity AS a ON a.pid = s.active_pid;"
            ),
            msg("Where it is a standby that was attached from here:\nstandbyctl detach NAME"),
            msg("Else end the reader where it runs; then drop the slot."),
        ),
    ),
    Entry(
        "S312",
        msg("a standby needs the slot"),
        means=msg(
            "A standby that was attached from here has that slot, or one streams by the slot's name; and it does not"
            " read from the slot now. Or synchronized_standby_slots names the slot (17 and later)."
        ),
        why=msg(
            "While it is away, the slot keeps what it has not received. Without it a standby that comes back finds its"
            " WAL gone, and must be made anew, or catch up from an archive. While synchronized_standby_slots names a"
            " slot that is not there, the primary sends nothing more from any failover slot."
        ),
        do=(
            msg("Bring it back; it goes on where it was:\nstandbyctl status"),
            msg("If it is gone for good, take back what attach made:\nstandbyctl detach NAME"),
            msg("Or only the slot, naming who loses it:\nstandbyctl slots drop SLOT --abandon NAME"),
            msg(
                "Take it out of synchronized_standby_slots first, with the rest of its names:"
                "\nALTER SYSTEM SET synchronized_standby_slots = 'OTHERS';"
                "\nSELECT pg_reload_conf();"
            ),
        ),
    ),
    Entry(
        "S313",
        msg("a slot is not known to be idle for long"),
        means=msg(
            "Nobody reads from the slot now, and it was read, or made, less than ten minutes ago (17 and later). Before"
            " 17: since when nobody reads it cannot be known."
        ),
        why=msg(
            "A standby whose host is restarted, or that was cut off, is back within minutes, and asks for that slot."
            " Before 17 servers do not tell since when a slot is idle, so that it may have been read a moment ago."
        ),
        do=(
            msg(
                "See since when it is idle (17 and later), and wait:"
                "\nSELECT slot_name, inactive_since FROM pg_replication_slots;"
            ),
            msg("Or, if its reader may lose it:\nstandbyctl slots drop SLOT --abandon SLOT"),
        ),
    ),
    Entry(
        "S314",
        msg("a slot is synced from the primary"),
        means=msg("The slot is a standby's copy of a failover slot of its primary (synced, 17 and later)."),
        why=msg(
            "PostgreSQL does not let it be dropped there: its primary's slot decides, and it would be synced again."
        ),
        do=(msg("Drop it on the primary; it goes on the standby too, then:\nstandbyctl slots drop NAME -p CONNINFO"),),
    ),
    Entry(
        "S315",
        msg("nothing bounds what a new slot keeps"),
        means=msg("A slot is to be made, and max_slot_wal_keep_size is -1, its default: no limit."),
        why=msg(
            "A slot whose reader is away keeps all WAL. When the volume of pg_wal is full, the server stops, and does"
            " not start until there is room. With a limit the slot is lost instead, and its standby is made anew."
        ),
        do=(
            msg("Set a limit; half of what pg_wal's volume has free is a start:\nstandbyctl slots cap 20GB"),
            msg("Or accept it, and watch the slot:\nstandbyctl slots create NAME --no-cap"),
        ),
    ),
    Entry(
        "S316",
        msg("slots would be lost with that limit"),
        means=msg(
            "Slots keep as much WAL already as the new limit lets them, or more. The server counts in whole segments: a"
            " slot that keeps up to two less may be lost too."
        ),
        why=msg(
            "At the next checkpoint they are invalidated, whether or not they are read, and their WAL is removed. That"
            " cannot be undone. wal_keep_size counts too: what it keeps, it keeps for slots as well."
        ),
        do=(
            msg(
                "See what each slot keeps:"
                "\nSELECT slot_name, active, wal_status, pg_size_pretty("
                "\n       pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))"
                "\n  FROM pg_replication_slots ORDER BY restart_lsn;"
            ),
            msg(
                "Give a limit above that; let the readers catch up; or drop what nobody needs:\nstandbyctl slots drop"
                " NAME"
            ),
            msg("To lose them all the same, name each:\nstandbyctl slots cap SIZE --lose SLOT"),
        ),
    ),
    Entry(
        "S317",
        msg("a limit is too little for any slot"),
        means=msg("max_slot_wal_keep_size is to be less than 64 MB, or than two WAL segments."),
        why=msg(
            "The server counts in whole segments. With one or none, a standby that is a moment behind when a checkpoint"
            " ends loses its slot."
        ),
        do=(msg("Give more, what is written while a standby may be away:\nstandbyctl slots cap 20GB"),),
    ),
    Entry(
        "S318",
        msg("more WAL is to be kept than there is room for"),
        means=msg("wal_keep_size is to be more than the volume of pg_wal has free."),
        why=msg("It is kept whether or not anybody needs it, so the disk would be full, and the server stops then."),
        do=(
            msg("See what is free there:\ndf -h /PATH/OF/pg_wal"),
            msg("Give less, or make room; a slot with a limit keeps only what its standby needs."),
        ),
    ),
    Entry(
        "S319",
        msg("a kind of slot that this server has not"),
        means=msg("A logical slot was asked for on a standby, or a failover slot of a server before 17."),
        why=msg(
            "On a standby (16 and later) a logical slot begins only where its primary writes down its open"
            " transactions, which may be never on an idle one. Failover slots are synced to standbys in 17 and later."
        ),
        do=(
            msg("Make it on the primary:\nstandbyctl slots create NAME --logical PLUGIN --database DB"),
            msg("Before 17: make it without --failover."),
        ),
    ),
)
