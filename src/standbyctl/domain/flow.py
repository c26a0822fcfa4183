"""How fast bytes arrive, told from how many were sent."""

from __future__ import annotations

from dataclasses import dataclass

# By then the buffers on the way are full: what is sent from here on is what arrives.
SETTLED_SECONDS = 2.0
# For so long what is on the way is judged anew; later a change of pace would be taken for it.
JUDGED_SECONDS = 10.0
# No connection has more on its way: both ends' buffers at Linux's largest default (tcp_wmem, tcp_rmem), and some.
MOST_BYTES = 16 << 20


@dataclass(slots=True)
class Flow:
    """What was sent, as it was seen now and then. Over a slow line the first second of it only fills buffers.

    Seconds are of one clock; `began` is between the last look that saw nothing sent and the first that saw something.
    """

    quiet: float | None = None
    began: float | None = None
    settled: tuple[float, int] | None = None
    last: tuple[float, int] | None = None
    on_the_way_bytes: float = 0.0

    def see(self, now: float, sent: int | None) -> None:
        """A look."""
        if not sent:
            self.quiet = now
            return
        if self.began is None:
            self.began = now if self.quiet is None else (self.quiet + now) / 2
        self.last = (now, sent)
        if self.settled is None and now - self.began >= SETTLED_SECONDS:
            self.settled = (now, sent)
        if self.rate_bytes is not None and now - self.began <= JUDGED_SECONDS:
            self.on_the_way_bytes = min(max(sent - self.rate_bytes * (now - self.began), 0.0), MOST_BYTES)

    @property
    def rate_bytes(self) -> float | None:
        """Bytes a second; None before it can be told."""
        if self.settled is None or self.last is None or self.last[0] < self.settled[0] + 1:
            return None
        return (self.last[1] - self.settled[1]) / (self.last[0] - self.settled[0])

    def arrived_bytes(self, sent: int | None) -> int | None:
        """What of it is there."""
        return None if sent is None else max(sent - int(self.on_the_way_bytes), 0)
