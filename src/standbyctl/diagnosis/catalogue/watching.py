"""M604 to M619: the watch itself, its history and its page of metrics."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "M604",
        msg("a history that cannot be written"),
        means=msg("The file that standbyctl watch remembers in takes nothing: its disk is full, or somebody holds it."),
        why=msg(
            "Rounds, metrics and events on standard output go on, and writing resumes by itself. Events are"
            " kept meanwhile; of lag and WAL the history will have a hole."
        ),
        do=(
            msg("See whether the volume of the state directory is full:\ndf -h /var/lib/standbyctl"),
            msg("See who holds the file, if it is said to be locked:\nfuser -v /var/lib/standbyctl/history/*.db"),
        ),
    ),
    Entry(
        "M605",
        msg("a second watch of one cluster"),
        means=msg("A standbyctl watch of this cluster runs already, with the same state directory."),
        why=msg("Two would write every round twice. Others can read the history as often as they like."),
        do=(
            msg("Read what it sees: standbyctl events --follow"),
            msg("See whether it is the service:\nsystemctl status standbyctl-watch"),
        ),
    ),
    Entry(
        "M606",
        msg("a history that was damaged"),
        means=msg("The file was no database, or not whole, and was renamed: nothing of it was deleted."),
        why=msg("A new one was begun. Lag over days, and since when something holds, are known from now on only."),
        do=(
            msg("Look for what damaged it: a disk that fails, or somebody who copied a file over it."),
            msg("Save what can be read of the old one:\nsqlite3 FILE.damaged-TIME .recover | sqlite3 saved.db"),
        ),
    ),
    Entry(
        "M607",
        msg("a history that cannot be opened"),
        means=msg("The file is there and may not be read, or a later standbyctl has written it."),
        why=msg("Nothing was changed in it: what a later release has written would be lost to it."),
        do=(
            msg("Run the release that has written it, or another $STANDBYCTL_STATE."),
            msg("See whose it is:\nls -l /var/lib/standbyctl/history"),
        ),
    ),
    Entry(
        "M608",
        msg("a clock that was set"),
        means=msg("The clock of the host that watches was moved by two seconds or more, other than by time passing."),
        why=msg(
            "Times of events before and after it do not compare. Lag, ages and the order of events are right:"
            " they are of a clock that nobody sets."
        ),
        do=(msg("See what keeps the clock:\ntimedatectl status"),),
    ),
    Entry(
        "M609",
        msg("an address that cannot be listened on"),
        means=msg("The port for /metrics is in use, or the address is none of this host."),
        why=msg("Most often another watch has it: each cluster needs a port of its own."),
        do=(
            msg("Give another one: standbyctl watch --listen 127.0.0.1:8533"),
            msg("See who has it:\nss -ltnp"),
        ),
    ),
    Entry(
        "M610",
        msg("metrics for everybody"),
        means=msg("The address that was given can be reached from other hosts, and this was not asked for by name."),
        why=msg("/metrics has neither password nor TLS, and names servers, slots and what is wrong with them."),
        do=(
            msg("Listen on 127.0.0.1, behind a proxy that has both."),
            msg("In a network that only Prometheus is in: standbyctl watch --listen-anywhere"),
        ),
    ),
    Entry(
        "M611",
        msg("a history that is not there"),
        means=msg("No standbyctl watch of this cluster has run with this state directory."),
        why=msg("What happens while nobody watches is remembered by nobody."),
        do=(
            msg("Watch: standbyctl watch"),
            msg("As a service, that starts with the host: standbyctl export systemd"),
        ),
    ),
)
