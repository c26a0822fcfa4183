"""Effects on the parts of a tunnel. Each guard is evaluated in the script that acts."""

from __future__ import annotations

from standbyctl.domain import tunnel as fx
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.message import msg
from standbyctl.nodes.world import World, script_text


def make_key(effect: fx.MakeTunnelKey, world: World) -> None:
    """Make the key pair."""
    world.run(effect.node, "tunnel_key.sh", effect.directory, effect.marker)


def trust_host(effect: fx.TrustHost, world: World) -> None:
    """Carry the host keys over."""
    keys = world.run(effect.primary, "host_keys.sh", fx.HOST_ALIAS).stdout
    world.run(effect.node, "tunnel_trust.sh", effect.directory, data=keys)


def remove_key(effect: fx.RemoveTunnelKey, world: World) -> None:
    """Remove the key pair and what stands beside it."""
    world.run(effect.node, "tunnel_unkey.sh", effect.directory, effect.marker)


def admit_key(effect: fx.AdmitTunnelKey, world: World) -> None:
    """Carry the public half over, and let it in."""
    key = world.run(effect.standby, "read_file.sh", f"{effect.directory}/id_ed25519.pub").stdout
    half = b" ".join(key.split()[:2]) + b"\n"
    _as_login(world, effect, "tunnel_admit.sh", half)


def expel_key(effect: fx.ExpelTunnelKey, world: World) -> None:
    """Take the line out."""
    _as_login(world, effect, "tunnel_expel.sh", b"")


def _as_login(world: World, effect: fx.AdmitTunnelKey | fx.ExpelTunnelKey, script: str, data: bytes) -> None:
    door = world.doors[effect.node]
    host = door.login or door.host
    text = script_text("tunnel_lines.sh") + script_text(script)
    done = host.script(text, effect.restrictions, effect.marker, data=data)
    if done.status != 0:
        raise StoppedError(
            "A204",
            msg("cannot edit the authorized_keys of {login} on {node}", login=effect.login, node=effect.node),
            detail=msg("{e}", e=done.stderr) if done.stderr else msg("exit status {n}", n=done.status),
            hint=msg("Mend the cause, then run the same command again."),
        )


def try_tunnel(effect: fx.TryTunnel, world: World) -> None:
    """The strongest fact: ssh gets in, and may connect to the primary's port."""
    tunnel = effect.tunnel
    argv = tunnel.argv("-W", tunnel.there)
    done = world.doors[effect.node].host.script(script_text("tunnel_try.sh"), tunnel.directory, *argv)
    if done.status != 0:
        raise StoppedError(
            "A214",
            msg("the tunnel does not come up: {login} on {host}", login=tunnel.login, host=tunnel.host),
            detail=msg("{e}", e=done.stderr) if done.stderr else msg("ssh ended with exit status {n}", n=done.status),
            hint=msg(
                "Its sshd has to let {login} in by key (AllowUsers, AuthorizedKeysFile, an account that is not locked)"
                " and forward TCP (AllowTcpForwarding, PermitOpen). Its log says which. Then run the same command"
                " again, name another account with --tunnel-login, or take back: standbyctl detach {name}",
                login=tunnel.login,
                name=tunnel.name,
            ),
        )


def run_tunnel(effect: fx.RunTunnel, world: World) -> None:
    """Install and start the unit."""
    tunnel, text = effect.tunnel, effect.tunnel.unit_text(effect.marker)
    world.run(
        effect.node,
        "tunnel_run.sh",
        tunnel.unit,
        effect.marker,
        str(tunnel.port),
        data=text.encode("utf-8", "surrogateescape"),
        as_root=True,
        after=("tunnel_unit.sh",),
    )


def remove_tunnel(effect: fx.RemoveTunnel, world: World) -> None:
    """Stop and remove the unit."""
    world.run(effect.node, "tunnel_remove.sh", effect.unit, effect.marker, as_root=True, after=("tunnel_unit.sh",))
