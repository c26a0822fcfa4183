"""Why no tunnel can be made."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.domain.tunnel import Approach, Trace
from standbyctl.planner.plan import has
from standbyctl.steps.base import Step
from standbyctl.steps.tunnel import AdmitTunnel, OpenTunnel, ProvideTunnelKey

_NOT_OURS = {Trace.CHANGED, Trace.FOREIGN}


def tunnel_blockers(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """Both ends of it."""
    tunnel, approach, seen = target.tunnel, sample.approach, facts.place(target.name).tunnel
    if not any(has(steps, kind) for kind in (ProvideTunnelKey, AdmitTunnel, OpenTunnel)):
        return
    yield from _standby_blockers(approach, target)
    for step, trace, path in (
        (ProvideTunnelKey, seen.key, tunnel.directory),
        (OpenTunnel, seen.unit, tunnel.unit_path),
    ):
        if has(steps, step) and trace in _NOT_OURS:
            yield Blocker(
                "P214",
                msg("{path} exists and is not as attach would have written it", path=path),
                msg("What somebody else wrote or changed is not replaced."),
                msg("Move it away, then run this again."),
                refused=True,
            )
    if approach.client:
        yield from _primary_blockers(approach, target)


def _standby_blockers(approach: Approach, target: Target) -> Iterator[Blocker]:
    if not approach.client:
        yield Blocker(
            "P214",
            msg("no ssh client is on the standby's host"),
            msg("The tunnel is one of OpenSSH's: ssh, ssh-keygen and ssh-keyscan."),
            msg("Install it{line}.", line=_install(approach.os)),
        )
    if not approach.service or not approach.root:
        yield Blocker(
            "P214",
            msg("the unit of a tunnel cannot be installed on the standby's host"),
            msg("It has no systemd, and what else would start the tunnel after a reboot is not known.")
            if not approach.service
            else msg(
                "{path} is root's, and the login there is neither root nor may it be.", path=target.tunnel.unit_path
            ),
            msg("Have the primary listen where the standby can connect, at its next restart (standbyctl explain P105).")
            if not approach.service
            else msg("Log in as root, or let the login do it without a password (sudoers: NOPASSWD)."),
        )


def _primary_blockers(approach: Approach, target: Target) -> Iterator[Blocker]:
    tunnel = target.tunnel
    if not approach.files or not approach.host_keys:
        yield Blocker(
            "P138",
            msg("the host of {node} cannot be known by its keys", node=target.primary),
            msg("{node}'s data directory is not on the host that was asked.", node=target.primary)
            if not approach.files
            else msg("No /etc/ssh/ssh_host_*_key.pub can be read there."),
            msg("Say how its host is reached: --primary-ssh HOST.")
            if not approach.files
            else msg("Write the public halves of its host keys there (ssh-keygen -y), or make some: ssh-keygen -A"),
        )
    elif not approach.reached:
        yield Blocker(
            "P138",
            msg("the standby's host does not reach the sshd of {node}'s host", node=target.primary),
            msg(
                "Port {port} was tried at {tried}.{others}",
                port=tunnel.ssh_port,
                tried=", ".join(approach.tried) or "-",
                others=msg(
                    " What answers at {others} is another host: its key is another.", others=", ".join(approach.others)
                )
                if approach.others
                else "",
            ),
            msg("Open that port between them, or say where its sshd is: --tunnel-login @HOST:PORT."),
        )


def _install(os: str) -> Message:
    if {"debian", "ubuntu"} & set(os.split()):
        return msg(": apt-get install openssh-client")
    if {"rhel", "fedora", "centos"} & set(os.split()):
        return msg(": dnf install openssh-clients")
    return msg("")
