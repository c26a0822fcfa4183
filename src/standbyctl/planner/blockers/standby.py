"""Why a standby cannot, or must not, go where it is to go."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.deed import literally
from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Contents, Facts, Passfile, Place
from standbyctl.domain.hba import find_place
from standbyctl.domain.message import Message, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import format_seconds
from standbyctl.domain.survey import RoleUse
from standbyctl.domain.target import Target
from standbyctl.domain.version import major
from standbyctl.planner.blockers.mount import mount_blockers
from standbyctl.planner.blockers.replacing import replacing_blockers
from standbyctl.planner.plan import Memory, has
from standbyctl.planner.replacing import may_replace
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.clone.manifest import VerifyCopy
from standbyctl.steps.clone.restored import SetUpRestored
from standbyctl.steps.role import CreateRole, ProvidePassfile


def role_blockers(
    facts: Facts, sample: Sample, target: Target, memory: Memory, steps: tuple[Step, ...]
) -> Iterator[Blocker]:
    """A role or passfile that is not ours to change, or is of no use."""
    server, place = facts.server(target.writer), facts.place(target.name)
    role = server.role(target.role)
    made = any(isinstance(entry.step, CreateRole) and entry.step.role == target.role for entry in memory)
    strange = has(steps, CreateRole) and not made
    if target.own_role and not server.superuser:
        pass  # P116 says it: a superuser makes it, and it comes with a passfile
    elif target.own_role and role and (role.made_for != target.name or strange):
        yield Blocker(
            "P107",
            msg('the role "{role}" is not ours, and is not altered', role=target.role),
            msg("Its password is not known here."),
            msg("Give its passfile with --passfile, or let attach make a role of its own (another --role)."),
        )
    elif target.own_role and role and has(steps, CreateRole) and not role.pristine:
        yield Blocker(
            "P107",
            msg('somebody has changed the role "{role}" since it was made', role=target.role),
            msg("Setting a new password would undo that change."),
            msg("Drop the role, or give its passfile with --passfile."),
        )
    elif not target.own_role and not (role and role.login and (role.replication or role.superuser)):
        yield Blocker(
            "P107",
            msg('the role "{role}" cannot be used for replication', role=target.role),
            msg("--passfile goes with a role that exists and has LOGIN and REPLICATION."),
            msg("Give such a role with --role, or leave --passfile out: attach then makes a role of its own."),
        )
    elif not target.own_role:
        yield from _use_blockers(sample.survey.role, target)
        yield from _attempt_blockers(facts, sample, target)
    if target.own_role and place.passfile not in {Passfile.ABSENT, Passfile.OURS}:
        yield Blocker(
            "P107",
            msg("{path} exists and is not as attach would have written it", path=target.passfile),
            msg("A file that somebody else wrote or changed is not replaced."),
            msg("Move it away, or choose another --data-dir."),
            refused=True,
        )
    elif not target.own_role and place.passfile in {Passfile.ABSENT, Passfile.UNSAFE}:
        yield Blocker(
            "P107",
            msg("the passfile {path} cannot be used", path=target.passfile),
            msg(
                "It must exist, be readable by {user}, and have mode 0600 or less (libpq ignores any other).",
                user=place.os_user,
            ),
            msg(
                "Its line: {host}:{port}:*:{role}:PASSWORD",
                host=target.primary_host,
                port=target.primary_port,
                role=target.role,
            ),
        )


def _use_blockers(use: RoleUse, target: Target) -> Iterator[Blocker]:
    """What keeps a role with the right attributes from connecting.

    CONNECTION LIMIT does not: replication connections are neither counted nor refused (tried on 13 to 18).
    """
    if use.expires_in_seconds is not None and use.expires_in_seconds <= 0:
        yield Blocker(
            "P107",
            msg('the password of the role "{role}" has expired', role=target.role),
            msg(
                "VALID UNTIL was {ago} ago; it counts for every new connection.",
                ago=format_seconds(-use.expires_in_seconds),
            ),
            msg("ALTER ROLE ... VALID UNTIL 'infinity', or give another role."),
        )


def _attempt_blockers(facts: Facts, sample: Sample, target: Target) -> Iterator[Blocker]:
    """A rule lets the role in, and still a connection was refused: a wrong password, or a secret of another method."""
    server, place = facts.server(target.primary), facts.place(target.name)
    found = find_place(server.hba.rules, server.hba.path, target.role, target.source_address, tls=target.tls)
    walsenders = int(server.setting("max_wal_senders").value) - sample.wal_senders_in_use
    if target.tunnel.used and not place.tunnel.running:
        return  # there was no way for an attempt
    if place.admitted or not sample.refusal or not found.admits or not server.hba.loaded or walsenders < 1:
        return
    yield Blocker(
        "P107",
        msg('the role "{role}" is not let in', role=target.role),
        msg("A replication connection with {path} was refused: {e}", path=target.passfile, e=sample.refusal),
        msg("Mend the password in that file, or the role's."),
    )


def passfile_blockers(facts: Facts, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """No place for its passfile, as beside a mount point in a directory of root's."""
    place = facts.place(target.name)
    if has(steps, ProvidePassfile) and not place.parent_writable:
        yield Blocker(
            "P201",
            msg("{user} cannot make files beside {path}", user=place.os_user, path=target.data_directory),
            msg("Its passfile goes there. The parent is missing, or somebody else's."),
            msg("Let {user} write there until {file} is made.", user=place.os_user, file=target.passfile),
        )


