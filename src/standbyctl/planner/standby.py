"""What a standby is configured with, beyond what comes with the copy."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.conf import make_conninfo
from standbyctl.domain.facts import Server
from standbyctl.domain.replication import MINIMUM_PARAMETERS
from standbyctl.domain.target import Target

# What a copy on the same machine must not do as its primary does, or did when it was a standby itself: delete
# from an archive that is not its own, run somebody's command, lag on purpose, be promoted by another's file.
_INHERITED = (
    ("external_pid_file", ""),
    ("archive_cleanup_command", ""),
    ("recovery_end_command", ""),
    ("recovery_min_apply_delay", "0"),
    ("promote_trigger_file", ""),
)
_RECOVERY_TARGETS = ("", "_lsn", "_name", "_time", "_xid")


def connection(target: Target) -> tuple[tuple[str, str], ...]:
    """How the standby's side connects. Both ends give up on a frozen peer after a minute.

    tcp_user_timeout also in `options`, for the walsender (12+): without it a frozen receiver can hold up the
    primary's checkpoints for as long as it stays frozen.
    """
    # Behind a tunnel the walsender's peer is the sshd beside it, which answers whatever has become of the standby:
    # only silence tells, whatever wal_sender_timeout is for others.
    silence = " -c wal_sender_timeout=60000" if target.tunnel.used else ""
    return (
        ("host", target.primary_host),
        ("port", str(target.primary_port)),
        ("user", target.role),
        ("passfile", target.passfile),
        *((key, value) for key, value in (("sslmode", target.sslmode), ("sslrootcert", target.sslrootcert)) if value),
        ("connect_timeout", "10"),
        ("keepalives_idle", "30"),
        ("keepalives_interval", "10"),
        ("keepalives_count", "3"),
        ("tcp_user_timeout", "60000"),
        (
            "options",
            "-c tcp_user_timeout=60000 -c tcp_keepalives_idle=30"
            f" -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3{silence}",
        ),
    )


def copy_name(name: str) -> str:
    """The application_name of the copy, by which its progress is found."""
    return f"{name}_copy"


def replication_conninfo(target: Target) -> str:
    """What shows whether the standby's role gets in: a replication connection that asks who is there."""
    return make_conninfo(
        [
            *connection(target),
            ("dbname", "replication"),
            ("replication", "true"),
            ("application_name", copy_name(target.name)),
        ]
    )


def primary_conninfo(target: Target) -> str:
    """What the standby's walreceiver connects with."""
    return make_conninfo([*connection(target), ("application_name", target.name)])


def standby_settings(server: Server, target: Target, source: Server | None = None) -> Iterator[tuple[str, str]]:
    """What the copy needs beyond the configuration that comes with it: the primary's, or that of its `source`."""
    comes = source or server
    outside = bool(target.service.config_file)
    yield "primary_conninfo", primary_conninfo(target)
    yield "primary_slot_name", target.slot
    if not target.slot:
        # It would take a slot of its own all the same (13+).
        yield "wal_receiver_create_temp_slot", "off"
    if not outside or comes.setting("port").auto_conf is not None:
        yield "port", str(target.port)
    if target.apart and _names_addresses(comes.setting("listen_addresses").value):
        # Those of the primary's host are none of this one, and it would not start.
        yield "listen_addresses", _listens(target)
    yield "hot_standby", "on"
    yield "recovery_target_timeline", "latest"
    if target.service.managed:
        # Whatever starts it, it says whose it is.
        yield "standbyctl.attach", target.name
    if target.restore_command or target.from_restored:
        # A restore leaves its own there, which may be of another host, or for another moment.
        yield "restore_command", target.restore_command
    for suffix in _RECOVERY_TARGETS:
        # A target left over in the primary's file, or by a restore, would stop or promote the standby on its way.
        if target.from_restored or comes.setting(f"recovery_target{suffix}").value:
            yield f"recovery_target{suffix}", ""
    yield from _disarmed(comes, outside=outside, unknown=target.from_restored)
    # What the files of a backup said then need not be enough for what the primary does now.
    yield from _minimum(server, source, outside=outside or target.from_restored)


def _listens(target: Target) -> str:
    """Where the standby listens instead: by the address that its host has, whatever the primary takes it for."""
    return "localhost" if target.tunnel.used else f"localhost, {target.own_address or target.source_address}"


def _names_addresses(listens: str) -> bool:
    """Whether it is not only said in general where to listen.

    >>> _names_addresses("*"), _names_addresses("localhost"), _names_addresses("localhost, 10.0.0.1")
    (False, False, True)
    """
    return bool({word.strip() for word in listens.split(",")} - {"", "*", "localhost", "0.0.0.0", "::"})  # noqa: S104


def _minimum(server: Server, source: Server | None, *, outside: bool) -> Iterator[tuple[str, str]]:
    for name in MINIMUM_PARAMETERS:
        setting = server.setting(name)
        if source:
            # Whoever has more may be about to replay that the primary has less now: the greater does in any case.
            yield name, str(max(int(setting.value), int(source.setting(name).value)))
            continue
        # The copy starts with what the files say, which may be less than what the primary runs with.
        if setting.in_file and setting.in_file.isdigit():
            inherited = int(setting.in_file)
        else:
            inherited = int(setting.value) if setting.source == "default" else -1
        # What the files of the standby's own host say is not known to be enough.
        if outside or inherited < int(setting.value):
            yield name, setting.value


def _disarmed(server: Server, *, outside: bool, unknown: bool) -> Iterator[tuple[str, str]]:
    """What comes along with the copy and must not act on this machine a second time.

    `outside`: the standby has a postgresql.conf of its own, whose paths are its own too. `unknown`: what comes along is
    older than what the server says.
    """
    for name, harmless in _INHERITED:
        if outside and name == "external_pid_file":
            continue
        if server.has(name) and (unknown or server.setting(name).value not in {"", "0"}):
            yield name, harmless
    if server.setting("archive_mode").value == "always":
        # It would archive from the first moment, into the primary's own archive; "on" only after a promotion.
        yield "archive_mode", "on"
    if not outside and server.setting("log_directory").value.startswith("/"):
        yield "log_directory", "log"
