"""A server that is started or stopped, and a cluster that makes room."""

from __future__ import annotations

import shlex

from standbyctl.domain import effects as fx
from standbyctl.domain.hand import ROOT, Hand, psql, shell
from standbyctl.domain.message import msg
from standbyctl.domain.service import Service
from standbyctl.planner.byhand.copies import PLAIN

_q = shlex.quote


def start(effect: fx.StartServer) -> tuple[Hand, ...]:
    """It must be a standby's directory: otherwise a second primary would start."""
    here = effect.data_directory
    check = shell(effect.node, f"ls {_q(here)}/standby.signal", expected=msg("it is there: otherwise stop"))
    if effect.service.managed:
        return check, _managed(effect.node, effect.service, "start")
    mark = _q(f"-c standbyctl.attach={effect.started_by}")
    command = (
        f"{PLAIN} {_q(effect.bin_directory)}/pg_ctl start -D {_q(here)} -w -t 600 -l {_q(here)}/startup.log -o {mark}"
    )
    return check, shell(effect.node, command, expected=msg("server started; otherwise see {path}",
                                                           path=f"{here}/startup.log"))  # fmt: skip


def stop(effect: fx.StopServer) -> tuple[Hand, ...]:
    """Only what still is a standby, and nobody uses."""
    here = effect.data_directory
    check = shell(
        effect.node,
        f"ls {_q(here)}/standby.signal",
        f"{PLAIN} {_q(effect.bin_directory)}/pg_controldata -D {_q(here)} | grep 'cluster state'",
        expected=msg("it is there; in archive recovery: otherwise stop"),
    )
    used = psql(
        effect.node,
        "SELECT (SELECT count(*) FROM pg_stat_replication), (SELECT count(*) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid());",
        expected=msg("0 and 0: nobody streams from it, nobody uses it; otherwise stop"),
    )
    if effect.service.managed:
        return check, used, _managed(effect.node, effect.service, "stop")
    command = f"{PLAIN} {_q(effect.bin_directory)}/pg_ctl stop -D {_q(here)} -m fast -w -t 600"
    return check, used, shell(effect.node, command, expected=msg("server stopped"))


def _managed(node: str, service: Service, verb: str) -> Hand:
    user = ROOT if service.as_root else ""
    return shell(node, service.command(verb), user=user, expected=msg("no error"))


def set_unit(effect: fx.SetUnit) -> tuple[Hand, ...]:
    """At boot, or not."""
    return (shell(effect.node, str(effect), user=ROOT, expected=msg("no error")),)


def vacate(effect: fx.VacateCluster) -> tuple[Hand, ...]:
    """Only a cluster that holds nothing of anybody, and with a mark by which it is known when it comes back."""
    here, cluster = effect.data_directory, "/".join(effect.service.cluster)
    inode = effect.identity.partition(":")[2]
    mark = (
        f"printf 'standbyctl: %s\\n%s %s %s\\n' {_q(effect.node)} {effect.system_identifier} {inode}"
        f' "$(stat -c %.9Y {_q(here)}/postmaster.opts)" >{_q(here)}/standbyctl.replaced'
    )
    return (
        shell(
            effect.node,
            f"psql --cluster {_q(cluster)} -Xc '\\l' -c '\\du' -c 'SELECT * FROM pg_replication_slots'",
            expected=msg("only postgres, template0 and template1; only the role postgres; no slot: otherwise stop"),
        ),
        shell(effect.node, mark, f"sync {_q(here)}/standbyctl.replaced"),
        _managed(effect.node, effect.service, "stop"),
    )


def move(effect: fx.MoveCluster) -> tuple[Hand, ...]:
    """A rename."""
    return (shell(effect.node, f"mv -T {_q(effect.source)} {_q(effect.destination)}", expected=msg("no error")),)


def resume(effect: fx.ResumeCluster) -> tuple[Hand, ...]:
    """It runs again, without our mark."""
    return (
        _managed(effect.node, effect.service, "start"),
        shell(effect.node, f"rm {_q(effect.data_directory)}/standbyctl.replaced"),
    )
