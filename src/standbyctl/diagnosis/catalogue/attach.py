"""A20x and A21x: a run, from the first connection to the proof. Most of them attach and detach share."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

_AGAIN = msg("Run the same command again: it looks afresh, and goes on with what is left.")

ENTRIES = (
    Entry(
        "A201",
        msg("no connection"),
        means=msg("The primary cannot be reached, does not let standbyctl in, or the connection was lost."),
        why=msg(
            "libpq's own words are in DETAIL. No answer at all: host, port, listen_addresses, a firewall. No"
            " pg_hba.conf entry: the user, database or address has no line there. Password: libpq looks in the"
            " conninfo, PGPASSWORD, then .pgpass, which it ignores unless its mode is 0600 or less. The server"
            " may also be starting up, or have no connection free."
        ),
        do=(
            msg("See whether anything answers:\npg_isready -h HOST -p PORT"),
            msg("Try the same conninfo with psql, as the same operating system user:\npsql 'CONNINFO' -c 'SELECT 1'"),
            msg("A run that had begun is kept by its journal. Run the same command again."),
        ),
    ),
    Entry(
        "A202",
        msg("no right to look, or no way"),
        means=msg(
            "The server or its host answers, but does not show what is needed: the role may not see it, or"
            " commands cannot be run as the server's operating system user, or do not end."
        ),
        why=msg(
            "data_directory and hba_file are hidden from a role that is not in pg_read_all_settings;"
            " pg_hba_file_rules() and pg_show_all_file_settings() are a superuser's, unless granted. What cannot be"
            " seen is not guessed: that is why nothing is changed. On the host it looks as root or as the server's own"
            " user."
        ),
        do=(
            msg("Connect as a superuser:\nstandbyctl plan -p 'host=HOST user=postgres' -D DIR"),
            msg("Or grant what is needed; P116 has the statements:\nstandbyctl explain P116"),
            msg("Where a command on the host failed or did not end: look at its load and disks, then run it again."),
        ),
    ),
    Entry(
        "A203",
        msg("another run is at work, or the lock was lost"),
        means=msg(
            "Another standbyctl is at work on the same standby or directory, or has been changing this primary for"
            " more than a minute (waiting for a person, perhaps); or the session that held our locks has ended."
        ),
        why=msg(
            "The locks on the primary are advisory locks in the database postgres, one for the standby's name and,"
            " while the primary is changed, one for all; they end with their session,"
            " also when the run is killed. They are checked before each effect, so a run that has lost them stops"
            " before it changes anything more. idle_session_timeout (14 and later) does not end them; an"
            " administrator or a failover does."
        ),
        do=(
            msg(
                "See who holds it:"
                "\nSELECT a.pid, a.client_addr, a.backend_start FROM pg_locks l"
                "\n  JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory'"
                "\n   AND a.application_name = 'standbyctl';"
            ),
            msg("Wait until that run ends, then run the same command again."),
        ),
    ),
    Entry(
        "A204",
        msg("a step failed"),
        means=msg(
            "A statement, a script on the host, the base backup or a wait for something did not succeed. DETAIL"
            " has PostgreSQL's or the system's own words; STATE says which steps are done."
        ),
        why=msg(
            "The step is not done, and its journal entry says that it was begun. Each guard is evaluated where"
            " the deed is done: where somebody has changed a file, role or setting in between, the step stops"
            " instead of overwriting. A line that pg_hba.conf cannot take is taken out again before anything is"
            " reloaded. An unfinished copy is never renamed to its destination."
        ),
        do=(
            msg("Mend what DETAIL names: a full disk, a server that is down, a file that has changed."),
            _AGAIN,
            msg("Or give everything back:\nstandbyctl detach NAME"),
            msg("With --debug it shows every statement and command before it happens."),
        ),
    ),
    Entry(
        "A205",
        msg("a step did not take effect"),
        means=msg(
            "A step ran without an error, but a fresh look at the servers does not show what it should have brought."
        ),
        why=msg(
            "An exit status is not believed. A reload may be refused with a word in the log only; a setting may"
            " be overridden by a later file, the command line, or a role's or database's own value; somebody may"
            " have undone it at that very moment."
        ),
        do=(
            msg(
                "Look at the server's log, and at what the files say:"
                "\nSELECT * FROM pg_file_settings WHERE NOT applied;"
            ),
            msg("Run the same command again, with --debug: it shows every statement and command."),
        ),
    ),
    Entry(
        "A206",
        msg("the standby is not proven"),
        means=msg(
            "The standby has not replayed a marked commit of the primary in time, is no copy of this primary,"
            " or the primary has not let it in while attach waited for a line in pg_hba.conf."
        ),
        why=msg(
            "That a server has started, is in recovery and even has a walreceiver in state streaming does not"
            " prove replication; a commit that arrives does. The mark is pg_logical_emit_message, transactional:"
            " a commit record in the WAL, with no table and no row. A standby that has much to catch up with"
            " needs longer."
        ),
        do=(
            msg("See how far it is:\nstandbyctl status"),
            msg("See why it does not stream: its own log, log/ or startup.log in its data directory."),
            msg(
                "See whether it has its upstream, on the standby:"
                "\nSELECT status, sender_host FROM pg_stat_wal_receiver;"
            ),
            msg("Then run the same command again: it proves what is not proven yet, and goes on waiting."),
        ),
    ),
    Entry(
        "A207",
        msg("the servers are not as the plan says"),
        means=msg(
            "There is something to do that the plan that was seen does not contain, or a saved plan was made"
            " for another system, timeline or target."
        ),
        why=msg(
            "What was read and agreed to is what is done, nothing else. The servers are looked at before the"
            " first step and after each one: somebody has changed them since. Before the first effect nothing"
            " was changed (exit code 1); later the steps that are done are kept (exit code 5). Less to do than"
            " planned is no error."
        ),
        do=(
            msg("Look at what there is to do now, and decide anew:\nstandbyctl plan -p PRIMARY -D DIR -o FILE"),
            msg("Then attach it, or give back what is done:\nstandbyctl attach FILE\nstandbyctl detach NAME"),
        ),
    ),
    Entry(
        "A208",
        msg("a server on another host"),
        means=msg("What was asked for takes a shell on the primary's host, and nothing says how that one is reached."),
        why=msg(
            "The address of the primary is none of this machine's. The server itself is asked all that it can be, and"
            " nobody else there; the rest takes a shell, by ssh. What --copy-from does works on one machine only."
        ),
        do=(
            msg(
                "Say how the hosts are reached, as ssh takes it:"
                "\nstandbyctl preflight --primary-ssh db1 --standby-ssh db2"
            ),
            msg("Or run standbyctl on the standby's host with --primary-ssh, or on the primary's with --standby-ssh."),
            msg(
                "If this is that machine: -p leads through a forwarded port, a proxy or a pooler. Give the real"
                " address."
            ),
        ),
    ),
    Entry(
        "A209",
        msg("interrupted"),
        means=msg("Ctrl-C, SIGTERM or SIGHUP: the run has ended its children and stopped. STATE says where."),
        why=msg(
            "Each step is in the journal before it is taken, and seen done by a fresh look. Wherever a run"
            " ends, and be it by SIGKILL, the same command goes on; an unfinished base backup is made anew,"
            " since a plain one cannot be continued."
        ),
        do=(
            _AGAIN,
            msg("Or give everything back:\nstandbyctl detach NAME"),
            msg(
                "While it stands still its slot keeps WAL on the primary, up to max_slot_wal_keep_size. Do not"
                " leave it for long."
            ),
        ),
    ),
    Entry(
        "A210",
        msg("the journal cannot be read"),
        means=msg("A whole line of the standby's journal is not what standbyctl writes, or the file may not be read."),
        why=msg(
            "The journal says what was there before each step. Nothing is guessed from the rest of a damaged"
            " one. A last line that a crash has cut short is no damage: what it would have announced was not"
            " begun."
        ),
        do=(
            msg("Mend the line that DETAIL names, or run it as the user who attached (the file is that user's)."),
            msg(
                "Or move the file away; detach then goes by the marks on the servers, and asks:"
                "\nstandbyctl detach NAME -p CONNINFO -D DIR"
            ),
        ),
    ),
    Entry(
        "A211",
        msg("the journal cannot be written"),
        means=msg("What was to be remembered before the next step could not be made durable."),
        why=msg(
            "Nothing is done that cannot be undone: the journal is written and flushed first, then the step is taken."
        ),
        do=(
            msg("See why: a full or read-only disk, or a directory of another user:\ndf -h $STANDBYCTL_STATE"),
            _AGAIN,
        ),
    ),
)
