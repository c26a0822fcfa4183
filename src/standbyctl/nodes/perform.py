"""The only code that changes the world: it carries out effects, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from standbyctl.domain import effects as fx
from standbyctl.nodes import (
    copying,
    files,
    handover,
    manifests,
    programs,
    replacing,
    replaying,
    restored,
    rewinding,
    secrets,
    servers,
    staging,
    takeover,
    testing,
    trying,
    tunnels,
    waiting,
)
from standbyctl.nodes.world import World

_DEEDS: dict[type[Any], Callable[[Any, World], None]] = {
    fx.Sql: servers.run_sql,
    fx.Reload: servers.reload,
    fx.AlterSystem: servers.alter_system,
    fx.AwaitSettings: servers.await_settings,
    fx.WaitUntil: waiting.wait_until,
    fx.AwaitReplay: replaying.await_replay,
    fx.Prove: servers.prove,
    fx.StartServer: servers.start,
    fx.StopServer: servers.stop,
    fx.SetUnit: servers.set_unit,
    fx.AwaitAdmission: servers.await_admission,
    fx.EnsureHbaLine: files.ensure_hba_line,
    fx.RemoveHbaLine: files.remove_hba_line,
    fx.EnsureHbaLineBySql: programs.ensure_hba_line,
    fx.RemoveHbaLineBySql: programs.remove_hba_line,
    fx.SetConf: files.set_conf,
    fx.SealDraft: files.seal_draft,
    fx.PutInPlace: files.put_in_place,
    fx.DiscardDraft: files.discard_draft,
    fx.SetAside: files.set_aside,
    fx.DeleteAside: files.delete_aside,
    fx.WritePassfile: secrets.write_passfile,
    fx.RemovePassfile: secrets.remove_passfile,
    fx.MakeRole: secrets.make_role,
    fx.CopyCluster: copying.copy_cluster,
    fx.TryCopy: trying.try_copy,
    fx.CheckManifest: manifests.check_manifest,
    fx.MakeTestDatabase: testing.make_test_database,
    fx.DropTestDatabases: testing.drop_test_databases,
    fx.TryStart: staging.try_start,
    fx.VacateCluster: replacing.vacate_cluster,
    fx.MoveCluster: replacing.move_cluster,
    fx.ResumeCluster: replacing.resume_cluster,
    fx.CheckWal: restored.check_wal,
    fx.AdoptCopy: restored.adopt_copy,
    fx.MakeTunnelKey: tunnels.make_key,
    fx.TrustHost: tunnels.trust_host,
    fx.RemoveTunnelKey: tunnels.remove_key,
    fx.AdmitTunnelKey: tunnels.admit_key,
    fx.ExpelTunnelKey: tunnels.expel_key,
    fx.TryTunnel: tunnels.try_tunnel,
    fx.RunTunnel: tunnels.run_tunnel,
    fx.RemoveTunnel: tunnels.remove_tunnel,
    fx.Checkpoint: handover.checkpoint,
    fx.HandOver: handover.hand_over,
    fx.StartAgain: servers.start_again,
    fx.Fence: takeover.fence,
    fx.Promote: takeover.promote,
    fx.Rewind: rewinding.rewind,
}


def perform(effect: fx.Effect, world: World) -> None:
    """Carry out one effect; raises StoppedError where it cannot be done."""
    _DEEDS[type(effect)](effect, world)
