"""By hand: every effect of an attach, a detach or a change of roles, as a careful person does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from standbyctl.domain import effects as fx
from standbyctl.domain.hand import Hand
from standbyctl.planner.byhand import admission, copies, database, rewind, role, roles, service, tunnel

_BY_HAND: dict[type[Any], Callable[[Any], tuple[Hand, ...]]] = {
    fx.Sql: database.statement,
    fx.Reload: database.reload,
    fx.AlterSystem: database.alter_system,
    fx.AwaitSettings: database.set_by_hand,
    fx.WaitUntil: database.until,
    fx.AwaitReplay: database.until_replayed,
    fx.Prove: database.prove,
    fx.CheckWal: database.check_wal,
    fx.EnsureHbaLine: admission.insert,
    fx.EnsureHbaLineBySql: admission.insert,
    fx.RemoveHbaLine: admission.remove,
    fx.RemoveHbaLineBySql: admission.remove,
    fx.AwaitAdmission: admission.admit,
    fx.WritePassfile: role.write_passfile,
    fx.RemovePassfile: role.remove_passfile,
    fx.MakeRole: role.make_role,
    fx.CopyCluster: copies.copy,
    fx.CheckManifest: copies.check_manifest,
    fx.SetConf: copies.set_conf,
    fx.SealDraft: copies.seal,
    fx.PutInPlace: copies.put_in_place,
    fx.DiscardDraft: copies.discard,
    fx.SetAside: copies.set_aside,
    fx.DeleteAside: copies.delete_aside,
    fx.AdoptCopy: copies.adopt,
    fx.StartServer: service.start,
    fx.StopServer: service.stop,
    fx.SetUnit: service.set_unit,
    fx.VacateCluster: service.vacate,
    fx.MoveCluster: service.move,
    fx.ResumeCluster: service.resume,
    fx.Checkpoint: roles.checkpoint,
    fx.HandOver: roles.hand_over,
    fx.StartAgain: roles.start_again,
    fx.Fence: roles.fence,
    fx.Promote: roles.promote,
    fx.Rewind: rewind.rewind,
    fx.MakeTunnelKey: tunnel.make_key,
    fx.RemoveTunnelKey: tunnel.remove_key,
    fx.TrustHost: tunnel.trust_host,
    fx.AdmitTunnelKey: tunnel.admit_key,
    fx.ExpelTunnelKey: tunnel.expel_key,
    fx.TryTunnel: tunnel.try_tunnel,
    fx.RunTunnel: tunnel.run_tunnel,
    fx.RemoveTunnel: tunnel.remove_tunnel,
}


def by_hand(effects: Iterable[fx.Effect]) -> tuple[Hand, ...]:
    """What is typed for them, in order. KeyError for an effect that no plan has."""
    return tuple(hand for effect in effects for hand in _BY_HAND[type(effect)](effect))
