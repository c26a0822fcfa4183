"""What is to change at the next restart of a server, whenever that is."""

from __future__ import annotations

import re
import shlex
from ipaddress import IPv6Address, ip_address

from standbyctl.domain.deed import Deed
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass

# In the order in which they are written: whatever has been written so far, the server starts with it.
# (It does not with max_wal_senders above 0 while wal_level is minimal.)
STAGED = ("wal_level", "max_wal_senders", "max_replication_slots", "listen_addresses", "wal_log_hints")
_ITEM = re.compile(r'[ \t\n\r\f]*(?:"((?:[^"]|"")*)"|([^" \t\n\r\f,][^ \t\n\r\f,]*))[ \t\n\r\f]*')
# What stands in files by its old names too.
LEVELS = {"minimal": 0, "archive": 1, "hot_standby": 1, "replica": 1, "logical": 2}


@dataclass(frozen=True, slots=True)
class Staging:
    """What the operator asks of the next restart, beyond what a standby needs. Empty and 0: not asked.

    `data_directory` and `address`: which server of its system identifier it is; a clone has that too.
    """

    primary: str
    wal_level: str = ""
    max_wal_senders: int = 0
    max_replication_slots: int = 0
    listen_addresses: str = ""
    wal_log_hints: bool = False
    data_directory: str = ""
    address: str = ""

    def is_of(self, other: Staging) -> bool:
        """Whether both are of one server. What an earlier release has written down does not say."""
        mine, theirs = (self.data_directory, self.address), (other.data_directory, other.address)
        return mine == theirs or "" in {*mine, *theirs}


@dataclass(frozen=True, slots=True)
class StagedSetting:
    """One parameter: what runs, what is to run after the restart, what stood in postgresql.auto.conf before."""

    name: str
    running: str
    value: str
    was: str | None


@dataclass(frozen=True, slots=True)
class Trial:
    """Where a start can be tried: the programs and files of the server. Without programs: they are not at hand.

    `by_start`: before 15 there is no shared_memory_size to ask for, and a postmaster is begun.
    """

    bin_directory: str = ""
    data_directory: str = ""
    config_file: str = ""
    by_start: bool = False


@dataclass(frozen=True, slots=True)
class TryStart(Deed):
    """See that the server would start with its files as they are now; else take these settings back at once.

    `unstaged`: they have just been taken back; it is that which is undone.
    """

    node: str
    settings: tuple[StagedSetting, ...]
    trial: Trial
    unstaged: bool = False

    @property
    def said(self) -> Message:
        check = (
            msg("no row of pg_file_settings with an error but those that wait for a restart; else all is put back")
            if self.unstaged
            else msg(
                "no row of pg_file_settings with an error but those that wait for a restart; else all is taken back"
            )
        )
        if not self.trial.bin_directory:
            return check
        config = shlex.quote(self.trial.config_file)
        end = "-c hba_file=COPY/none" if self.trial.by_start else "-C shared_memory_size"
        command = f"{self.trial.bin_directory}/postgres -D COPY -c config_file={config} {end}"
        return (
            msg("{command} (where it ends)\n{check}", command=command, check=check)
            if self.trial.by_start
            else msg("{command}\n{check}", command=command, check=check)
        )


def level(text: str) -> int | None:
    """The rank of a wal_level; None for what is none.

    >>> level("Replica"), level("logical"), level("")
    (1, 2, None)
    """
    return LEVELS.get(text.strip().lower())


def address_list(text: str) -> tuple[str, ...] | None:
    """The items of listen_addresses, as the server takes them apart (SplitGUCList); None for what it would refuse.

    >>> address_list('127.0.0.1, "::1"'), address_list(" "), address_list("a b"), address_list("a,,b")
    (('127.0.0.1', '::1'), (), None, None)
    """
    if not text.strip():
        return ()
    found, at = [], 0
    while match := _ITEM.match(text, at):
        found.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        at = match.end()
        if at == len(text):
            return tuple(found)
        if text[at] != ",":
            return None
        at += 1
    return None


def unheard(now: str, then: str) -> tuple[str, ...]:
    """The addresses that are listened on now, and would not be with another list.

    >>> unheard("*", "127.0.0.1"), unheard("localhost, 10.0.0.7", "0.0.0.0"), unheard("::1", "::1,10.0.0.7")
    (('*',), (), ())
    """
    every = {each.lower() for each in address_list(then) or ()}
    return tuple(each for each in address_list(now) or () if not _heard(each.lower(), every))


def _heard(address: str, every: set[str]) -> bool:
    if address in every or "*" in every:
        return True
    if address == "*":
        return {"0.0.0.0", "::"} <= every  # noqa: S104
    if address == "localhost" and "0.0.0.0" in every:  # noqa: S104
        return True
    try:
        return ("::" if isinstance(ip_address(address), IPv6Address) else "0.0.0.0") in every  # noqa: S104
    except ValueError:
        return {"0.0.0.0", "::"} <= every  # noqa: S104


def number(text: str) -> int | None:
    """A whole number as a file has it.

    >>> number(" 10"), number("ten")
    (10, None)
    """
    return int(text) if text.strip().isdecimal() else None
