"""What hosts say of themselves: each is asked once a look, whatever nodes it has."""

from __future__ import annotations

import shlex
from concurrent.futures import ThreadPoolExecutor

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.message import msg
from standbyctl.domain.record import dataclass
from standbyctl.nodes.ports import Clock, Doors, Host
from standbyctl.observe.reading import parse_probe
from standbyctl.observe.texts import text

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Part:
    """A script of key=value lines that ends with end=yes, for the host of one node. `login`: as a tunnel's account."""

    node: str
    script: str
    args: tuple[str, ...]
    login: bool = False


def ask_hosts(doors: Doors, *parts: Part, clock: Clock | None = None) -> Pairs:
    """The lines of every part, side by side where they are of several hosts; raises CannotTellError.

    Of a host that nobody is asked on there are none.
    With a clock, when each node's host was asked and had answered is among them.
    """
    hosts: dict[int, tuple[Host, list[Part]]] = {}
    for part in parts:
        door = doors[part.node]
        if door.away:
            continue
        host = door.login if part.login and door.login is not None else door.host
        hosts.setdefault(id(host), (host, []))[1].append(part)
    if len(hosts) == 1:
        [(host, these)] = hosts.values()
        return _ask(host, these, clock)
    with ThreadPoolExecutor(len(hosts)) as pool:
        return [
            pair for pairs in pool.map(lambda each: _ask(each[0], each[1], clock), hosts.values()) for pair in pairs
        ]


def _ask(host: Host, parts: list[Part], clock: Clock | None) -> Pairs:
    """One script for all of it: a round trip costs more than what it brings."""
    whole = "\n".join(f"set -- {shlex.join(part.args)}\n{text(part.script)}" for part in parts)
    asked = clock.monotonic() if clock else 0.0
    done = host.script(whole)
    answered = clock.monotonic() if clock else 0.0
    pairs = parse_probe(done.stdout.decode("utf-8", "surrogateescape"))
    if sum(pair == ("end", "yes") for pair in pairs) != len(parts):
        names = ", ".join(dict.fromkeys(part.node for part in parts))
        raise CannotTellError(
            "A202", msg("cannot look at the host of {node}", node=names), detail=msg("{e}", e=done.stderr)
        )
    for node in dict.fromkeys(part.node for part in parts if clock):
        pairs += [(f"{node}.asked", str(asked)), (f"{node}.answered", str(answered))]
    return pairs
