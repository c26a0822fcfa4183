"""Everything this tool knows how to do, one small class per deed. Pure: no node, no socket, no clock."""

from __future__ import annotations

from standbyctl.steps.archive import ReadArchive
from standbyctl.steps.clone.basebackup import CopyByBasebackup, InstallCopy, RemoveDraft
from standbyctl.steps.clone.manifest import VerifyCopy
from standbyctl.steps.clone.restored import SetUpRestored
from standbyctl.steps.cluster import PutClusterBack, ReplaceCluster
from standbyctl.steps.directory import DeleteDirectory, SetDirectoryAside
from standbyctl.steps.failover import FenceOldPrimary, KeepWal, PromoteStandby, SealPlace
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.rewind import EndRewinding, PointAtPrimary, RewindPlace
from standbyctl.steps.role import CreateRole, ProvidePassfile
from standbyctl.steps.roles import AwaitCascade, FollowPrimary, LetGoOfSlots, StartAsStandby, SwitchPrimary
from standbyctl.steps.server import StartAtBoot, StartStandby, StopStandby
from standbyctl.steps.setting import SetByHand, SetParameter
from standbyctl.steps.slot import CapSlots, CreateSlot
from standbyctl.steps.slots import CreateLogicalSlot, DropSlot
from standbyctl.steps.staging import StageSettings
from standbyctl.steps.tunnel import AdmitTunnel, OpenTunnel, ProvideTunnelKey

ALL = (
    ProvidePassfile,
    CreateRole,
    AdmitReplication,
    CapSlots,
    SetParameter,
    SetByHand,
    CreateSlot,
    RemoveDraft,
    CopyByBasebackup,
    VerifyCopy,
    InstallCopy,
    SetUpRestored,
    StartAtBoot,
    StartStandby,
    StopStandby,
    SetDirectoryAside,
    DeleteDirectory,
    ReplaceCluster,
    PutClusterBack,
    StageSettings,
    ProvideTunnelKey,
    AdmitTunnel,
    OpenTunnel,
    CreateLogicalSlot,
    DropSlot,
    SwitchPrimary,
    StartAsStandby,
    FollowPrimary,
    AwaitCascade,
    LetGoOfSlots,
    FenceOldPrimary,
    PromoteStandby,
    SealPlace,
    KeepWal,
    PointAtPrimary,
    RewindPlace,
    EndRewinding,
    ReadArchive,
)
