"""What stands where parts of a copy go, and what leads out of a data directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from standbyctl.domain.facts import Contents, Tablespace
from standbyctl.domain.names import draft_prefix
from standbyctl.domain.volumes import Linked, Volume, VolumeSeen, volumes
from standbyctl.observe.hosts import Pairs, Part
from standbyctl.observe.question import Question

_CONTENTS = {"absent": Contents.ABSENT, "empty": Contents.EMPTY}


def wanted(raw: Mapping[str, Any], question: Question) -> tuple[Volume, ...]:
    """Where parts of a copy go, by what the primary says of its tablespaces."""
    tablespaces = (Tablespace(**each) for each in raw["tablespaces"])
    return volumes(tablespaces, question.waldir, question.tablespace_mapping)


def volume_parts(asked: Iterable[Volume], question: Question) -> tuple[Part, ...]:
    """The question to the standby's host; none where everything goes into the data directory."""
    prefix = draft_prefix(question.data_directory).rpartition("/")[2]
    args = tuple(word for volume in asked for word in (volume.link, volume.path))
    return (Part(question.name, "volumes.sh", (prefix, question.name, *args)),) if args else ()


def parse_volumes(pairs: Pairs, asked: Iterable[Volume]) -> tuple[VolumeSeen, ...]:
    """What that host has said, with what the primary's has."""
    theirs = _of_primary(pairs)
    home = dict(pairs).get("primary_real", "") if theirs else ""
    said = {value.partition(" ")[0]: value.split(" ", 6)[1:] for key, value in pairs if key == "volume"}

    def seen(volume: Volume) -> VolumeSeen:
        kind, writable, device, identity, free_kb, real = said[volume.link]
        return VolumeSeen(
            volume=volume,
            contents=_CONTENTS.get(kind, Contents.FOREIGN),
            writable=writable == "yes",
            of_primary=identity in theirs or bool(home and f"{real}/".startswith(f"{home}/")),
            device=device.strip("-"),
            free_bytes=int(free_kb) * 1024 if free_kb.isdigit() else None,
        )

    return tuple(map(seen, asked))


def parse_linked(pairs: Pairs, key: str) -> tuple[Linked, ...]:
    """What leads out of a data directory.

    >>> here = [("machine", "m"), ("primary_machine", "m"), ("primary_volume", "64768:9")]
    >>> parse_linked([*here, ("linked", "64768:9 pg_wal /wal/main")], "linked")
    (Linked(link='pg_wal', path='/wal/main', identity='64768:9', of_primary=True),)
    """
    theirs = _of_primary(pairs)
    found = (value.split(" ", 2) for name, value in pairs if name == key)
    return tuple(Linked(link, path, identity, identity in theirs) for identity, link, path in found)


def _of_primary(pairs: Pairs) -> set[str]:
    """Device and inode of everything that the primary has, where it is on the same machine."""
    probe = dict(pairs)
    if probe["machine"] != probe.get("primary_machine"):
        return set()
    # What could not be looked at has no identity, and is not the same as anything.
    return {value for key, value in pairs if key in {"primary_volume", "primary_identity"} and value}
