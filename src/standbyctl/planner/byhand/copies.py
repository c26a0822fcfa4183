"""A copy of a cluster: made, set up, put in place; set aside, deleted."""

from __future__ import annotations

import posixpath
import shlex

from standbyctl.domain import effects as fx
from standbyctl.domain.conf import merge_conf
from standbyctl.domain.hand import Hand, psql, shell, written
from standbyctl.domain.message import msg
from standbyctl.domain.names import within_destination
from standbyctl.domain.volumes import WAL_LINK, Linked

_q = shlex.quote
# PostgreSQL's programs speak the reader's language, and their words are what is compared.
PLAIN = "LC_ALL=C"
_WAL_NAMES = ".*/([0-9A-F]{24}(\\.partial|\\.[0-9A-F]{8}\\.backup)?|[0-9A-F]{8}\\.history|archive_status|summaries)"


def copy(effect: fx.CopyCluster) -> tuple[Hand, ...]:
    """pg_basebackup into a directory beside the destination; while it runs a lock there tells ours not to touch it.

    Parts that go elsewhere go there at once: a person does not die half-way.
    """
    draft = effect.draft
    make = [f"mkdir -m 700 {_q(draft)}", f"printf '%s\\n' {_q(effect.node)} >{_q(draft)}/owner"]
    if effect.lent_entry:
        # A password is found by host and port: the source's are others.
        find = f"sed -n {_q(f's|^{_pattern(effect.entry)}|{_replacement(effect.lent_entry)}|p')} {_q(effect.passfile)}"
        make.append(f"(umask 077; {find} >{_q(draft)}/pgpass)")
    free = [f"ls -A {_q(volume.path)}" for volume in effect.volumes]
    looks = [shell(effect.node, *free, expected=msg("nothing, not even lost+found: otherwise stop"))] if free else []
    asked = psql(
        effect.source,
        "SHOW synchronous_standby_names;",
        expected=msg("neither * nor {name}: commits must not wait for the copy or the standby", name=effect.name),
    )
    command = f"flock -n {_q(draft)}/lock {shlex.join([*effect.argv(drafts=False), '--progress'])}"
    return (
        *looks,
        asked,
        shell(effect.node, *make, expected=msg("no error")),
        shell(effect.node, command, expected=msg("ends without an error, and the exit status is 0 (echo $?)")),
    )


def _pattern(text: str) -> str:
    return "".join(f"\\{letter}" if letter in r".*[]^$\|" else letter for letter in text)


def _replacement(text: str) -> str:
    return "".join(f"\\{letter}" if letter in r"\&|" else letter for letter in text)


def check_manifest(effect: fx.CheckManifest) -> tuple[Hand, ...]:
    """Every file of it."""
    return (shell(effect.node, f"{PLAIN} {effect}", expected=msg("backup successfully verified")),)


def set_conf(effect: fx.SetConf) -> tuple[Hand, ...]:
    """The last line of a name counts."""
    return (shell(effect.node, written(effect.path, merge_conf("", effect.settings)), expected=msg("no error")),)


def seal(effect: fx.SealDraft) -> tuple[Hand, ...]:
    """From here on it is a standby or nothing."""
    data = f"{effect.draft}/data"
    return (
        shell(
            effect.node,
            f"touch {_q(f'{data}/standby.signal')}",
            f"sync {_q(f'{data}/standby.signal')} {_q(f'{data}/postgresql.auto.conf')} {_q(data)}",
            f"touch {_q(f'{effect.draft}/whole')}",
            expected=msg("no error"),
        ),
    )


def put_in_place(effect: fx.PutInPlace) -> tuple[Hand, ...]:
    """A rename; on a mount point of every name, global last: without it nothing is a cluster."""
    draft, data, there = effect.draft, f"{effect.draft}/data", effect.destination
    hands = [shell(effect.node, f"ls {_q(f'{data}/standby.signal')}", expected=msg("it is there: otherwise stop"))]
    if within_destination(draft, there):
        move = f"find {_q(data)} -mindepth 1 -maxdepth 1 ! -name global -exec mv -nt {_q(there)} {{}} +"
        hands += [
            shell(effect.node, move, f"ls -A {_q(data)}", expected=msg("global, and nothing else: otherwise stop")),
            shell(effect.node, f"mv -nT {_q(data)}/global {_q(there)}/global", f"rmdir {_q(data)}"),
        ]
    else:
        hands.append(shell(effect.node, f"mv -T {_q(data)} {_q(there)}", expected=msg("no error")))
    ours = " ".join(f"{_q(draft)}/{name}" for name in ("owner", "lock", "whole", "pgpass"))
    parent = _q(posixpath.dirname(there))
    rest = shell(effect.node, f"sync {parent}", f"rm -f {ours}", f"rmdir {_q(draft)}", expected=msg("no error"))
    return (*hands, rest)