def directory_blockers(facts: Facts, sample: Sample, target: Target) -> Iterator[Blocker]:
    """A data directory that is taken, or where no copy can be built."""
    place, path = facts.place(target.name), target.data_directory
    if place.is_primary_directory:
        yield Blocker(
            "P201",
            msg("{path} is the data directory of {node} itself", path=path, node=target.primary),
            msg("It leads to {real}.", real=facts.server(target.primary).setting("data_directory").value),
            msg("Give a directory of its own for the standby with -D."),
            refused=True,
        )
        return
    replaces = place.contents is Contents.CLUSTER and may_replace(target)
    if place.mount_point:
        yield from mount_blockers(place, target)
    elif replaces:
        yield from replacing_blockers(facts, target)
    if place.contents in {Contents.FOREIGN, Contents.CLUSTER} and not replaces:
        yield _taken(place, sample, target)
    elif not place.parent_writable:
        yield Blocker(
            "P201",
            msg("{user} cannot make files beside {path}", user=place.os_user, path=path),
            msg("Its passfile goes there. The parent is missing, or somebody else's.")
            if place.mount_point
            else msg(
                "The copy is built beside its destination, then renamed. The parent is missing, or somebody else's."
            ),
            msg("Make the parent directory, or give it to {user}, or use a directory below it.", user=place.os_user),
        )
    for draft in place.drafts:
        if draft.alive:
            yield Blocker(
                "P204",
                msg("another copy is still being written: {draft}", draft=draft.path),
                msg("Another run is at work, or a pg_basebackup that a killed run had started still lives."),
                msg("Wait until it ends, then run this again."),
                refused=True,
            )
    yield from _identity_blockers(facts, target)


def _taken(place: Place, sample: Sample, target: Target) -> Blocker:
    path, cluster = target.data_directory, place.contents is Contents.CLUSTER
    found = msg("Found there: {names}. ", names=sample.entries) if sample.entries else ""
    runs = msg("A server runs on it. ") if place.running else ""
    hint = msg("Move it away yourself, or choose another directory with -D.")
    if cluster and target.service.cluster[0]:
        hint = msg(
            "If it holds nothing of anybody (installing PostgreSQL makes such a one): --replace-cluster {cluster}"
            " moves it aside. Else move it away yourself, or choose another directory with -D.",
            cluster="/".join(target.service.cluster),
        )
    return Blocker(
        "P201",
        msg("{path} holds another PostgreSQL cluster", path=path) if cluster else msg("{path} is not empty", path=path),
        msg("{runs}{found}Nothing that somebody else put there is removed.", runs=runs, found=found),
        hint,
        refused=True,
    )


def strange_configuration(target: Target) -> Message:
    """What shows that a standby is not, or no longer, the one that was asked for."""
    if target.slot:
        return msg(
            'Its configuration does not name {node} and the slot "{slot}".', node=target.primary, slot=target.slot
        )
    return msg("Its configuration does not name {node}, or names a slot.", node=target.primary)


def _identity_blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
    place, path = facts.place(target.name), target.data_directory
    if place.contents is not Contents.STANDBY:
        return
    if not place.in_recovery or not place.follows:
        yield Blocker(
            "P201",
            msg("{path} is in use by something else than a standby of {node}", path=path, node=target.primary),
            msg("It is no longer in recovery.") if not place.in_recovery else strange_configuration(target),
            msg("Give a directory of its own for the standby with -D."),
            refused=True,
        )


def _install(system: str, number: int) -> Message:
    """The line that installs a server of that major there, where the packages of that system are known."""
    name, _, version = system.partition(" ")
    if name in {"debian", "ubuntu"}:
        return literally(f": apt-get install postgresql-{number}")
    if name in {"rhel", "rocky", "almalinux", "centos", "ol", "fedora"} and version:
        return msg(": {command} (of the PGDG repository)", command=f"dnf install postgresql{number}-server")
    return msg("")


def room_blockers(facts: Facts, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """A port or a program that is missing."""
    place = facts.place(target.name)
    if place.port_taken and not place.running:
        yield Blocker(
            "P205",
            msg("port {port} is in use on the standby's host", port=target.port),
            msg("Something listens there, and the standby could not start."),
            msg("Give a free port with --port."),
        )
    if place.verifier and has(steps, VerifyCopy):
        yield Blocker(
            "P202",
            msg("could not verify a copy on the standby's host"),
            msg("{what}, already when it is asked for its version.", what=place.verifier),
            msg("Install it in {path}, or attach without --verify-backup.", path=place.bin_directory),
        )
    if not has(steps, CopyByBasebackup, SetUpRestored):
        return
    number = major(facts.server(target.primary).version_num)
    if place.bin_version_num // 10000 != number:
        yield Blocker(
            "P202",
            msg(
                "PostgreSQL {major} is not installed on the standby's host",
                major=number,
            ),
            msg("A standby runs the same major version as its primary, and no pg_basebackup of it was found."),
            msg("Install the server package of that version{line}.", line=_install(place.os, number)),
        )
