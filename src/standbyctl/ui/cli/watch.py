"""standbyctl watch."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from types import FrameType

import click

from standbyctl.app.cluster import Cluster, open_cluster
from standbyctl.app.config import config_places, load_config
from standbyctl.app.watch import Seen, Surfaces, Watch
from standbyctl.domain.errors import RefusedError, UsageError
from standbyctl.domain.event import Event
from standbyctl.domain.message import msg
from standbyctl.domain.size import parse_period
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.notifying import notify
from standbyctl.ui.cli.call import Context, guarded, misused, state
from standbyctl.ui.cli.looking import asked_for, which
from standbyctl.ui.events import event_record, render_event
from standbyctl.ui.render import text

LISTEN = "127.0.0.1:8532"
_SHORTEST, _LONGEST = 0.2, 60.0


@click.command("watch")
@which
@click.option("--interval", default="1s", show_default=True, metavar="TIME", help="From one round to the next.")
@click.option("--keep", default="30d", show_default=True, metavar="TIME", help="How long what was seen is kept.")
@click.option(
    "--listen",
    metavar="ADDRESS:PORT",
    help="Where /metrics is for Prometheus; none for nowhere. Default: 127.0.0.1:8532.",
)
@click.option(
    "--listen-anywhere",
    is_flag=True,
    help="Allow an address that other hosts reach: there is neither password nor TLS.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on standard output, for each event.")
@guarded
def command(
    context: Context,
    primary: str | None,
    config: str | None,
    interval: str,
    keep: str,
    listen: str | None,
    listen_anywhere: bool,
) -> None:
    """Look every second, remember, and tell what changes. Runs until it is ended.

    One line for each event: roles, timelines, connections, slots, settings, restarts, and findings that begin and end.
    What is seen is kept, finer the newer it is, and read by: standbyctl events. Servers that go away are asked again
    until they are back. As a service: standbyctl export systemd

    Exit code 0 when it is ended by SIGTERM or Ctrl-C.
    """
    seconds, kept = (
        _period("--interval", interval, _SHORTEST, _LONGEST),
        _period("--keep", keep, 3600.0, 10 * 365 * 86400.0),
    )
    newest: list[Seen] = []

    def show(seen: Seen) -> None:
        newest[:] = [seen]

    with contextlib.ExitStack() as stack:
        pause = stack.enter_context(_ending())
        stack.enter_context(_page(listen, listen_anywhere, lambda: newest[-1] if newest else None))
        Watch(
            opened=_opened(primary, config),
            state=state(),
            surfaces=Surfaces(lambda event: _tell(event, as_json=context.json), show, notify),
            pause=pause,
            interval=seconds,
            keep_seconds=kept,
            limits=load_config(config, os.environ).limits,
            configurations=config_places(config, os.environ),
        ).run()


def _opened(primary: str | None, config: str | None) -> Callable[[Cluster | None], Cluster]:
    def opened(earlier: Cluster | None) -> Cluster:
        # Once it is known which one is meant, neither an attach to another primary nor a detach makes it a question.
        asked, name, loaded = asked_for(primary, config)
        return open_cluster(asked, name, loaded, state(), SystemClock(), earlier)

    return opened


def _tell(event: Event, *, as_json: bool) -> None:
    click.echo(json.dumps(event_record(event)) if as_json else render_event(event))


def _period(option: str, given: str, least: float, most: float) -> float:
    seconds = parse_period(given)
    if seconds is None:
        raise misused(msg('{option}: "{value}" is not a time (1s, 5min, 30d)', option=option, value=given))
    if not least <= seconds <= most:
        raise misused(msg("{option}: {value} is too short, or too long", option=option, value=given))
    return seconds


@contextlib.contextmanager
def _ending() -> Iterator[Callable[[float], bool]]:
    """What waits, and is woken by a signal that ends us: at any moment, and without a lock that it could meet."""
    wake, woken = socket.socketpair()
    wake.setblocking(False)
    told: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        told.append(number)

    was = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    earlier = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)

    def pause(seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not told and (left := deadline - time.monotonic()) > 0:
            if select.select([woken], [], [], left)[0]:
                woken.recv(64)
        return bool(told)

    try:
        yield pause
    finally:
        signal.set_wakeup_fd(earlier)
        for each, handler in was.items():
            signal.signal(each, handler)
        wake.close()
        woken.close()


@contextlib.contextmanager
def _page(listen: str | None, anywhere: bool, newest: Callable[[], Seen | None]) -> Iterator[None]:
    """/metrics, while we run."""
    if listen == "none":
        yield
        return
    host, _, port = (listen or LISTEN).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise misused(msg('--listen: "{value}" is not ADDRESS:PORT', value=listen or ""))
    try:
        from standbyctl.ui.metrics import Page, is_loopback
    except ImportError as error:
        if listen is not None:
            raise UsageError(
                "C118",
                msg("a library is missing"),
                detail=msg("{e}", e=error),
                hint=msg("Install it: pip install 'standbyctl[watch]'"),
            ) from error
        what = msg("there is no /metrics: {e} (pip install 'standbyctl[watch]')", e=error)
        click.echo(text(what), err=True)
        yield
        return
    if not is_loopback(host) and not anywhere:
        raise RefusedError(
            "M610",
            msg("{host} can be reached from other hosts", host=host),
            detail=msg("/metrics has neither password nor TLS, and names servers, slots and what is wrong with them."),
            hint=msg("Listen on 127.0.0.1 behind a proxy that has both, or give --listen-anywhere."),
        )
    try:
        page = Page(host, int(port), newest, time.monotonic)
    except OSError as error:
        raise UsageError(
            "M609",
            msg("cannot listen on {address}", address=listen or LISTEN),
            detail=msg("{e}", e=error),
            hint=msg("Give another port with --listen, or --listen none."),
        ) from error
    try:
        yield
    finally:
        page.close()
