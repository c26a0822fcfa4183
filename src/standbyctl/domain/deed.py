"""What every effect has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from standbyctl.domain.message import Message, msg


class Deed(ABC):
    """One way to touch the world, as data."""

    __slots__ = ()

    @property
    @abstractmethod
    def said(self) -> Message:
        """The statement, line or command, or what is waited for; secrets are masked."""

    def __str__(self) -> str:
        return str(self.said)


def literally(command: str) -> Message:
    """What is the same in every language: SQL, a command, a line of a file."""
    return msg("{command}", command=command)
