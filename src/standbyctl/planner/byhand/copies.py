"""A copy of a cluster: made, set up, put in place; set aside, deleted."""

from __future__ import annotations

import posixpath
import shlex

from standbyctl.domain import effects as fx
from standbyctl.domain.conf import merge_conf
from standbyctl.domain.hand import Hand, shell
from standbyctl.domain.message import msg
from standbyctl.domain.names import within_destination
from standbyctl.domain.volumes import WAL_LINK

_q = shlex.quote


def copy(effect: fx.CopyCluster) -> tuple[Hand, ...]:
    """pg_basebackup into a directory beside the destination. Parts that go elsewhere go there at once."""
    words = list(effect.argv())
    for volume in effect.volumes:
        words = [word.replace(volume.within(effect.draft), volume.path) for word in words]
    before = [f"mkdir -m 700 {_q(effect.draft)}"]
    if effect.lent_entry:
        # A password is found by host and port: the source's are others.
        find = f"sed -n {_q(f's|^{_pattern(effect.entry)}|{effect.lent_entry}|p')} {_q(effect.passfile)}"
        before.append(f"(umask 077; {find} >{_q(effect.draft)}/pgpass)")
    for volume in effect.volumes:
        seen = "lost+found " if volume.link != WAL_LINK else ""
        before.append(f"ls -A {_q(volume.path)}  # {seen}nothing")
    return (
        shell(effect.node, *before, expected=msg("no error; directories for parts of the copy are empty")),
        shell(
            effect.node,
            shlex.join([*words, "--progress"]),
            expected=msg("ends without an error, and the exit status is 0 (echo $?)"),
        ),
    )


def _pattern(text: str) -> str:
    return "".join(f"\\{letter}" if letter in r".*[]^$\|" else letter for letter in text)


def check_manifest(effect: fx.CheckManifest) -> tuple[Hand, ...]:
    """Every file of it."""
    return (shell(effect.node, str(effect), expected=msg("backup successfully verified")),)


def set_conf(effect: fx.SetConf) -> tuple[Hand, ...]:
    """The last line of a name counts."""
    lines = merge_conf("", effect.settings).splitlines()
    return (shell(effect.node, f"cat >>{_q(effect.path)} <<'CONF'", *lines, "CONF"),)


def seal(effect: fx.SealDraft) -> tuple[Hand, ...]:
    """From here on it is a standby or nothing."""
    data = f"{effect.draft}/data"
    return (
        shell(
            effect.node,
            f"touch {_q(f'{data}/standby.signal')}",
            f"sync {_q(f'{data}/standby.signal')} {_q(f'{data}/postgresql.auto.conf')} {_q(data)}",
        ),
    )


def put_in_place(effect: fx.PutInPlace) -> tuple[Hand, ...]:
    """A rename; on a mount point of every name, global last: without it nothing is a cluster."""
    data, there = f"{effect.draft}/data", effect.destination
    if within_destination(effect.draft, there):
        moves = [
            f"find {_q(data)} -mindepth 1 -maxdepth 1 ! -name global -exec mv -nt {_q(there)} {{}} +",
            f"mv -nT {_q(data)}/global {_q(there)}/global",
            f"rmdir {_q(data)}",
        ]
    else:
        moves = [f"mv -T {_q(data)} {_q(there)}"]
    return (
        shell(effect.node, f"ls {_q(f'{data}/standby.signal')}", expected=msg("it is there: otherwise stop")),
        shell(
            effect.node,
            *moves,
            f"sync {_q(posixpath.dirname(there))}",
            f"rm -f {_q(effect.draft)}/pgpass",
            f"rmdir {_q(effect.draft)}",
            expected=msg("no error"),
        ),
    )


def discard(effect: fx.DiscardDraft) -> tuple[Hand, ...]:
    """An unfinished copy."""
    return (
        shell(effect.node, f"fuser -v {_q(effect.draft)}/lock", expected=msg("nobody uses it: otherwise stop")),
        shell(effect.node, f"rm -r --one-file-system {_q(effect.draft)}"),
    )


def set_aside(effect: fx.SetAside) -> tuple[Hand, ...]:
    """Nothing is deleted."""
    here, aside = effect.data_directory, effect.aside
    checks = shell(
        effect.node,
        f"{_q(effect.bin_directory)}/pg_ctl status -D {_q(here)}",
        f"ls {_q(here)}/standby.signal",
        f"{_q(effect.bin_directory)}/pg_controldata -D {_q(here)} | grep 'system identifier'",
        expected=msg("no server running; standby.signal is there; {id}", id=effect.system_identifier),
    )
    if within_destination(aside, here):
        moves = [
            f"mkdir -m 700 {_q(aside)}",
            f"mv -nT {_q(here)}/global {_q(aside)}/global",
            f"find {_q(here)} -mindepth 1 -maxdepth 1 ! -name {_q(posixpath.basename(aside))} ! -name lost+found"
            f" -exec mv -nt {_q(aside)} {{}} +",
        ]
    else:
        moves = [f"mv -T {_q(here)} {_q(aside)}"]
        if effect.leave_empty:
            moves.append(f"mkdir -m 700 {_q(here)}")
    return checks, shell(effect.node, *moves, expected=msg("no error"))


def delete_aside(effect: fx.DeleteAside) -> tuple[Hand, ...]:
    """For good: look twice."""
    seen = msg("what was set aside by the step before, and nothing else: this deletes it for good")
    return (
        shell(effect.node, f"ls -d {_q(effect.aside)}", expected=seen),
        shell(effect.node, str(effect).replace("rm -r ", "rm -r --one-file-system ", 1)),
    )


def adopt(effect: fx.AdoptCopy) -> tuple[Hand, ...]:
    """First of all it is made unable to start as a primary."""
    here, kept = effect.data_directory, effect.kept
    return (
        shell(
            effect.node,
            f"{_q(effect.bin_directory)}/pg_ctl status -D {_q(here)}",
            f"sha256sum {_q(here)}/global/pg_control",
            expected=msg("no server running; {digest}: nobody has started it since", digest=effect.control),
        ),
        shell(
            effect.node,
            f"touch {_q(here)}/standby.signal",
            f"sync {_q(here)}/standby.signal {_q(here)}",
            f"mkdir -p -m 700 {_q(kept)}",
            f"[ -e {_q(here)}/postgresql.auto.conf ] || touch {_q(here)}/postgresql.auto.conf",
            f"cp -p {_q(here)}/postgresql.auto.conf {_q(kept)}/",
            f"for name in postmaster.pid recovery.signal pg_replslot; do [ ! -e {_q(here)}/$name ] ||"
            f" mv {_q(here)}/$name {_q(kept)}/; done",
            f"mkdir -m 700 {_q(here)}/pg_replslot",
            expected=msg("no error"),
        ),
    )
