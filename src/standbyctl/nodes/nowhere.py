"""A machine that nobody has said how to reach."""

from __future__ import annotations

from typing import NoReturn

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.message import msg
from standbyctl.nodes.ports import Child, Completed, Talk


class NoHost:
    """Nothing is run there: whoever tries is told so."""

    def __init__(self, user: str = "") -> None:
        self.user = user

    def script(self, text: str, *args: str, data: bytes = b"", timeout_seconds: float = 60) -> Completed:
        _refuse()

    def start(self, text: str, *args: str, fed: bool = False) -> Child:
        _refuse()

    def talk(self, text: str, *args: str) -> Talk:
        _refuse()


def _refuse() -> NoReturn:
    raise CannotTellError(
        "A208",
        msg("the primary is on another host"),
        detail=msg("That takes a shell there, and nothing says how that host is reached."),
        hint=msg("Say how its host is reached: --primary-ssh HOST."),
    )
