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
            msg("One that is not coming back is detached first, and asked no more:\nstandbyctl detach NAME"),
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
)  # fmt: skip
