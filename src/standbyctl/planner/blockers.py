"""Why not, and what to do about it: every reason at once. The same predicates serve plan and attach."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Contents, Facts, Passfile
from standbyctl.domain.hba import find_place
from standbyctl.domain.message import msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import format_size, parse_size
from standbyctl.domain.target import HbaWay, Target
from standbyctl.domain.version import SUPPORTED_MAJORS, major, version_text
from standbyctl.planner.cap import MINIMUM_MB, choose_cap, kills_a_slot
from standbyctl.planner.plan import Memory
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.role import CreateRole
from standbyctl.steps.slot import CAP, CreateSlot

SENDERS_FOR_A_COPY = 2
SPARE_BYTES = 3 * 16 * (1 << 20)


def attach_blockers(
    facts: Facts, sample: Sample, target: Target, memory: Memory, steps: tuple[Step, ...]
) -> Iterator[Blocker]:
    """Everything that stands in the way of these steps."""
    yield from _server_blockers(facts, target)
    if not steps:
        return
    yield from _commit_blockers(facts, target)
    yield from _capacity_blockers(facts, sample, target, steps)
    yield from _slot_blockers(facts, target, memory)
    yield from _cap_blockers(facts, sample, target, steps)
    yield from _role_blockers(facts, target, steps)
    yield from _hba_blockers(facts, target, steps)
    yield from _directory_blockers(facts, target)
    yield from _room_blockers(facts, sample, target, steps)


def _server_blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
    server, node = facts.server(target.primary), target.primary
    if major(server.version_num) not in SUPPORTED_MAJORS:
        yield Blocker(
            "P101",
            msg("PostgreSQL {major}: not yet", major=major(server.version_num)),
            msg("{node} runs PostgreSQL {v}.", node=node, v=version_text(server.version_num)),
            msg(
                "This release works with PostgreSQL {majors}.",
                majors=", ".join(map(str, SUPPORTED_MAJORS)),
            ),
        )
    if server.in_recovery:
        yield Blocker(
            "P111",
            msg("{node} is a standby itself", node=node),
            msg("pg_is_in_recovery() is true there. A standby of a standby: not yet."),
            msg("Give the conninfo of its primary with -p."),
        )
    if server.setting("wal_level").value == "minimal":
        senders = server.setting("max_wal_senders").value
        yield Blocker(
            "P102",
            msg("{node} needs a restart before it can have a standby: wal_level is minimal", node=node),
            msg(
                "With wal_level = minimal the WAL that a standby needs is not written, and"
                " max_wal_senders is {senders}. Both are read at server start only: a reload changes nothing.",
                senders=senders,
            ),
            msg(
                "Set wal_level = replica and max_wal_senders = 10 (the defaults), restart {node} in a window of"
                " your own, then run this again. standbyctl never restarts a primary.",
                node=node,
            ),
        )
    elif int(server.setting("max_wal_senders").value) == 0:
        yield Blocker(
            "P103",
            msg("{node} needs a restart before it can have a standby: max_wal_senders is 0", node=node),
            msg("max_wal_senders is read at server start only: a reload changes nothing."),
            msg("Set max_wal_senders = 10 (the default) and restart {node} in a window of your own.", node=node),
        )
    if server.setting("listen_addresses").value == "":
        yield Blocker(
            "P105",
            msg("{node} does not listen on TCP: listen_addresses is empty", node=node),
            msg("A standby connects by TCP, and listen_addresses is read at server start only."),
            msg("Set listen_addresses and restart {node} in a window of your own.", node=node),
        )
    if server.tablespaces:
        yield Blocker(
            "P113",
            msg("tablespaces: not yet"),
            msg("{node} has tablespaces: {names}.", node=node, names=", ".join(server.tablespaces)),
            msg("This release copies clusters whose data is all in the data directory."),
        )
    if outside := _outside(server.config_sources, server.setting("data_directory").value):
        yield Blocker(
            "P112",
            msg("configuration outside the data directory: not yet"),
            msg("{node} reads {files}; a base backup does not contain that.", node=node, files=", ".join(outside)),
            msg("This release attaches to servers that keep their configuration in the data directory."),
        )


def _outside(paths: tuple[str, ...], data_directory: str) -> tuple[str, ...]:
    return tuple(path for path in paths if not path.startswith(f"{data_directory}/"))


def _commit_blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
    names = facts.server(target.primary).setting("synchronous_standby_names").value
    if _may_name(names, {target.name, f"{target.name}_copy"}):
        yield Blocker(
            "P110",
            msg("commits on {node} would wait for the new standby", node=target.primary),
            msg(
                "synchronous_standby_names = '{names}' makes {name}, or the very copy of it, a synchronous"
                " standby: commits wait for it, and hang when it goes away.",
                names=names,
                name=target.name,
            ),
            msg(
                "List the standbys that are meant to be synchronous by name (a reload), without {name}.",
                name=target.name,
            ),
        )


def _may_name(names: str, ours: set[str]) -> bool:
    """Whether the setting counts one of our application names in (names compare without case)."""
    words = names.replace("(", " ").replace(")", " ").replace(",", " ").replace('"', " ").lower().split()
    return "*" in words or bool(ours & set(words))


def _capacity_blockers(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    server = facts.server(target.primary)
    senders = int(server.setting("max_wal_senders").value)
    free = senders - sample.wal_senders_in_use
    if senders and free < SENDERS_FOR_A_COPY and _has(steps, CopyByBasebackup):
        yield Blocker(
            "P103",
            msg("not enough free walsenders on {node}", node=target.primary),
            msg(
                "The copy needs {needs}, afterwards the standby 1; {used} of {total} are in use"
                " (max_wal_senders = {total}, read at server start only).",
                needs=SENDERS_FOR_A_COPY,
                used=sample.wal_senders_in_use,
                total=senders,
            ),
            msg(
                "End a backup or receiver that is not needed (SELECT * FROM pg_stat_replication), or raise"
                " max_wal_senders; that needs a restart of {node}.",
                node=target.primary,
            ),
        )
    slots = int(server.setting("max_replication_slots").value)
    if sample.slots_in_use >= slots and server.slot(target.slot) is None:
        yield Blocker(
            "P104",
            msg('no replication slot is free for "{slot}" on {node}', slot=target.slot, node=target.primary),
            msg("All {n} replication slots are in use (max_replication_slots = {n}).", n=slots),
            msg(
                "Drop one that nobody needs (SELECT * FROM pg_replication_slots), or raise"
                " max_replication_slots; that needs a restart of {node}.",
                node=target.primary,
            ),
        )


def _slot_blockers(facts: Facts, target: Target, memory: Memory) -> Iterator[Blocker]:
    server, place = facts.server(target.primary), facts.place(target.name)
    slot = server.slot(target.slot)
    if slot is None:
        return
    made = any(isinstance(entry.step, CreateSlot) and entry.step.slot == target.slot for entry in memory)
    used = place.contents is Contents.STANDBY and place.follows
    if slot.slot_type != "physical" or not (made or used):
        yield Blocker(
            "P104",
            msg(
                'the replication slot "{slot}" on {node} belongs to somebody else', slot=slot.name, node=target.primary
            ),
            msg("It is a {kind} slot that no attach of {name} has made.", kind=slot.slot_type, name=target.name),
            msg(
                "Choose another name (--name), or, if nobody needs it any more:"
                " SELECT pg_drop_replication_slot('{slot}')",
                slot=slot.name,
            ),
        )
    elif slot.lost and not place.never_started and place.contents is Contents.STANDBY:
        yield Blocker(
            "P203",
            msg("{name} has fallen behind what {node} keeps", name=target.name, node=target.primary),
            msg('The slot "{slot}" is lost: WAL that the standby needs is gone.', slot=slot.name),
            msg(
                "Bringing it back in place: not yet. Make it anew: standbyctl detach {name}"
                " --remove-data-dir {path}, then attach.",
                name=target.name,
                path=target.data_directory,
            ),
        )


def _cap_blockers(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    server = facts.server(target.primary)
    present = int(server.setting(CAP).value)
    cap = choose_cap(server, sample, target)
    if cap is None:
        if target.wal_cap == "auto" and present < 0 and _has(steps, CreateSlot):
            yield Blocker(
                "P108",
                msg("cannot choose a cap for the WAL that slots keep on {node}", node=target.primary),
                msg(
                    "max_slot_wal_keep_size is -1: a dead standby would fill the disk. How much room pg_wal"
                    " has cannot be seen from here."
                ),
                msg("Give one, such as --wal-cap 20GB, or --wal-cap keep to accept no limit."),
            )
        return
    if kills_a_slot(cap, sample):
        yield Blocker(
            "P108",
            msg('a cap of {cap}MB would invalidate the slot "{slot}"', cap=cap, slot=sample.most_retained_slot),
            msg(
                "It keeps {held} already; max_slot_wal_keep_size counts for every slot of {node}.",
                held=format_size(sample.most_retained_bytes),
                node=target.primary,
            ),
            msg("Let its consumer catch up or drop it, or choose: --wal-cap SIZE above that, --wal-cap keep."),
        )
    elif cap < MINIMUM_MB:
        yield Blocker(
            "P108",
            msg("a cap of {cap}MB is too little for a copy", cap=cap),
            msg("The slot would be invalidated while the copy runs. At least {least}MB.", least=MINIMUM_MB),
            msg("Make room on the volume of pg_wal, or give --wal-cap SIZE or --wal-cap keep."),
        )
    elif parse_size(target.wal_cap) and sample.wal_free_bytes is not None and cap << 20 > sample.wal_free_bytes:
        yield Blocker(
            "P108",
            msg("a cap of {cap}MB is more than the volume of pg_wal has free", cap=cap),
            msg("{free} are free: the disk would be full first.", free=format_size(sample.wal_free_bytes)),
            msg("Give a smaller --wal-cap, or --wal-cap keep to leave the setting alone."),
        )


def _role_blockers(facts: Facts, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    role, place = facts.server(target.primary).role(target.role), facts.place(target.name)
    if target.own_role and role and role.made_for != target.name:
        yield Blocker(
            "P107",
            msg('the role "{role}" is not ours, and is not altered', role=target.role),
            msg("Its password is not known here."),
            msg("Give its passfile with --passfile, or let attach make a role of its own (another --role)."),
        )
    elif target.own_role and role and _has(steps, CreateRole) and not role.pristine:
        yield Blocker(
            "P107",
            msg('somebody has changed the role "{role}" since it was made', role=target.role),
            msg("Setting a new password would undo that change."),
            msg("Drop the role, or give its passfile with --passfile."),
        )
    elif not target.own_role and not (role and role.login and role.replication):
        yield Blocker(
            "P107",
            msg('the role "{role}" cannot be used for replication', role=target.role),
            msg("--passfile goes with a role that exists and has LOGIN and REPLICATION."),
            msg("Give such a role with --role, or leave --passfile out: attach then makes a role of its own."),
        )
    if target.own_role and place.passfile in {Passfile.FOREIGN, Passfile.CHANGED}:
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


def _hba_blockers(facts: Facts, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    if not _has(steps, AdmitReplication):
        return
    hba = facts.server(target.primary).hba
    if broken := next((rule for rule in hba.rules if rule.error and not rule.type), None):
        yield Blocker(
            "P106",
            msg("{path} is broken already", path=hba.path),
            msg(
                "Line {line}: {error}. A reload would be refused, and so would the next restart.",
                line=broken.line,
                error=broken.error,
            ),
            msg("Mend that line first (SELECT * FROM pg_hba_file_rules WHERE error IS NOT NULL)."),
        )
        return
    found = find_place(hba.rules, hba.path, target.role, target.source_address)
    if found.refuses:
        yield Blocker(
            "P106",
            msg("{path} refuses the standby on purpose", path=hba.path),
            msg(
                "Line {line} is a reject for replication from {source}; a line of ours would be dead below it,"
                " and is never put above it.",
                line=found.refuses.line,
                source=target.source_address,
            ),
            msg("If that is not meant, change line {line} yourself, then run this again.", line=found.refuses.line),
        )
    elif found.foreign_file and target.hba is not HbaWay.WAIT:
        yield Blocker(
            "P106",
            msg("the rule that decides about the standby is in an included file"),
            msg("{file} is not edited by standbyctl.", file=found.foreign_file),
            msg("Use --hba wait, and put the line that it prints above that rule."),
        )
    if target.hba is HbaWay.FILE and not hba.at_hand:
        yield Blocker(
            "P106",
            msg("{path} cannot be edited from here", path=hba.path),
            msg("--hba file needs the right to replace that file; this user has not."),
            msg("Run as root or as the server's user, or use --hba wait."),
        )


def _directory_blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
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
    if place.contents in {Contents.FOREIGN, Contents.CLUSTER}:
        what = (
            msg("{path} holds another PostgreSQL cluster", path=path)
            if place.contents is Contents.CLUSTER
            else msg("{path} is not empty", path=path)
        )
        yield Blocker(
            "P201",
            what,
            msg("Nothing that somebody else put there is removed."),
            msg("Move it away yourself, or choose another directory with -D."),
            refused=True,
        )
    elif place.mount_point:
        yield Blocker(
            "P201",
            msg("{path} is a mount point: not yet", path=path),
            msg("The copy is built beside its destination and renamed, which a mount point does not allow."),
            msg("Use a directory below it, such as {path}/main.", path=path),
        )
    elif not place.parent_writable:
        yield Blocker(
            "P201",
            msg("{user} cannot make files beside {path}", user=place.os_user, path=path),
            msg("The copy is built beside its destination, then renamed."),
            msg("Give the parent directory to {user}, or use a directory below it.", user=place.os_user),
        )
    for draft in place.drafts:
        if draft.alive:
            yield Blocker(
                "P204",
                msg("another copy is still being written: {draft}", draft=draft.path),
                msg("A pg_basebackup that an earlier run started still lives."),
                msg("Wait until it ends, or end it, then run this again."),
                refused=True,
            )
    yield from _identity_blockers(facts, target)


def _identity_blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
    place, path = facts.place(target.name), target.data_directory
    if place.contents is not Contents.STANDBY:
        return
    if not place.in_recovery or not place.follows:
        yield Blocker(
            "P201",
            msg("{path} is in use by something else than a standby of {node}", path=path, node=target.primary),
            msg("It is no longer in recovery.")
            if not place.in_recovery
            else msg(
                'Its configuration does not name {node} and the slot "{slot}".', node=target.primary, slot=target.slot
            ),
            msg("Give a directory of its own for the standby with -D."),
            refused=True,
        )


def _room_blockers(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    place = facts.place(target.name)
    if place.port_taken and not place.running:
        yield Blocker(
            "P205",
            msg("port {port} is in use on this host", port=target.port),
            msg("Something listens there, and the standby could not start."),
            msg("Give a free port with --port."),
        )
    if not _has(steps, CopyByBasebackup):
        return
    if place.bin_version_num // 10000 != major(facts.server(target.primary).version_num):
        yield Blocker(
            "P202",
            msg(
                "PostgreSQL {major} is not installed on this host",
                major=major(facts.server(target.primary).version_num),
            ),
            msg("A standby runs the same major version as its primary, and no pg_basebackup of it was found."),
            msg("Install the server package of that version."),
        )
    if sample.cluster_bytes is None or sample.free_bytes is None:
        return
    needed = sample.cluster_bytes * 12 // 10 + SPARE_BYTES
    if sample.free_bytes < needed:
        yield Blocker(
            "P206",
            msg("the disk is too small for {path}", path=target.data_directory),
            msg(
                "{free} are free; {node} has {size}, and with WAL and 20 % to spare that is {needed}.",
                free=format_size(sample.free_bytes),
                node=target.primary,
                size=format_size(sample.cluster_bytes),
                needed=format_size(needed),
            ),
            msg("Make room, or choose a directory on another volume with -D."),
        )


def _has(steps: tuple[Step, ...], kind: type[Step]) -> bool:
    return any(isinstance(step, kind) for step in steps)