def discard(effect: fx.DiscardDraft) -> tuple[Hand, ...]:
    """An unfinished copy that nobody writes any more."""
    draft = _q(effect.draft)
    return (
        shell(
            effect.node,
            f"cat {draft}/owner",
            f"flock -n {draft}/lock echo free",
            expected=msg("{name} and free: otherwise leave it, somebody still writes it", name=effect.node),
        ),
        shell(effect.node, f"rm -r --one-file-system {draft}", expected=msg("no error")),
    )


def set_aside(effect: fx.SetAside) -> tuple[Hand, ...]:
    """Nothing is deleted."""
    here, aside = effect.data_directory, effect.aside
    checks = _stopped_standby(effect, here)
    if within_destination(aside, here):
        kept = f"! -name {_q(posixpath.basename(aside))} ! -name lost+found"
        moves = [
            f"mkdir -m 700 {_q(aside)}",
            f"mv -nT {_q(here)}/global {_q(aside)}/global",
            f"find {_q(here)} -mindepth 1 -maxdepth 1 {kept} -exec mv -nt {_q(aside)} {{}} +",
        ]
    else:
        moves = [f"[ ! -e {_q(aside)} ]", f"mv -T {_q(here)} {_q(aside)}"]
        if effect.leave_empty:
            moves.append(f"mkdir -m 700 {_q(here)}")
    return checks, shell(effect.node, *moves, expected=msg("no error"))


def _stopped_standby(effect: fx.SetAside | fx.DeleteAside, path: str) -> Hand:
    """What is to be looked at before anything is moved away or deleted."""
    programs = _q(effect.bin_directory)
    return shell(
        effect.node,
        f"{{ {PLAIN} {programs}/pg_ctl status -D {_q(path)} || true; }}",
        f"ls {_q(path)}/standby.signal",
        f"stat -c %i {_q(path)}",
        f"{PLAIN} {programs}/pg_controldata -D {_q(path)} | grep 'system identifier'",
        expected=msg(
            '"no server running"; standby.signal is there; {inode}; {system}: otherwise stop',
            inode=effect.identity.partition(":")[2],
            system=effect.system_identifier,
        ),
    )


def delete_aside(effect: fx.DeleteAside) -> tuple[Hand, ...]:
    """For good: what is looked at is what is deleted, and of what is elsewhere only what PostgreSQL has put there."""
    aside = effect.aside
    parts = [hand for each in effect.linked for hand in _delete_linked(effect, each)]
    whole = shell(
        effect.node, f"rm -r --one-file-system {_q(aside)}", expected=msg("no error: this deletes it for good")
    )
    return _stopped_standby(effect, aside), *parts, whole


def _delete_linked(effect: fx.DeleteAside, each: Linked) -> tuple[Hand, Hand]:
    link = _q(posixpath.join(effect.aside, each.link))
    look = shell(
        effect.node,
        f"readlink {link}",
        f"stat -L -c %i {link}",
        expected=msg("{path} and {inode}: otherwise leave it", path=each.path, inode=each.identity.partition(":")[2]),
    )
    if each.link == WAL_LINK:
        find = f"find {_q(each.path + '/')} -mindepth 1 -maxdepth 1 -regextype posix-extended -regex {_q(_WAL_NAMES)}"
        delete = f"{find} -exec rm -r --one-file-system {{}} +"
    else:
        delete = f'rm -r --one-file-system {_q(each.path)}/PG_"$(cat {_q(effect.aside)}/PG_VERSION)"_*'
    return look, shell(effect.node, delete, expected=msg("no error: this deletes it for good"))


def adopt(effect: fx.AdoptCopy) -> tuple[Hand, ...]:
    """First of all it is made unable to start as a primary."""
    here, kept = effect.data_directory, effect.kept
    return (
        shell(
            effect.node,
            f"{{ {PLAIN} {_q(effect.bin_directory)}/pg_ctl status -D {_q(here)} || true; }}",
            f"sha256sum {_q(here)}/global/pg_control",
            expected=msg('"no server running"; {digest}: nobody has started it since', digest=effect.control),
        ),
        shell(
            effect.node,
            f"touch {_q(here)}/standby.signal",
            f"sync {_q(here)}/standby.signal {_q(here)}",
            f"mkdir -p -m 700 {_q(kept)}",
            f"touch {_q(here)}/postgresql.auto.conf",
            f"cp -p {_q(here)}/postgresql.auto.conf {_q(kept)}/",
            f"for name in postmaster.pid recovery.signal pg_replslot; do [ ! -e {_q(here)}/$name ] ||"
            f" mv {_q(here)}/$name {_q(kept)}/; done",
            f"mkdir -m 700 {_q(here)}/pg_replslot",
            expected=msg("no error"),
        ),
    )
