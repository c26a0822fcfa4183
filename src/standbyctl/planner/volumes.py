"""What of a copy goes outside the standby's data directory, and what each filesystem must have room for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from standbyctl.domain.facts import Server
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.domain.volumes import WAL_LINK, Linked, Volume, link_of, volumes
from standbyctl.planner.plan import Memory
from standbyctl.steps.clone.basebackup import CopyByBasebackup

# A copy brings some WAL files with it.
WAL_BYTES = 3 * 16 * (1 << 20)


@dataclass(frozen=True, slots=True)
class Disk:
    """A filesystem that a copy is made on. `held`: what of it is data; `free`: without what others will take."""

    device: str
    paths: tuple[str, ...]
    free_bytes: int
    held_bytes: int
    needed_bytes: int


def volumes_of(server: Server, source: Server, target: Target) -> tuple[Volume, ...]:
    """Where they go; `source`, the server that is copied, may have its tablespaces elsewhere than the primary."""
    there = {link_of(each): each.location for each in source.tablespaces}
    asked = volumes(server.tablespaces, target.waldir, target.tablespace_mapping)
    return tuple(replace(each, source=there.get(each.link, each.source)) for each in asked)


def made_by_us(linked: Iterable[Linked], memory: Memory) -> tuple[Linked, ...]:
    """What leads out of a copy to where attach has put a part of it, and nothing else: only that is ever deleted."""
    copies = (entry.step for entry in memory if isinstance(entry.step, CopyByBasebackup))
    ours = {(volume.link, volume.path) for copy in copies for volume in copy.volumes}
    return tuple(each for each in linked if (each.link, each.path) in ours and not each.of_primary)


def needed_bytes(held_bytes: int) -> int:
    """What data needs on its disk: itself, and a fifth to spare."""
    return held_bytes * 12 // 10


def disks(sample: Sample, target: Target) -> tuple[Disk, ...]:
    """Every filesystem that is known, with all that goes there."""
    found: dict[str, Disk] = {}
    for device, path, free, held, wal in _parts(sample, target):
        if free is None:
            continue
        taken = sum(room for where, room in sample.reserved.room if where == device)
        disk = found.get(device, Disk(device, (), max(free - taken, 0), 0, 0))
        found[device] = Disk(
            device,
            (*disk.paths, path),
            disk.free_bytes,
            disk.held_bytes + held,
            disk.needed_bytes + needed_bytes(held) + wal,
        )
    return tuple(found.values())


def _parts(sample: Sample, target: Target) -> Iterator[tuple[str, str, int | None, int, int]]:
    """Of each part: device, path, what is free there, the data and the WAL that come there."""
    if sample.cluster_bytes is None:
        return
    sizes = {f"pg_tblspc/{oid}": size for oid, size in sample.tablespace_bytes}
    elsewhere = {each.volume.link: sizes.get(each.volume.link, 0) for each in sample.volumes}
    rest = sample.cluster_bytes - sum(elsewhere.values())
    yield sample.free_device, target.data_directory, sample.free_bytes, rest, 0 if WAL_LINK in elsewhere else WAL_BYTES
    for each in sample.volumes:
        wal = WAL_BYTES if each.volume.link == WAL_LINK else 0
        yield each.device, each.volume.path, each.free_bytes, elsewhere[each.volume.link], wal
