"""R4xx: a run that changes roles: what it met in between, what does not come along, whom it does not reach."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

_AGAIN = msg("Run the same command again, once the cause is mended:\nstandbyctl switchover --to NAME")

ENTRIES = (
    Entry(
        "R409",
        msg("it is not proven that nothing would be lost"),
        means=msg(
            "The old primary was not shut down cleanly, or the standby has not replayed all of its WAL; or something"
            " else failed before the promotion, which the message names. Nobody was promoted. Where it was taken back,"
            " the old primary is the primary again."
        ),
        why=msg(
            "A clean stop ends with a checkpoint that every standby gets. A standby whose pg_last_wal_replay_lsn() is"
            " beyond its beginning (Latest checkpoint location) has everything. After a crash, kill -9 or an immediate"
            " stop there may be commits on the old primary only: promoted, the standby would lack them, and the old"
            " primary would have to be rewound or made anew."
        ),
        do=(
            msg(
                "See how it ended; nothing is missing after 'shut down':"
                "\nLC_ALL=C pg_controldata DIR | grep -E 'state|checkpoint location'"
            ),
            msg("If it is down and is still to be the primary, start it: it recovers by itself:\nsystemctl start UNIT"),
            msg("If the standby was promoted meanwhile (R419), do not start the old one."),
            msg("Where the stop took too long, see R408; where a hook failed, R430."),
            _AGAIN,
        ),
    ),
    Entry(
        "R410",
        msg("not known whether the standby is the primary yet"),
        means=msg(
            "The promotion was asked for, and either the connection was lost, or the standby was still in recovery when"
            " the wait ended."
        ),
        why=msg(
            "A promotion cannot be called back, and may come to its end later (pg_promote returns false at a timeout,"
            " and the promotion goes on). So nothing is taken back from here on: a started old primary would be the"
            " second one. It is stopped, and has a standby.signal."
        ),
        do=(
            msg("See what it is by now, on the new one; f is a primary:\nSELECT pg_is_in_recovery();"),
            msg("Go on; it looks anew, and does what is left:\nstandbyctl switchover --to NAME"),
            msg("Start neither of them by hand meanwhile. The server's log says what the promotion waits for."),
        ),
    ),
    Entry(
        "R411",
        msg("the old primary could not be started again"),
        means=msg(
            "The change failed before anybody was promoted, and starting the old primary again failed too; or somebody"
            " has started it meanwhile, and found a standby.signal. Nobody takes writes now."
        ),
        why=msg(
            "Nothing is lost: it was stopped cleanly, or is still stopping. What it was given (standby.signal, two"
            " settings in postgresql.auto.conf) is taken away again before the start, so its own log says what keeps it"
            " from starting."
        ),
        do=(
            msg("See why:\njournalctl -u UNIT -n 50\ntail -n 50 LOGFILE"),
            msg(
                "Mend it, see that there is no standby.signal, and start it:"
                "\nls DIR/standby.signal"
                "\nsystemctl start UNIT"
            ),
            msg("Or, where it was stopped cleanly, or is a standby, go on:\nstandbyctl switchover --to NAME"),
        ),
    ),
    Entry(
        "R412",
        msg("the old primary stays stopped"),
        means=msg("An earlier run had stopped it, and this one has promoted nobody. Nobody takes writes now."),
        why=msg(
            "The earlier run may have asked for a promotion, which may come to its end at any time later (where"
            " restore_command hangs, say): an old primary that was started again would be the second one then."
        ),
        do=(
            msg("Mend what the DETAIL says, and go on; nothing is lost:\nstandbyctl switchover --to NAME"),
            msg(
                'To give up: where the new one is in recovery, and its log has no "received promote request":'
                "\nrm DIR/standby.signal\nsystemctl start UNIT"
            ),
        ),
    ),
    Entry(
        "R418",
        msg("no way to the host of the primary"),
        means=msg("The server of the primary answers, and on its host nothing can be run."),
        why=msg(
            "No statement stops a server. And whoever starts the old primary after the promotion, a person or its unit"
            " at a reboot, would have two primaries: so its data directory is given a standby.signal in between, which"
            " takes a shell there."
        ),
        do=(
            msg("Name its host in standbyctl.toml, as ssh takes it, in the [[node]] of that primary (ssh)."),
            msg("Try it:\nssh HOST true"),
            msg("Or run the command on the host of the primary."),
        ),
    ),
    Entry(
        "R419",
        msg("two primaries"),
        means=msg("The standby was promoted already, and the old primary takes writes too."),
        why=msg(
            "Nothing inside PostgreSQL keeps two servers of one cluster from taking writes. Each goes on from the same"
            " point; what was committed on one of them since then is never on the other. Which one counts is for people"
            " to decide."
        ),
        do=(
            msg("Have clients write to one of them only, at once. Then see both:\nstandbyctl status"),
            msg(
                "See since where they differ, on the promoted one (timeline, LSN, reason):"
                "\ncat DIR/pg_wal/0000000?.history"
            ),
            msg("Stop the other one, and leave it stopped:\nsystemctl stop UNIT"),
            msg("See which commits only it has, and save what is needed of them:\nstandbyctl resync NAME --dry-run"),
            msg(
                "Make it a standby; what it holds is kept beside, unless --way rewind is asked for. Where resync does"
                " not know it, attach one anew, in another data directory:"
                "\nstandbyctl resync NAME"
                "\nstandbyctl attach"
            ),
        ),
    ),
    Entry(
        "R420",
        msg("commits would wait on the new primary"),
        means=msg(
            "synchronous_standby_names is not empty on the standby that is to be the primary. It is accepted with"
            " --despite synchronous-standby-names."
        ),
        why=msg(
            "A standby does not use it before it is promoted. Then every commit waits until a standby of that name has"
            " flushed it; until one streams, which may be never, they hang."
        ),
        do=(
            msg(
                "Empty it there; a reload is enough, also on a standby:"
                "\nALTER SYSTEM SET synchronous_standby_names = '';"
                "\nSELECT pg_reload_conf();"
            ),
            msg("Where it is meant:\nstandbyctl switchover --to NAME --despite synchronous-standby-names"),
        ),
    ),
    Entry(
        "R421",
        msg("the role may not promote"),
        means=msg("The role that connects to the standby is no superuser."),
        why=msg(
            "pg_promote() can be granted. The rest cannot, or only in part, on every version: the role and slot of each"
            " follower, checkpoints, settings, and the look at what would be lost."
        ),
        do=(
            msg("See who connects:\nSELECT current_user, current_setting('is_superuser');"),
            msg(
                "Name a superuser: conninfo in the [[node]] of standbyctl.toml, PGUSER, or the Unix socket on the host."
            ),
        ),
    ),
    Entry(
        "R422",
        msg("a base backup is under way"),
        means=msg("pg_stat_progress_basebackup shows a base backup of the primary (13 and later)."),
        why=msg("A stop ends it (an incomplete backup is of no use), and whoever makes it has to begin anew."),
        do=(
            msg(
                "See how far it is:"
                "\nSELECT pid, phase, backup_streamed, backup_total"
                "\n  FROM pg_stat_progress_basebackup;"
            ),
            msg("Wait until it has ended; then run the same command again."),
        ),
    ),
    Entry(
        "R423",
        msg("logical slots do not come along"),
        means=msg(
            "The primary has logical slots that are not failover slots. It is accepted with --despite logical-slots."
        ),
        why=msg(
            "Slots are not replicated. After the change the subscribers find none; what was committed until there is a"
            " new one they never get, unless their tables are copied again. From 17 on slots with failover = true are"
            " synced to a standby that has sync_replication_slots = on; see that they are there (synced)."
        ),
        do=(
            msg(
                "See them:\nSELECT slot_name, database, active FROM pg_replication_slots\n WHERE slot_type = 'logical';"
            ),
            msg(
                "17 and later: make the slot of a disabled subscription one for a failover, on the subscriber:"
                "\nALTER SUBSCRIPTION NAME SET (failover = true);"
            ),
            msg("Or make them anew afterwards:\nstandbyctl switchover --to NAME --despite logical-slots"),
        ),
    ),
    Entry(
        "R424",
        msg("prepared transactions"),
        means=msg(
            "Transactions are prepared (PREPARE TRANSACTION) and not ended. It is accepted with --despite"
            " prepared-transactions."
        ),
        why=msg(
            "They are in the WAL and survive: on the new primary they hold the same locks, and keep dead rows, until"
            " the transaction manager ends them there. One that only knows the old address never does."
        ),
        do=(
            msg("See them:\nSELECT gid, prepared, owner, database FROM pg_prepared_xacts;"),
            msg("Have whoever prepared them end them; by hand, in their database:\nROLLBACK PREPARED 'GID';"),
            msg("Or take them along:\nstandbyctl switchover --to NAME --despite prepared-transactions"),
        ),
    ),
    Entry(
        "R425",
        msg("unlogged tables"),
        means=msg(
            "The database that is connected to has unlogged tables; others are not looked at. It is accepted with"
            " --despite unlogged-tables."
        ),
        why=msg("Their rows are not in the WAL: on the new primary they are there and empty, as after a crash."),
        do=(
            msg(
                "See them, in each database:"
                "\nSELECT oid::regclass FROM pg_class"
                "\n WHERE relpersistence = 'u' AND relkind IN ('r', 'm');"
            ),
            msg("Keep what is needed (it writes the whole table to the WAL):\nALTER TABLE NAME SET LOGGED;"),
            msg("Or lose the rows:\nstandbyctl switchover --to NAME --despite unlogged-tables"),
        ),
    ),
    Entry(
        "R426",
        msg("a standby of a standby"),
        means=msg("The standby that is to be the primary streams from another standby, not from the primary."),
        why=msg(
            "The last WAL of the primary would reach it by way of the one in between, which would have to follow its"
            " own standby afterwards. Once the one in between is the primary, this one streams from the primary."
        ),
        do=(
            msg("See the chain:\nstandbyctl status"),
            msg("Go step by step:\nstandbyctl switchover --to UPSTREAM\nstandbyctl switchover --to NAME"),
        ),
    ),
    Entry(
        "R427",
        msg("a standby behind a tunnel"),
        means=msg("A standby of this primary streams through an ssh tunnel (attach --via ssh-tunnel)."),
        why=msg(
            "Its tunnel leads to the host of the old primary, with a key that opens that port and nothing else. It"
            " would need another one to the new primary, which standbyctl does not make yet."
        ),
        do=(
            msg("Have the new primary listen on an address of its own, with a restart of that standby (P105)."),
            msg("Detach the one behind the tunnel; attach it to the new primary afterwards:\nstandbyctl detach NAME"),
        ),
    ),
    Entry(
        "R430",
        msg("a hook failed"),
        means=msg(
            "A program of [switchover] in standbyctl.toml, or of --before, --at, --after or --back, could not be"
            " started, ended with another status than 0, or did not end within hook_timeout."
        ),
        why=msg(
            "Where before or at fails, nobody is promoted, and the old primary is the primary, as it was; back is run"
            " then. Where after fails, the new one is the primary by now: nothing is taken back, and it is for you to"
            " run it (exit code 5, and the command is in the last lines). Hooks are run here, without a shell, once;"
            " STANDBYCTL_HOOK, STANDBYCTL_OLD_PRIMARY and STANDBYCTL_NEW_PRIMARY say for what."
        ),
        do=(
            msg(
                "Try it by hand:"
                "\nSTANDBYCTL_HOOK=before STANDBYCTL_OLD_PRIMARY=OLD \\"
                "\n  STANDBYCTL_NEW_PRIMARY=NEW PROGRAM"
            ),
            msg("Where it needs pipes or variables, name a script, or: sh -c '...'"),
            msg("Where it needs longer, set hook_timeout; then run the same command again."),
        ),
    ),
    Entry(
        "R431",
        msg("another change of roles is not ended"),
        means=msg("A change to another standby was begun from here, and has not come to its end."),
        why=msg(
            "It may have stopped the primary, or have promoted the other one, and some standbys may not follow yet."
            " What is left of it is found by looking, and done by the command that had begun it."
        ),
        do=(
            msg("End it; with nothing left to do it says so:\nstandbyctl switchover --to THE-OTHER"),
            msg("Then run this one again."),
        ),
    ),
)
