"""What moves: read once for a plan or a status, never compared. None is unknown, never zero."""

from __future__ import annotations

from standbyctl.domain.chain import ChainSeen
from standbyctl.domain.record import dataclass, field
from standbyctl.domain.restored import RestoredSeen
from standbyctl.domain.source import SourceSeen
from standbyctl.domain.survey import Survey
from standbyctl.domain.tunnel import CLEAR, Approach
from standbyctl.domain.volumes import Linked, VolumeSeen


@dataclass(frozen=True, slots=True)
class Reserved:
    """What standbys of the same command will take: walsenders and slots of the primary; bytes, by the filesystem."""

    wal_senders: int = 0
    slots: int = 0
    room: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """Room and load around an attach, at one moment. `reachable`: by TCP, as a standby connects.

    `source`: the standby that the copy is to come from; None where it comes from the primary, or none is to be made.
    `streams`: the application names of the standbys that stream. `origins`: replication origins that exist.
    `free_device`: the filesystem that `free_bytes` is about. `tablespace_bytes`: of every tablespace, by its oid.
    `volumes`: what stands where parts of a copy go. `linked` and `condemned_linked`: what leads out of the data
    directory, and out of one that is being deleted.
    `restored`: the copy that was put in place, where one is to be set up.
    `chain`: how the upstream follows the primary, where that is another.
    `approach`: what there is for a tunnel, where one was asked for. `reserved`: what others are about to take.
    """

    cluster_bytes: int | None = None
    free_bytes: int | None = None
    wal_free_bytes: int | None = None
    wal_senders_in_use: int = 0
    slots_in_use: int = 0
    most_retained_bytes: int = 0
    most_retained_slot: str = ""
    wal_segment_bytes: int = 16 << 20
    refusal: str = ""
    entries: str = ""
    free_aside: str = ""
    directory_identity: str = ""
    condemned_identity: str = ""
    reachable: bool = True
    survey: Survey = field(default_factory=Survey)
    others_without_slot: str = ""
    source: SourceSeen | None = None
    streams: tuple[str, ...] = ()
    origins: int = 0
    approach: Approach = CLEAR
    free_device: str = ""
    tablespace_bytes: tuple[tuple[int, int], ...] = ()
    volumes: tuple[VolumeSeen, ...] = ()
    linked: tuple[Linked, ...] = ()
    condemned_linked: tuple[Linked, ...] = ()
    restored: RestoredSeen | None = None
    reserved: Reserved = Reserved()
    chain: ChainSeen | None = None
