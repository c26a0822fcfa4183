"""By which address a server sees a host that connects to it, where one on the way may have changed that."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.record import dataclass
from standbyctl.nodes.ports import Host, Server
from standbyctl.observe.reading import parse_probe
from standbyctl.observe.texts import text

HOLD_SECONDS = 10.0
# Others may connect in the same moment, but hardly so many from one address, and then it is not known which is which.
HELD = 3


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection."""

    address: str
    port: int


def seen_from(server: Server, host: Host, address: str, port: int, source: str) -> str:
    """The address that the server sees the host by, when it connects to that address and port; empty where unknown.

    `source`: its own on that way. A kernel that shows another one writes addresses in another order than we read them.
    Nobody logs in, so nothing is refused, and nothing is in the server's log unless it logs connections.
    """
    try:
        before = _peers(server)
        talk = host.talk(text("hold.sh"), address, str(port))
        try:
            own = _own_ends(talk.read, time.monotonic() + HOLD_SECONDS)
            now = _peers(server)
        finally:
            talk.end()
    except (CannotTellError, OSError, TimeoutError, ValueError):
        return ""
    return tell(own, now - before) if {end.address for end in own} == {source} else ""


def tell(own: Iterable[End], new: Counter[End]) -> str:
    """What the address is: our own where the server sees our very ends; else the only one that came as often as we.

    >>> ours = [End("10.0.0.2", 1001), End("10.0.0.2", 1002), End("10.0.0.2", 1003)]
    >>> tell(ours, Counter(ours)), tell(ours, Counter(End("192.0.2.1", port) for port in (7, 8, 9)))
    ('10.0.0.2', '192.0.2.1')
    """
    ours = list(own)
    if len(ours) < HELD:
        return ""
    if all(end in new for end in ours):
        return ours[0].address
    often = [address for address, count in Counter(end.address for end in new).items() if count >= HELD]
    return often[0] if len(often) == 1 else ""


def parse_end(word: str) -> End:
    """One end as Linux writes it: each 32 bits of the address in the order of the machine, here the least byte first.

    >>> parse_end("0B014D0A:1538"), parse_end("0000000000000000FFFF00000B014D0A:1538").address
    (End(address='10.77.1.11', port=5432), '10.77.1.11')
    """
    digits, _, port = word.partition(":")
    raw = b"".join(bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8))
    address = ip_address(raw)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return End(str(mapped or address), int(port, 16))


def _peers(server: Server) -> Counter[End]:
    return Counter(parse_end(word) for (word,) in server.observe(text("peers.sql")))


def _own_ends(read: Callable[[float], bytes], deadline: float) -> list[End]:
    said = b""
    while b"end=yes" not in said:
        more = read(max(0.0, deadline - time.monotonic()))
        if not more:
            return []
        said += more
    return [parse_end(value) for key, value in parse_probe(said.decode()) if key == "own"]
