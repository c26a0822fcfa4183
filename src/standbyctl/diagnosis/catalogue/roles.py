"""R4xx: why roles are not changed: who is what, what would hold the stop up, what one server has and the other not."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "R402",
        msg("not a primary and a standby that streams from it"),
        means=msg(
            "One of the two does not answer or is not in its role, or both ends do not show a stream between them, on"
            " one timeline, through the slot that the standby names."
        ),
        why=msg(
            "A standby that streams gets the last WAL of its primary, shutdown checkpoint and all, while that stops;"
            " any other one gets nothing then. A server that runs and does not answer is not taken for stopped: it may"
            " take writes."
        ),
        do=(
            msg("See who is what, and who streams from whom:\nstandbyctl status"),
            msg("See why the standby does not stream:\nstandbyctl verify NAME"),
            msg("Where it is far behind, or its slot is lost, choose another standby with --to."),
        ),
    ),
    Entry(
        "R403",
        msg("the standby is too far behind"),
        means=msg("More than 16 MB of the primary's WAL is still to be replayed by the standby."),
        why=msg(
            "A primary that stops (fast) sends all that is left to each standby, and waits for it. Sending and replay"
            " then belong to the time in which nobody takes writes."
        ),
        do=(
            msg("Wait until it has caught up; look on:\nstandbyctl status -w"),
            msg("Where it does not catch up, see what slows its replay:\nstandbyctl status --sql"),
        ),
    ),
    Entry(
        "R404",
        msg("replay is paused on the standby"),
        means=msg("pg_is_wal_replay_paused() is true on the standby that is to be the primary."),
        why=msg(
            "It is promoted only when it has replayed all WAL of the old primary; while it is paused it never has, and"
            " the primary would have been stopped for nothing. 14 and later pause it themselves where a parameter of"
            " the primary was raised above that of the standby; resumed, such a standby shuts down (P207)."
        ),
        do=(
            msg("See since where it is paused:\nSELECT pg_last_wal_replay_lsn(), pg_last_xact_replay_timestamp();"),
            msg("Resume it, once it is known who has paused it, and why:\nSELECT pg_wal_replay_resume();"),
        ),
    ),
    Entry(
        "R405",
        msg("the standby lags on purpose"),
        means=msg("recovery_min_apply_delay is not 0 on the standby that is to be the primary."),
        why=msg(
            "What it has received it replays so much later only, and it is promoted when it has replayed everything:"
            " the delay would be time in which nobody takes writes. A reload puts another value into force."
        ),
        do=(
            msg(
                "Take the delay away there, and wait until it has caught up:"
                "\nALTER SYSTEM SET recovery_min_apply_delay = 0;"
                "\nSELECT pg_reload_conf();"
            ),
            msg("Where the delay is wanted, choose another standby with --to."),
        ),
    ),
    Entry(
        "R406",
        msg("not the same cluster, or not the same timeline"),
        means=msg(
            "The two have different system identifiers; or the old primary, once stopped, is on another timeline than"
            " its standby."
        ),
        why=msg(
            "initdb gives a cluster its identifier, and every copy has it; a promotion begins a timeline. Positions in"
            " the WAL compare only where both are the same: else the same LSN is something else on each."
        ),
        do=(
            msg(
                "Ask both:"
                "\nSELECT system_identifier FROM pg_control_system();"
                "\nSELECT timeline_id FROM pg_control_checkpoint();"
            ),
            msg("See which name leads where:\nstandbyctl status"),
        ),
    ),
    Entry(
        "R407",
        msg("the archiver is behind, or fails"),
        means=msg(
            "The last attempt to archive a segment has failed, or more than 16 segments wait for it. It is accepted"
            " with --despite archive-backlog."
        ),
        why=msg(
            "A server that stops archives what is ready first, so that each waiting segment is time in which nobody"
            " takes writes. With a command that fails it gives up after a few attempts. Those segments are missing in"
            " the archive for good then: with archive_mode = on a standby archives nothing, and the new primary takes"
            " what it has received for archived. A base backup from before cannot be recovered beyond that hole."
        ),
        do=(
            msg(
                "See since when, and which segment:"
                "\nSELECT failed_count, last_failed_wal, last_failed_time,"
                "\n       last_archived_time FROM pg_stat_archiver;"
            ),
            msg("Mend what archive_command (or archive_library, 15 and later) needs, and let it catch up (P121)."),
            msg("Or accept the time:\nstandbyctl switchover --to NAME --despite archive-backlog"),
        ),
    ),
    Entry(
        "R408",
        msg("a stop waits for a receiver, or takes too long"),
        means=msg(
            "A receiver has said nothing for 25 s; or the old primary was told to stop, and had not stopped within"
            " --max-wait."
        ),
        why=msg(
            "A fast stop ends sessions at once, but sends its last WAL to every receiver and waits for the answers: for"
            " wal_sender_timeout (60 s) at most, and with 0 without end. pg_receivewal and standbys that hang count"
            " too. A healthy one says something every wal_receiver_status_interval (10 s)."
        ),
        do=(
            msg(
                "See who is silent:"
                "\nSELECT pid, application_name, client_addr, state, reply_time"
                "\n  FROM pg_stat_replication ORDER BY reply_time;"
            ),
            msg("End its walsender; it comes back once it can:\nSELECT pg_terminate_backend(PID);"),
            msg(
                "Where the stop itself is slow, because the disk is, give it more time:"
                "\nstandbyctl switchover --to NAME --max-wait 5min"
            ),
        ),
    ),
    Entry(
        "R413",
        msg("standbys that nobody here knows"),
        means=msg(
            "Receivers stream from the primary that were not attached from here. It is accepted with --despite"
            " unknown-standbys."
        ),
        why=msg(
            "Nobody tells them of the new primary. They ask the old one again, and are standbys of a standby then,"
            " provided that they follow the latest timeline (recovery_target_timeline, the default since 12); nobody"
            " looks whether they get there. A pg_receivewal is such a receiver too."
        ),
        do=(
            msg("See who they are:\nSELECT application_name, client_addr, backend_start\n  FROM pg_stat_replication;"),
            msg(
                "Afterwards, on each of them (13 and later; up to 12 a restart):"
                "\nALTER SYSTEM SET primary_conninfo = 'CONNINFO';"
                "\nSELECT pg_reload_conf();"
            ),
            msg("Accept it:\nstandbyctl switchover --to NAME --despite unknown-standbys"),
        ),
    ),
    Entry(
        "R414",
        msg("the old primary has too low parameters for a standby"),
        means=msg(
            "max_connections, max_worker_processes, max_wal_senders, max_prepared_transactions or"
            " max_locks_per_transaction is lower on the primary than on the standby."
        ),
        why=msg(
            "A standby needs at least what its primary has: with less it does not start (recovery aborted because of"
            " insufficient parameter settings). So far the primary has less, which is allowed; with the roles changed"
            " it could not come back. All five take a restart."
        ),
        do=(
            msg(
                "Compare, on both:"
                "\nSELECT name, setting FROM pg_settings"
                "\n WHERE name IN ('max_connections', 'max_worker_processes',"
                "\n       'max_wal_senders', 'max_prepared_transactions',"
                "\n       'max_locks_per_transaction');"
            ),
            msg("Raise it on the primary with its next restart (P207 is the same the other way round)."),
            msg("Or lower it on the standby, no further than the primary has it, and restart that: no writes wait."),
        ),
    ),
    Entry(
        "R415",
        msg("too few walsenders on the standby"),
        means=msg("Not every standby that is to follow the new primary would find a free walsender there."),
        why=msg(
            "Each standby takes one of max_wal_senders, and so does a standby of a standby, or pg_receivewal. The value"
            " of the new primary is its own; it changes with a restart only, which a standby can be given at any time."
        ),
        do=(
            msg("Raise it there, then restart that standby:\nALTER SYSTEM SET max_wal_senders = 10;"),
            msg("See who uses them now:\nSELECT pid, application_name, state FROM pg_stat_replication;"),
        ),
    ),
    Entry(
        "R416",
        msg("the new primary cannot be reached by its standbys"),
        means=msg(
            "The standby that is to be the primary listens on no address that the others can connect to, the old"
            " primary among them."
        ),
        why=msg(
            "listen_addresses of a standby is its own. It is localhost by default, and nobody has missed more so far."
            " It changes with a restart only, and that of a standby stops no writes."
        ),
        do=(
            msg("Set it on that standby, then restart it:\nALTER SYSTEM SET listen_addresses = '*';"),
            msg("Try it from the host of another one:\npg_isready -h HOST -p PORT"),
            msg("See whether a firewall lets them through; then run the same command again."),
        ),
    ),
    Entry(
        "R417",
        msg("wal_level differs between the two"),
        means=msg("wal_level is another one on the standby than on the primary."),
        why=msg(
            "A standby writes no WAL; once it is promoted, it writes at its own wal_level. From logical to replica,"
            " logical decoding ends; from replica to minimal no standby could follow. It changes with a restart only."
        ),
        do=(
            msg("Make them alike on the standby, then restart it:\nALTER SYSTEM SET wal_level = replica;"),
            msg("Then run the same command again."),
        ),
    ),
)
