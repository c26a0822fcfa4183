"""What an attach plan says beside its steps: what they bring with them, and what is left alone."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.facts import Facts, Server
from standbyctl.domain.message import Message, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.domain.version import major
from standbyctl.planner.blockers.likeness import is_far, named, version_words
from standbyctl.planner.chain import chain_notes
from standbyctl.planner.parameters import asked_megabytes
from standbyctl.planner.plan import has
from standbyctl.planner.restored import restored_notes
from standbyctl.steps.base import Impact, Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.clone.manifest import VerifyCopy
from standbyctl.steps.clone.restored import SetUpRestored
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.setting import WAL_KEEP
from standbyctl.steps.slot import CAP

RESTORE_COMMAND_RELOADS = 14  # the first major where a reload is enough


def attach_notes(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Message]:
    """What is worth knowing of these steps, and of what they leave alone."""
    server = facts.server(target.primary)
    if target.copy_from and has(steps, CopyByBasebackup):
        yield from _source_notes(sample, target)
    elif target.checkpoint == "fast" and not target.head and any(isinstance(step, CopyByBasebackup) for step in steps):
        yield msg(
            "the copy begins with an immediate checkpoint: {node} writes out everything dirty in its shared"
            " buffers at once (--checkpoint spread spares it that, and may wait for minutes)",
            node=target.primary,
        )
    if not server.hba.loaded and any(step.impact is Impact.RELOAD for step in steps):
        yield msg(
            "{path} was changed and not reloaded: our reload puts those changes into force too", path=server.hba.path
        )
    if target.verify_backup and facts.place(target.name).never_started and not has(steps, VerifyCopy):
        yield msg(
            "the copy is in place already: --verify-backup verifies one before it is put there, so this one is not"
            " verified again"
        )
    if target.slot not in {target.name, ""}:
        yield msg(
            'the slot "{slot}" is not named like the node: tools that expect slot = application_name'
            " (Patroni among them) will drop or duplicate it",
            slot=target.slot,
        )
    if target.slot and target.wal_cap == "keep" and server.setting(CAP).value == "-1":
        yield msg("without a cap (--wal-cap keep) a dead standby fills the disk of {node}", node=target.primary)
    yield from restored_notes(facts, sample, target, steps)
    if target.head:
        yield from chain_notes(sample, target, steps)
    else:
        yield from _primary_notes(server, target)
    if server.setting("archive_mode").value != "off":
        yield msg(
            "archive_mode is {value}: the standby inherits archive_command, and archives too once it is promoted",
            value=server.setting("archive_mode").value,
        )
    yield from _place_notes(target)
    yield from _asked_notes(server, target, steps)
    yield from _likeness_notes(sample, target, steps)


def _primary_notes(server: Server, target: Target) -> Iterator[Message]:
    yield from _commit_notes(server, target)
    yield msg(
        "wal_level stays {value}: replica is enough for a standby, and a change needs a restart",
        value=server.setting("wal_level").value,
    )


def _place_notes(target: Target) -> Iterator[Message]:
    """How it connects from there, and what starts it."""
    if target.own_address:
        yield msg(
            "addresses are translated on the way: {node} sees {own}, which {name} connects from, as {seen}",
            node=target.primary,
            own=target.own_address,
            name=target.name,
            seen=target.source_address,
        )
    if target.service.unit and not target.service.managed:
        yield msg(
            "{name} is started by pg_ctl, and by nothing at boot: its unit {unit} takes root there",
            name=target.name,
            unit=target.service.unit,
        )


def _likeness_notes(sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Message]:
    """Where two hosts are not alike, and it stands in nobody's way."""
    likeness = sample.survey.likeness
    if likeness is None or not has(steps, CopyByBasebackup, SetUpRestored):
        return
    for provider in likeness.differing:
        if provider in target.despite and likeness.ordered and likeness.keeps(provider):
            found = likeness.ordered.of(provider)
            yield msg(
                "{there} on the host of {name}, {here} on that of {node} (--despite {provider}): read nothing there by"
                " what is in its order, and REINDEX that right after a promotion: {names}",
                there=version_words(provider, likeness.standby.version(provider)),
                name=target.name,
                here=version_words(provider, likeness.primary.version(provider)),
                node=target.primary,
                provider=provider,
                names=named(found.names, found.count) if found.count else msg("(could not tell)"),
            )
    if likeness.clock and is_far(likeness.clock):
        yield msg(
            "the clocks of the two hosts are at least {seconds} s apart: ages of what was replayed go by them",
            seconds=f"{likeness.clock.at_least:.1f}",
        )


def _commit_notes(server: Server, target: Target) -> Iterator[Message]:
    """Asked for or not: what it has to do with replication, which is less than its name says."""
    if target.synchronous_commit == "off":
        yield msg(
            "synchronous_commit = off is not what makes replication asynchronous (an empty synchronous_standby_names"
            " does): {node} acknowledges commits before its own disk has them, and loses the last of them, up to"
            " three times wal_writer_delay, in a crash",
            node=target.primary,
        )
    elif target.synchronous_commit:
        yield msg(
            "synchronous_commit = {value} concerns every commit on {node}; on, local, remote_write and remote_apply"
            " differ only while synchronous_standby_names is not empty",
            value=target.synchronous_commit,
            node=target.primary,
        )
    else:
        yield msg(
            "synchronous_commit stays {value}: it does not make replication asynchronous (an empty"
            " synchronous_standby_names does); off would lose the primary's own last commits in a crash",
            value=server.setting("synchronous_commit").value,
        )


