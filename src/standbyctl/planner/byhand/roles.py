"""Who is the primary: one stops, another is promoted, and nobody is left that could be one by mistake."""

from __future__ import annotations

import shlex

from standbyctl.domain import effects as fx
from standbyctl.domain.deed import literally
from standbyctl.domain.hand import ROOT, Hand, here, psql, shell, written
from standbyctl.domain.message import msg
from standbyctl.domain.service import Service
from standbyctl.planner.byhand.copies import PLAIN

_q = shlex.quote
_READY = "SELECT pg_is_in_recovery(), pg_is_wal_replay_paused(), system_identifier FROM pg_control_system();"
_CONTROL = "system identifier|cluster state|Latest checkpoint location|checkpoint's TimeLineID"


def checkpoint(effect: fx.Checkpoint) -> tuple[Hand, ...]:
    """As long as it takes."""
    return (psql(effect.node, str(effect), expected=literally("CHECKPOINT")),)


def hand_over(effect: fx.HandOver) -> tuple[Hand, ...]:
    """Nobody takes writes from the stop to the promotion; until then everything can be taken back."""
    told = msg(
        "t. From here on there is no way back but another change of roles; otherwise ask pg_is_in_recovery() until it"
        " is f"
    )
    return (
        psql(effect.node, _READY, expected=msg("t, f and {system}: otherwise stop", system=effect.system_identifier)),
        *_hook(effect, "before"),
        *_demote(effect),
        psql(
            effect.node,
            "SELECT pg_last_wal_replay_lsn() > 'LOCATION'::pg_lsn;",
            expected=msg(
                "with the location that was written down in place of LOCATION: t, within {n} s. Otherwise promote"
                " nobody: take it back (see the way back)",
                n=effect.prove_seconds,
            ),
        ),
        *_hook(effect, "at"),
        psql(effect.node, f"SELECT pg_promote(true, {effect.promote_seconds});", expected=told),
        *_hook(effect, "after"),
    )


def _demote(effect: fx.HandOver) -> tuple[Hand, ...]:
    """What the configuration was is kept before anything is changed; the signal comes before the settings."""
    old, data = effect.old, effect.old_directory
    conf, signal, was = f"{data}/postgresql.auto.conf", f"{data}/standby.signal", _was(data)
    lines = "\n".join(f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in effect.settings)
    names = "|".join(name for name, _ in effect.settings)
    if effect.service.managed:
        stop = _managed(old, effect.service, "stop")
    else:
        stop = shell(
            old,
            f"{PLAIN} {_q(effect.old_bin)}/pg_ctl stop -D {_q(data)} -m fast -w -t {effect.stop_seconds}",
            expected=msg(
                "server stopped, or PID file does not exist: it had been stopped before. Otherwise it may still stop:"
                " wait, or take it back once it has"
            ),
        )
    return (
        shell(old, f"[ -e {_q(signal)} ] || cp -p {_q(conf)} {_q(was)}", expected=msg("no error")),
        stop,
        shell(
            old,
            f'{PLAIN} {_q(effect.old_bin)}/pg_controldata -D {_q(data)} | grep -E "{_CONTROL}"',
            expected=msg(
                "{system}; shut down; timeline {n}; and the Latest checkpoint location: write it down. Otherwise take"
                " it back",
                system=effect.system_identifier,
                n=effect.timeline,
            ),
        ),
        shell(old, f"touch {_q(signal)}", f"sync {_q(signal)} {_q(data)}", expected=msg("no error")),
        shell(
            old,
            f"sed -i -E '/^[[:space:]]*({names})[[:space:]=]/Id' {_q(conf)}",
            written(conf, lines),
            expected=msg("no error"),
        ),
        shell(old, f"sync {_q(conf)} {_q(data)}", expected=msg("no error")),
    )


def _was(data: str) -> str:
    """Where standbyctl keeps what the configuration was, too: it tidies there what a person has left."""
    return f"{data}/.standbyctl-auto.conf.was"


def take_back(effect: fx.HandOver) -> tuple[Hand, ...]:
    """Until the promotion: the old primary is one again."""
    old, data = effect.old, effect.old_directory
    conf, signal, was = f"{data}/postgresql.auto.conf", f"{data}/standby.signal", _was(data)
    back = f"{{ [ ! -e {_q(signal)} ] || [ ! -e {_q(was)} ] || mv {_q(was)} {_q(conf)}; }}"
    return (
        _unpromoted(effect.node),
        shell(old, back, f"rm -f {_q(was)} {_q(signal)}", f"sync {_q(data)}", expected=msg("no error")),
        _start(effect.old, data, effect.old_bin, effect.service),
        _writes(old),
        *_hook(effect, "back"),
    )


