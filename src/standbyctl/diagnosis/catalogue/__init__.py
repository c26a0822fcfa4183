"""Every code, once: what it means, why it matters, and what to do about it."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue import (
    admission,
    attach,
    chain,
    contents,
    detach,
    failover,
    handover,
    hosts,
    likeness,
    primary,
    restored,
    roles,
    running,
    slots,
    source,
    staging,
    standby,
    tool,
    tunnel,
    usage,
    verify,
    wal,
    watching,
)
from standbyctl.diagnosis.catalogue.entry import Entry, Family
from standbyctl.domain.message import Message, msg


def _family(title: Message, *parts: tuple[Entry, ...]) -> Family:
    return Family(title, tuple(sorted((entry for part in parts for entry in part), key=lambda entry: entry.code)))


FAMILIES = (
    _family(
        msg("The primary"),
        primary.ENTRIES,
        admission.ENTRIES,
        wal.ENTRIES,
        contents.ENTRIES,
        source.ENTRIES,
        chain.ENTRIES,
        tunnel.PRIMARY,
    ),
    _family(msg("The standby and its place"), standby.ENTRIES, tunnel.STANDBY, likeness.ENTRIES, restored.ENTRIES),
    _family(msg("A run of attach or detach"), attach.ENTRIES, hosts.ENTRIES, tunnel.RUN),
    _family(msg("Refusals of detach"), detach.ENTRIES),
    _family(msg("Usage, configuration, files"), usage.ENTRIES, hosts.USAGE, tunnel.USAGE),
    _family(msg("Settings staged for a restart"), staging.ENTRIES),
    _family(msg("Replication slots, and the WAL that they keep"), slots.ENTRIES),
    _family(msg("A change of roles"), roles.ENTRIES, handover.ENTRIES, failover.ENTRIES),
    _family(msg("What verify looks at"), verify.ENTRIES),
    _family(msg("What status and check find in a running cluster"), running.ENTRIES, watching.ENTRIES),
    _family(msg("The demo, and standbyctl itself"), tool.ENTRIES),
)
ALL = tuple(entry for family in FAMILIES for entry in family.entries)


def find(code: str) -> Entry | None:
    """The entry of a code, however it is written.

    >>> find("p102").code
    'P102'
    """
    return next((entry for entry in ALL if entry.code == code.strip().upper()), None)
