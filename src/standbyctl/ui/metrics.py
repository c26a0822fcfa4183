"""/metrics: the newest round in the words of Prometheus. What is not known is not there, and never 0."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import make_wsgi_app
from prometheus_client.registry import Collector

from standbyctl.app.watch import Seen
from standbyctl.diagnosis.picture import COPYING
from standbyctl.domain.picture import NodeView, SlotView

# A round that is older says nothing of now.
STALE_SECONDS, STALE_ROUNDS = 10.0, 5
_REQUEST_SECONDS = 10
_MOST_REQUESTS = 8
Rows = Iterable[tuple[tuple[str, ...], float | None]]


class Exposition(Collector):
    """Reads the newest round when it is asked."""

    def __init__(self, newest: Callable[[], Seen | None], monotonic: Callable[[], float]) -> None:
        self._newest, self._monotonic = newest, monotonic

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        seen = self._newest()
        stale = max(STALE_SECONDS, seen.interval * STALE_ROUNDS) if seen else 0.0
        fresh = seen is not None and self._monotonic() - seen.monotonic <= stale
        yield _gauge("standbyctl_up", "Whether rounds go on.", [], [((), float(fresh))])
        if seen is not None and fresh:
            yield from _cluster(seen)
            yield from _nodes([node for node in seen.picture.nodes if node.name])
            yield from _slots(seen.picture.slots)


def _cluster(seen: Seen) -> Iterator[Metric]:
    findings = [((each.code, each.severity.value.lower(), each.subject), 1.0) for each in seen.findings]
    # Who lets nobody look may well be one.
    unknown = not seen.picture.primaries and any(node.refused for node in seen.picture.nodes)
    count = None if unknown else float(len(seen.picture.primaries))
    yield _gauge("standbyctl_primaries", "Servers that take writes: 2 is a split brain.", [], [((), count)])
    yield _gauge(
        "standbyctl_finding", "What is wrong: standbyctl explain CODE.", ["code", "severity", "subject"], findings
    )


def _nodes(nodes: list[NodeView]) -> Iterator[Metric]:
    primary = any(node.role == "primary" for node in nodes)
    known = [node for node in nodes if node.expected or node.sample or node.silence]
    other = [node for node in nodes if node not in known and node.state != COPYING]
    every = [*known, *other]
    standbys = [node for node in every if node.role != "primary"]
    answering = [(node.name, node.sample) for node in known if node.sample is not None]
    yield _gauge(
        "standbyctl_node_up",
        "Whether the server answers.",
        ["node"],
        [((node.name,), float(node.sample is not None)) for node in known if not node.refused],
    )
    yield _gauge(
        "standbyctl_node_role",
        "What the server is.",
        ["node", "role"],
        [((node.name, node.role), 1.0) for node in known if node.role],
    )
    yield _gauge("standbyctl_timeline", "Its timeline.", ["node"], [((node.name,), node.timeline) for node in known])
    yield _gauge(
        "standbyctl_replication_streaming",
        "Whether somebody sends WAL to it.",
        ["node"],
        [((node.name,), _streaming(node, primary=primary)) for node in standbys],
    )
    yield _gauge(
        "standbyctl_replication_lag_seconds",
        "How long ago the primary had written what it has replayed.",
        ["node"],
        [((node.name,), _lag(node)) for node in standbys],
    )
    yield _gauge(
        "standbyctl_replication_lag_bytes",
        "How far it is behind the primary.",
        ["node", "stage"],
        [((node.name, stage), value) for node in standbys for stage, value in node.behind.items()],
    )
    yield _counter(
        "standbyctl_wal_generated_bytes",
        "WAL written since initdb.",
        ["node"],
        [((name,), own.lsn) for name, own in answering],
    )
    yield _gauge(
        "standbyctl_wal_bytes",
        "What is in pg_wal.",
        ["node"],
        [((name,), own.slower.wal_bytes) for name, own in answering if own.slower],
    )
    yield _gauge(
        "standbyctl_wal_disk_free_bytes",
        "What is free on the volume of pg_wal.",
        ["node"],
        [((name,), own.slower.free_bytes) for name, own in answering if own.slower],
    )
    yield _gauge(
        "standbyctl_archiver_failing",
        "Whether the last attempt to archive has failed.",
        ["node"],
        [((name,), _truth(own.slower.archiver_failing)) for name, own in answering if own.slower],
    )


def _slots(slots: tuple[SlotView, ...]) -> Iterator[Metric]:
    def rows(value: Callable[[SlotView], float | None]) -> Rows:
        return [((slot.node, slot.sample.name), value(slot)) for slot in slots]

    labels = ["node", "slot"]
    yield _gauge(
        "standbyctl_slot_active", "Whether somebody reads it.", labels, rows(lambda each: float(each.sample.active))
    )
    yield _gauge(
        "standbyctl_slot_retained_bytes", "WAL that it holds.", labels, rows(lambda each: each.sample.retained_bytes)
    )
    yield _gauge(
        "standbyctl_slot_safe_bytes",
        "What may be written before its cap loses it.",
        labels,
        rows(lambda each: each.sample.safe_bytes),
    )
    yield _gauge(
        "standbyctl_slot_lost_seconds",
        "Until its cap loses it.",
        labels,
        rows(lambda each: each.lost_in.seconds if each.lost_in else None),
    )
    soonest: dict[str, float] = {}
    for slot in slots:
        if slot.full_in is not None:
            soonest[slot.node] = min(soonest.get(slot.node, slot.full_in.seconds), slot.full_in.seconds)
    yield _gauge(
        "standbyctl_wal_disk_full_seconds",
        "Until the volume of pg_wal is full, by a slot that nobody reads.",
        ["node"],
        [((node,), seconds) for node, seconds in soonest.items()],
    )


def _streaming(node: NodeView, *, primary: bool) -> float | None:
    """Unknown where neither it nor a primary answers."""
    if node.upstream is not None or node.state == "streaming":
        return 1.0
    return 0.0 if node.sample is not None or (primary and node.expected) else None


def _lag(node: NodeView) -> float | None:
    """By bounds the lower one, which is enough to alarm: of 0 it says nothing."""
    lag = node.lag
    if lag is None or ((lag.at_least or lag.at_most) and lag.surely == 0):
        return None
    return lag.surely


def _truth(value: bool | None) -> float | None:
    return None if value is None else float(value)


def _gauge(name: str, about: str, labels: list[str], rows: Rows) -> Metric:
    return _filled(GaugeMetricFamily(name, about, labels=labels), rows)


def _counter(name: str, about: str, labels: list[str], rows: Rows) -> Metric:
    return _filled(CounterMetricFamily(name, about, labels=labels), rows)


def _filled(family: Any, rows: Rows) -> Metric:
    """Each row once: two of the same labels would make the whole page invalid."""
    seen = set()
    for labels, value in rows:
        if value is not None and labels not in seen:
            seen.add(labels)
            family.add_metric([_valid(label) for label in labels], float(value))
    made: Metric = family
    return made


def _valid(label: str) -> str:
    """What can be sent: no half of a surrogate pair."""
    return label.encode("utf-8", "backslashreplace").decode()


def is_loopback(host: str) -> bool:
    """Whether only this host can get there."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host.lower() == "localhost"


