"""L4xx, F5xx, M6xx, S33x: what status, watch and check find in a running cluster."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "L401",
        msg("the lag of a standby"),
        means=msg(
            "What the standby has replayed is older than the limit. Lag is how long ago the primary had"
            " written what the"
            " standby has replayed, by the clock of standbyctl alone: nothing to replay is no lag, and neither a paused"
            " replay nor a cut stream looks current."
        ),
        why=msg(
            "Who reads from the standby sees rows as they were then. What is not even received would be lost with the"
            " primary. now() - pg_last_xact_replay_timestamp() grows on an idle primary, and replay_lag of"
            " pg_stat_replication stands still while replay is paused."
        ),
        do=(
            msg(
                "See where it waits, by stage:\n"
                "SELECT application_name, sent_lsn, write_lsn, flush_lsn, replay_lsn\n  FROM pg_stat_replication;"
            ),
            msg("sent_lsn behind: the network, or a walsender that is starved. flush_lsn behind: the standby's disk."),
            msg(
                "replay_lsn behind: one process replays. On the standby, a query may hold it up for"
                " max_standby_streaming_delay; or it is delayed on purpose:\nSHOW recovery_min_apply_delay;"
            ),
        ),
    ),
    Entry(
        "L402",
        msg("a standby that receives nothing"),
        means=msg("The standby runs and is in recovery, and nobody sends it WAL."),
        why=msg(
            "It falls behind with every commit, and looks current where only what it has received is compared with what"
            " it has replayed. Its slot keeps WAL for it meanwhile."
        ),
        do=(
            msg("See what it tries, and its log:\nSELECT * FROM pg_stat_wal_receiver;"),
            msg("Look at both ends at once: standbyctl verify NAME"),
            msg("An attach of the same name again mends what is missing: standbyctl attach NAME"),
        ),
    ),
    Entry(
        "L403",
        msg("a replay that is paused"),
        means=msg(
            "WAL is received and not replayed: somebody has called pg_wal_replay_pause(), or a parameter"
            " of the standby is below the primary's (14 and later)."
        ),
        why=msg("What is received is safe, but nobody can read it, and a promotion has to replay all of it first."),
        do=(
            msg("Go on:\nSELECT pg_wal_replay_resume();"),
            msg("Where the log has said that a parameter is too low, raise it and restart the standby."),
        ),
    ),
    Entry(
        "L404",
        msg("a standby that is not there"),
        means=msg(
            "A standby that was attached from here does not answer, and its upstream sends to nobody of that name."
        ),
        why=msg(
            "Nothing would take over from the primary, and its slot keeps WAL for it until its cap, or"
            " the disk, is reached."
        ),
        do=(
            msg("Start it, or mend what keeps it from its upstream; then: standbyctl verify NAME"),
            msg("Gone for good: standbyctl detach NAME gives back its slot, role and rule."),
        ),
    ),
    Entry(
        "L405",
        msg("a standby that takes writes"),
        means=msg("A server that was attached as a standby is not in recovery any more: somebody has promoted it."),
        why=msg(
            "What is written to it is not on the primary. It cannot stream again as it is: it has a"
            " timeline of its own."
        ),
        do=(
            msg("See since when, on it:\nSELECT pg_is_in_recovery(), timeline_id\n  FROM pg_control_checkpoint();"),
            msg("Where it was meant: it is the primary now, and the old one must not take writes."),
            msg("Where it was not: detach it, save what was written to it, and attach it anew."),
        ),
    ),
    Entry(
        "L406",
        msg("a standby that is catching up"),
        means=msg("Its walsender sends what was written before: it does not stream yet, or not again."),
        why=msg("Where it never catches up, WAL is written faster than it goes over, or than one process replays."),
        do=(
            msg("Look again after a while: standbyctl status"),
            msg("What limits it is seen by stage (L401)."),
        ),
    ),
    Entry(
        "L407",
        msg("a lag that cannot be known"),
        means=msg("The primary does not answer, or the standby has replayed nothing yet, or is on another timeline."),
        why=msg(
            "How far the primary has written since is not known, so neither is how far behind the"
            " standby is. Unknown is not zero."
        ),
        do=(msg("Mend what keeps the primary from answering, then look again: standbyctl status"),),
    ),
    Entry(
        "L408",
        msg("no standby"),
        means=msg(
            "A check of standbys was asked for, and none is known: attached from here, configured, or streaming."
        ),
        why=msg("A check that has seen nothing must not say that all is well."),
        do=(
            msg("See who streams:\nSELECT application_name, state FROM pg_stat_replication;"),
            msg("Name those that should be there as [[node]] in standbyctl.toml, with their conninfo."),
        ),
    ),
    Entry(
        "F501",
        msg("two primaries"),
        means=msg("More than one server of the same cluster (system identifier) takes writes."),
        why=msg(
            "They have parted: each has commits that the other has not, and only one side's can be kept"
            " as they are. With"
            " every write the loss grows."
        ),
        do=(
            msg("See which one the applications write to, and which timeline each is on: standbyctl status"),
            msg(
                "Stop the one that is not meant, and keep its data directory: what only it has can still"
                " be read from its WAL."
            ),
            msg("Make it a standby again only by pg_rewind or a new copy: started as it is, it would be a primary."),
        ),
    ),
    Entry(
        "F502",
        msg("no primary"),
        means=msg("No server that answers takes writes."),
        why=msg("Either the primary is away, or it cannot be reached from here, which is not the same."),
        do=(
            msg("See whether it runs, on its own host:\npg_ctl status -D DATA_DIRECTORY"),
            msg(
                "See whether the standbys still receive from it:\nSELECT status, sender_host FROM pg_stat_wal_receiver;"
            ),
        ),
    ),
    Entry(
        "F503",
        msg("commits that wait"),
        means=msg("synchronous_standby_names asks for more standbys than are streaming as synchronous ones."),
        why=msg(
            "Every commit is done on the primary and waits for an answer that does not come: applications hang, and"
            " connections pile up. Nothing is lost by it."
        ),
        do=(
            msg("See who is there:\nSELECT application_name, state, sync_state FROM pg_stat_replication;"),
            msg("Bring the standby back."),
            msg(
                "Or let commits go on without it; a reload is enough:"
                "\nALTER SYSTEM SET synchronous_standby_names = '';"
                "\nSELECT pg_reload_conf();"
            ),
        ),
    ),
    Entry(
        "S330",
        msg("a slot that nobody reads"),
        means=msg(
            "The slot is inactive, and the WAL that it keeps will reach its cap or fill the volume, or is much already."
        ),
        why=msg(
            "It keeps all WAL from its restart_lsn on. With max_slot_wal_keep_size (13 and later) a"
            " checkpoint invalidates"
            " it at the cap; without one the volume of pg_wal fills up, and the primary stops with PANIC."
        ),
        do=(
            msg("Start its standby again."),
            msg(
                "Its standby is gone for good: standbyctl detach NAME, or for a slot of another hand:\n"
                "SELECT pg_drop_replication_slot('SLOT');"
            ),
            msg(
                "Give slots a cap; a reload is enough (P108):\n"
                "ALTER SYSTEM SET max_slot_wal_keep_size = '20GB';\nSELECT pg_reload_conf();"
            ),
        ),
    ),
    Entry(
        "S331",
        msg("a slot that is lost"),
        means=msg(
            "The slot was invalidated: what it was to keep is gone (wal_status = lost, or an invalidation_reason)."
        ),
        why=msg(
            "It never comes back to life, and its standby cannot go on by streaming, unless the archive"
            " has what is missing."
        ),
        do=(
            msg(
                "A standby attached from here: standbyctl attach NAME makes the slot anew, and copies again if it must."
            ),
            msg("Of another hand: drop it, and make its standby anew:\nSELECT pg_drop_replication_slot('SLOT');"),
        ),
    ),
    Entry(
        "S332",
        msg("a slot that is close to its cap"),
        means=msg(
            "A fifth or less of max_slot_wal_keep_size is left for it, or it is unreserved: lost at the"
            " next checkpoint."
        ),
        why=msg("A checkpoint then invalidates it, and its standby must be made anew."),
        do=(
            msg(
                "Raise the cap as far as the volume has room; a reload is enough:\n"
                "ALTER SYSTEM SET max_slot_wal_keep_size = '40GB';\nSELECT pg_reload_conf();"
            ),
            msg("See why its standby is behind (L401), or start it again."),
        ),
    ),
    Entry(
        "S334",
        msg("a slot that holds an old xmin"),
        means=msg("Its xmin or catalog_xmin is many transactions old."),
        why=msg(
            "Vacuum removes no row that died since, in no table: they grow, and near 200 million"
            " transactions autovacuum"
            " turns to wraparound. A standby with hot_standby_feedback holds it for its longest query, and an inactive"
            " slot for as long as it is there."
        ),
        do=(
            msg(
                "See what holds it:\n"
                "SELECT slot_name, active, age(xmin), age(catalog_xmin)\n  FROM pg_replication_slots;"
            ),
            msg("On the standby, end the query that is so old; or drop the slot that nobody needs."),
        ),
    ),
    Entry(
        "M601",
        msg("a server that does not answer"),
        means=msg("It refused, or could not be connected to, when it was asked."),
        why=msg("What is shown of it comes from others, or from before."),
        do=(msg("See its reason in the finding, and try by hand:\npsql 'CONNINFO' -c 'SELECT 1'"),),
    ),
    Entry(
        "M602",
        msg("a server that hangs"),
        means=msg("It took the connection, or had it, and gave no answer in time."),
        why=msg(
            "A host that is frozen, a stopped process, a disk that does not answer, or a firewall that"
            " drops packets: to"
            " wait longer would keep the answers of all others back."
        ),
        do=(
            msg(
                "See whether its processes run, and in which state, on its host:\n"
                "ps -o pid,stat,wchan:20,cmd -C postgres"
            ),
        ),
    ),
    Entry(
        "M612",
        msg("a server that does not let standbyctl look"),
        means=msg(
            "PostgreSQL answers there, and refuses the login, or the role that looks lacks a right: a wrong password or"
            " none, no line in pg_hba.conf, a role that may not log in, no connection free, no pg_monitor."
        ),
        why=msg(
            "The way to it is well, and whether the server is, its upstream says in part. What only it says itself is"
            " unknown: neither good nor bad, and absent from the metrics."
        ),
        do=(
            msg("See PostgreSQL's reason in the finding, and try the same by hand:\npsql 'CONNINFO' -c 'SELECT 1'"),
            msg(
                "A password that was changed: give the new one in .pgpass, PGPASSWORD, or passfile= in the conninfo."
                " On a standby the roles are the primary's, its pg_hba.conf is its own."
            ),
            msg("A right that is missing:\nGRANT pg_monitor TO ROLE;"),
        ),
    ),
    Entry(
        "M603",
        msg("a server of another cluster"),
        means=msg("A server that was named as a node has another system identifier: it is no copy of this primary."),
        why=msg("Its positions in the WAL mean nothing here, and it is left out of everything that is said."),
        do=(msg("Give the right conninfo in standbyctl.toml, or take the node out."),),
    ),
)