def _hook(effect: fx.HandOver, stage: str) -> tuple[Hand, ...]:
    """The operator's program of that stage, if there is one."""
    argv = getattr(effect.hooks, stage)
    if not argv:
        return ()
    told = f"STANDBYCTL_OLD_PRIMARY={_q(effect.old)} STANDBYCTL_NEW_PRIMARY={_q(effect.node)}"
    return (here(f"{told} STANDBYCTL_HOOK={stage} {shlex.join(argv)}", expected=msg("no error")),)


def _managed(node: str, service: Service, verb: str) -> Hand:
    return shell(node, service.command(verb), user=ROOT if service.as_root else "", expected=msg("no error"))


def _start(node: str, data: str, programs: str, service: Service) -> Hand:
    """The way it was started before."""
    if service.managed:
        return _managed(node, service, "start")
    log = service.log_path(data)
    # With no server to stop, this starts one with the options that the last one had.
    command = f"{PLAIN} {_q(programs)}/pg_ctl restart -D {_q(data)} -w -t 600 -l {_q(log)}"
    return shell(node, command, expected=msg("server started; otherwise see {path}", path=log))


def start_again(effect: fx.StartAgain) -> tuple[Hand, ...]:
    """It must be a standby's directory: otherwise a second primary would start."""
    data = effect.data_directory
    check = shell(effect.node, f"ls {_q(data)}/standby.signal", expected=msg("it is there: otherwise stop"))
    tidy = shell(effect.node, f"rm -f {_q(_was(data))}", expected=msg("no error"))
    return check, _start(effect.node, data, effect.bin_directory, effect.service), tidy


def fence(effect: fx.Fence) -> tuple[Hand, ...]:
    """The signal first: whatever starts it again finds it."""
    if effect.command:
        told = f"STANDBYCTL_NODE={_q(effect.node)}"
        return (here(f"{told} {shlex.join(effect.argv)}", expected=msg("exit status 0 (echo $?): otherwise stop")),)
    data, programs = effect.data_directory, f"{PLAIN} {_q(effect.bin_directory)}"
    signal = f"{data}/standby.signal"
    find = f'for each in /proc/[0-9]*/cwd; do if [ "$each" -ef {_q(data)} ]; then echo "$each"; fi; done'
    hands = [
        shell(
            effect.node,
            f"{programs}/pg_controldata -D {_q(data)} | grep 'system identifier'",
            expected=msg("{system}: otherwise stop", system=effect.system_identifier),
        ),
        shell(effect.node, f"touch {_q(signal)}", f"sync {_q(signal)} {_q(data)}", expected=msg("no error")),
        shell(
            effect.node,
            f"{{ {programs}/pg_ctl stop -D {_q(data)} -m immediate -w -t 60 || true; }}",
            expected=msg("server stopped; or there was none (PID file does not exist, No such process)"),
        ),
        shell(
            effect.node,
            find,
            expected=msg("nothing, or shells only: end a process named postgres that is left by kill -QUIT"),
        ),
    ]
    if effect.service.as_root:
        # Its own way to start again must not get in between.
        command = f"systemctl disable --now {effect.service.unit}"
        hands.append(shell(effect.node, command, user=ROOT, expected=msg("no error")))
    return tuple(hands)


def take_back_fence(effect: fx.Fence, new: str) -> tuple[Hand, ...]:
    """As long as nobody was promoted. Of a program of the operator's nobody here knows the way back."""
    if effect.command:
        return ()
    data, service = effect.data_directory, effect.service
    hands = [
        _unpromoted(new),
        shell(effect.node, f"rm -f {_q(data)}/standby.signal", f"sync {_q(data)}", expected=msg("no error")),
    ]
    if service.as_root:
        hands.append(shell(effect.node, f"systemctl enable {service.unit}", user=ROOT, expected=msg("no error")))
    return (*hands, _start(effect.node, data, effect.bin_directory, service), _writes(effect.node))


def _unpromoted(new: str) -> Hand:
    seen = msg("t: it was not promoted. Otherwise there is no way back here: go on")
    return psql(new, "SELECT pg_is_in_recovery();", expected=seen)


def _writes(old: str) -> Hand:
    return psql(old, "SELECT pg_is_in_recovery();", expected=msg("f: it takes writes again"))


def promote(effect: fx.Promote) -> tuple[Hand, ...]:
    """Not while it hears from a primary; it replays by itself what it has received."""
    hears = (
        "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'"
        " AND last_msg_receipt_time > clock_timestamp() - interval '2 s';"
    )
    return (
        psql(effect.node, _READY, expected=msg("t, f and {system}: otherwise stop", system=effect.system_identifier)),
        psql(effect.node, hears, expected=msg("0: it hears from no primary; otherwise stop")),
        psql(
            effect.node,
            f"SELECT pg_promote(true, {effect.promote_seconds});",
            expected=msg("t. From here on there is no way back"),
        ),
    )