class Page:
    """Serves /metrics in a thread of its own, until it is closed; OSError where the address cannot be had."""

    def __init__(self, host: str, port: int, newest: Callable[[], Seen | None], monotonic: Callable[[], float]) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Exposition(newest, monotonic))
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = type("_Server", (_Server,), {"address_family": family})
        self._server = server((host, port), _Handler)
        self._server.set_app(_Guarded(make_wsgi_app(registry), loopback=is_loopback(host)))
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


class _Guarded:
    """Nothing but /metrics, and on the loopback nobody who came here by another name.

    A page in a browser on this host may have its own name resolved to 127.0.0.1, and would then read along (DNS
    rebinding): what it asks for has its name in Host.
    """

    def __init__(self, app: Callable[..., Any], *, loopback: bool) -> None:
        self._app, self._loopback = app, loopback

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        problem = self._problem(environ)
        if problem is None:
            return self._app(environ, start_response)
        start_response(problem, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{problem}\n".encode()]

    def _problem(self, environ: dict[str, Any]) -> str | None:
        host = environ.get("HTTP_HOST", "")
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if not host:
            return "400 Bad Request"
        if self._loopback and not is_loopback(name):
            return "421 Misdirected Request"
        if environ.get("PATH_INFO") != "/metrics":
            return "404 Not Found"
        return None if environ.get("REQUEST_METHOD") == "GET" else "405 Method Not Allowed"


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 16
    allow_reuse_address = True
    _room = threading.BoundedSemaphore(_MOST_REQUESTS)

    def server_bind(self) -> None:
        # http.server's own would look its name up, which may take long.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asks may go away at any time."""


class _Handler(WSGIRequestHandler):
    timeout = _REQUEST_SECONDS

    def address_string(self) -> str:
        return str(self.client_address[0])

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""