def _asked_notes(server: Server, target: Target, steps: tuple[Step, ...]) -> Iterator[Message]:
    """The consequences of what was asked for by name."""
    if not target.slot:
        kept = max(asked_megabytes(target), int(server.setting(WAL_KEEP).value))
        yield msg(
            "no slot: nothing guarantees the WAL that {name} needs. {node} keeps the last {kept} MB (wal_keep_size);"
            " a standby that is away for longer than that must be made anew",
            name=target.name,
            node=target.primary,
            kept=kept,
        )
    if target.wal_keep_size:
        yield from _keep_notes(server, target)
    copies = has(steps, CopyByBasebackup, SetUpRestored)
    if has(steps, CopyByBasebackup) and target.wal_method == "fetch" and not target.copy_from:
        yield _fetch_note(target)
    if has(steps, AdmitReplication) and target.auth_method == "md5":
        yield msg(
            "the method md5 in pg_hba.conf lets in with a SCRAM secret as with an MD5 one. MD5 is deprecated"
            " (PostgreSQL 18 warns); a role that attach makes has a SCRAM secret all the same"
        )
    role = server.role(target.role)
    if not target.own_role and role and role.superuser:
        yield msg(
            "{role} is a superuser: whoever can read {passfile} owns {node}, all its data and, through it, its"
            " operating system user. A role of the standby's own (no --role, no --passfile) has LOGIN REPLICATION only",
            role=role.name,
            passfile=target.passfile,
            node=target.primary,
        )
    if copies and target.restore_command:
        yield from _restore_notes(server, target)


def _keep_notes(server: Server, target: Target) -> Iterator[Message]:
    asked, present = asked_megabytes(target), int(server.setting(WAL_KEEP).value)
    if present > asked:
        yield msg("wal_keep_size stays {present}MB: it is only ever raised", present=present)
    else:
        yield msg(
            "wal_keep_size = {size}: {node} always keeps so much WAL in pg_wal, whether or not anybody needs it",
            size=target.wal_keep_size,
            node=target.primary,
        )


def _source_notes(sample: Sample, target: Target) -> Iterator[Message]:
    """What is felt, and by whom, where a standby is copied."""
    yield (
        msg(
            "{primary} is not read: {source} is. {primary} gets the role and the slot, and one walsender streams in the"
            " end; the copy needs nothing of it",
            primary=target.primary,
            source=target.copy_from,
        )
        if target.slot
        else msg(
            "{primary} is not read: {source} is. {primary} gets the role, and one walsender streams in the end; the"
            " copy needs nothing of it",
            primary=target.primary,
            source=target.copy_from,
        )
    )
    yield (
        msg(
            "{source} begins with a restartpoint: it writes out everything dirty in its shared buffers at once"
            " (--checkpoint spread spares it that, and may wait for minutes)",
            source=target.copy_from,
        )
        if target.checkpoint == "fast"
        else msg(
            "{source} begins with a restartpoint, spread over time: that may take minutes", source=target.copy_from
        )
    )
    if target.slot:
        yield msg(
            "until the standby streams, nobody reads its slot, which holds all that {primary} writes: a cap"
            " (max_slot_wal_keep_size) smaller than that ends the copy",
            primary=target.primary,
        )
    comes: Message | str = ""
    if sample.source and (restore := sample.source.survey.setting("restore_command")) and restore.value:
        comes = "" if target.restore_command else msg(", restore_command = '{command}' with it", command=restore.value)
    yield msg(
        "the copy comes with the configuration of {source}{comes}; what made {source} follow, lag or archive is"
        " set anew",
        source=target.copy_from,
        comes=comes,
    )


def _fetch_note(target: Target) -> Message:
    if target.slot:
        return msg(
            "-X fetch: one walsender is enough, and the WAL is sent last. Until then the slot holds all that {node}"
            " writes while the copy runs: a cap (max_slot_wal_keep_size) smaller than that ends the copy",
            node=target.primary,
        )
    return msg(
        "-X fetch without a slot: the WAL is sent last, and the copy fails at its end where {node} has by then"
        " removed what it wrote at the beginning (wal_keep_size)",
        node=target.primary,
    )


def _restore_notes(server: Server, target: Target) -> Iterator[Message]:
    yield (
        msg(
            "restore_command runs on the standby's machine, and is asked before {node} is: what it delivers is"
            " replayed unseen. A change needs a reload of the standby only",
            node=target.primary,
        )
        if major(server.version_num) >= RESTORE_COMMAND_RELOADS
        else msg(
            "restore_command runs on the standby's machine, and is asked before {node} is: what it delivers is"
            " replayed unseen. Before PostgreSQL 14 a change needs a restart of the standby",
            node=target.primary,
        )
    )
    if missing := [gap for gap in ("%f", "%p") if gap not in target.restore_command]:
        yield msg(
            "WARNING: restore_command has no {missing}: PostgreSQL puts the file's name for %f and where it is"
            " to go for %p",
            missing=msg("%f and no %p") if len(missing) > 1 else missing[0],
        )
