"""R44x, R45x: why nobody takes the place of a primary, and why a node is not made a standby again."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "R440",
        msg("the primary is alive"),
        means=msg("A failover was asked for, and the primary answers and is not in recovery."),
        why=msg(
            "Nothing in PostgreSQL keeps two servers of one cluster from taking writes (all versions). With a second"
            " primary each takes commits that the other never has, and one side's have to be thrown away."
        ),
        do=(
            msg("To change roles with nothing lost:\nstandbyctl switchover --to NAME"),
            msg("If the primary must go all the same, stop it first, by whatever runs it; then run the failover."),
        ),
    ),
    Entry(
        "R441",
        msg("the primary runs, and does not answer"),
        means=msg("The processes of the primary are there on its host, and no session to it can be had."),
        why=msg(
            "It may be frozen, out of connections, or refuse this role: sessions that it has may go on to write. It is"
            " not ended on such evidence."
        ),
        do=(
            msg("Look at its log and at its host; try a session by hand:\npsql -h HOST -p PORT -d postgres"),
            msg("If it is beyond help, end it there, then run the failover:\npg_ctl stop -m immediate -D DIR"),
            msg("Or give --fence: a program that ends it, and exits with 0 only if it has."),
        ),
    ),
    Entry(
        "R442",
        msg("a standby still hears from the primary"),
        means=msg("The WAL receiver of a standby has got something from the old primary a few seconds ago."),
        why=msg(
            "So that one lives, and it is this host that cannot reach it. pg_stat_wal_receiver.last_msg_receipt_time is"
            " the standby's own clock at the last message, and an idle primary sends one in half of"
            " wal_sender_timeout at the latest."
        ),
        do=(
            msg("On the standby:\nSELECT status, sender_host, sender_port, last_msg_receipt_time"
                "\n  FROM pg_stat_wal_receiver;"),
            msg("Mend the network between this host and the primary, or run the tool where both are reached."),
        ),
    ),
    Entry(
        "R443",
        msg("nobody says that the primary takes no writes"),
        means=msg("The host of the primary does not answer, and no fence was given."),
        why=msg(
            "A host that is silent from here may serve its clients. A promotion then makes two primaries; a host that"
            " comes back starts its server by itself and does the same."
        ),
        do=(
            msg("Give a program that switches it off, or cuts it off, and knows that it has:"
                "\nstandbyctl failover --to NAME --fence 'CMD {{node}}'"),
            msg("Where you have done that yourself, and it stays so:\nstandbyctl failover --to NAME --fenced"),
        ),
    ),
    Entry(
        "R444",
        msg("another standby has, or may have, more of the WAL"),
        means=msg("A standby beside the one that was named has received more, or does not answer and may have."),
        why=msg(
            "What the promoted one has not received is lost, and a standby that is ahead of it cannot follow: its WAL"
            " goes on beyond the point where the new timeline begins."
        ),
        do=(
            msg("Promote the one that has most:\nstandbyctl failover --to NAME"),
            msg("One that does not come back in time is left out; what it may have more is lost, and it is made a"
                " standby of the new primary later:\nstandbyctl failover --without NAME"),
        ),
    ),
    Entry(
        "R445",
        msg("the loss is above --max-loss, or not known"),
        means=msg(
            "What a watch has last seen of the primary's WAL is so much more than the standby has received; or no watch"
            " was running, and nobody knows."
        ),
        why=msg("Replication is asynchronous: what was committed last may not have been sent. Unknown is not zero."),
        do=(
            msg("Bring the primary back, if it can be: then nothing is lost."),
            msg("Or accept the loss: leave --max-loss out."),
            msg("For the next time, have a watch running:\nstandbyctl export systemd"),
        ),
    ),
    Entry(
        "R451",
        msg("the upstream is no primary"),
        means=msg("The server that a node is to be made a standby of is in recovery."),
        why=msg("Roles and marked commits are made on a primary. Who is the primary has to be settled first."),
        do=(msg("See who is what:\nstandbyctl status"),),
    ),
    Entry(
        "R452",
        msg("the data directory is of another system"),
        means=msg("Its system identifier is not that of the primary that it is to be a standby of."),
        why=msg("initdb gives each cluster a number of its own, and only copies share it (all versions)."),
        do=(
            msg("See whose it is:\npg_controldata DIR | grep 'system identifier'"),
            msg("A standby somewhere else:\nstandbyctl attach -D DIR"),
        ),
    ),
    Entry(
        "R453",
        msg("the node does not come back that way"),
        means=msg("A way was asked for with --way, and it is not open: the refusal says why."),
        why=msg(
            "A node can follow another timeline only where it has not passed the LSN where that one begins. pg_rewind"
            " brings back what is on the timeline that the primary comes from; to tell which blocks have changed it"
            " needs data checksums or wal_log_hints = on at the time when they did, and the node's WAL from the last"
            " checkpoint before the fork on."
        ),
        do=(
            msg("See every way, which of them are open, and what each would copy:\nstandbyctl resync NAME -n"),
            msg("A new copy is always possible, and keeps what the node holds:\nstandbyctl resync NAME --way clone"),
        ),
    ),
    Entry(
        "R454",
        msg("pg_rewind has not come to its end"),
        means=msg("A rewind was begun, and pg_rewind failed, or what it has left is not what a standby needs."),
        why=msg(
            "pg_rewind that fails half-way leaves files of two histories (all versions), and it takes standby.signal"
            " away. So the data directory has mode 0701 while it runs, on which no PostgreSQL starts, and keeps it"
            " where it fails."
        ),
        do=(
            msg("Copy it anew; what is there is renamed aside first:\nstandbyctl resync NAME --way clone"),
            msg("Why it failed is in pg_rewind.log of the directory that the plan names; its WAL is there too."),
        ),
    ),
)  # fmt: skip
