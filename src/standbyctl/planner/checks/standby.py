"""Lines about the place where the standby goes, or is."""

from __future__ import annotations

from standbyctl.domain.facts import Contents
from standbyctl.domain.message import Message, all_of, clauses, listed, msg
from standbyctl.domain.replication import MINIMUM_PARAMETERS
from standbyctl.domain.size import format_size
from standbyctl.domain.version import major, version_text
from standbyctl.planner.attach import brought
from standbyctl.planner.blockers.host import buffers_bytes, library_names, own_preload
from standbyctl.planner.blockers.likeness import named
from standbyctl.planner.checks.line import Line, Seen, View, fine, unknown, warning
from standbyctl.planner.standby import standby_settings
from standbyctl.planner.volumes import Disk, disks

MOST_NAMES = 10
_CONTENTS = {
    Contents.ABSENT: msg("is not there"),
    Contents.EMPTY: msg("is empty"),
    Contents.STANDBY: msg("holds a copy of this primary"),
    Contents.RESTORED: msg("holds what is to be set up where it is"),
    Contents.CLUSTER: msg("holds another PostgreSQL cluster"),
    Contents.FOREIGN: msg("holds files of somebody"),
}


def _directory(view: View) -> Seen:
    return fine("{path} {what}", path=view.target.data_directory, what=_CONTENTS[view.place.contents])


def _programs(view: View) -> Seen:
    if not view.place.bin_version_num:
        return fine("none found")
    if _older_minor(view.place.bin_version_num, view.server.version_num):
        return warning(
            "{v} in {path}, and {node} runs {newer}: update the standby's first",
            v=version_text(view.place.bin_version_num),
            path=view.place.bin_directory,
            node=view.target.primary,
            newer=version_text(view.server.version_num),
        )
    return fine("{v} in {path}", v=version_text(view.place.bin_version_num), path=view.place.bin_directory)


def _older_minor(standby: int, primary: int) -> bool:
    """An older minor release may fail to read what a newer one has written: standbys are updated first."""
    return standby < primary and major(standby) == major(primary)


def _copy(view: View) -> Seen:
    if view.place.contents is not Contents.STANDBY:
        if view.target.from_restored:
            return fine("none is made: what was restored is used as it is")
        return fine("nothing to keep: a copy is made")
    if view.place.upstream:
        return fine("streams from {node}", node=view.place.upstream)
    if view.place.running:
        return fine("runs, and does not stream from {node}", node=view.target.primary)
    return (
        fine("is stopped; what it needs next is kept")
        if view.place.covered
        else fine("is stopped; what it needs next is no longer kept")
    )


def _drafts(view: View) -> Seen:
    if not view.place.drafts:
        return fine("none")
    return fine("{paths}", paths=", ".join(draft.path for draft in view.place.drafts))


def _port(view: View) -> Seen:
    return fine("{port} is taken" if view.place.port_taken else "{port}", port=view.target.port)


def _disk(view: View) -> Seen:
    free = view.sample.free_bytes
    if view.target.from_restored:
        return (
            fine("nothing is copied")
            if free is None
            else fine("{free} free; nothing is copied", free=format_size(free))
        )
    found = disks(view.sample, view.target)
    if not found:
        return unknown("not known")
    return fine("{what}", what=clauses(_room_on(disk, alone=len(found) == 1) for disk in found))


def _room_on(disk: Disk, *, alone: bool) -> Message:
    return msg(
        "{where}{free} free; {size} and WAL and 20 % make {needed}",
        where="" if alone else msg("{paths}: ", paths=all_of(disk.paths)),
        free=format_size(disk.free_bytes),
        size=format_size(disk.held_bytes),
        needed=format_size(disk.needed_bytes),
    )


def _volumes(view: View) -> Seen:
    if view.target.from_restored:
        return fine("where the copy has them")
    if not view.sample.volumes:
        return fine("nothing is to be outside the data directory")
    return fine("{what}", what=listed(each.volume.said for each in view.sample.volumes))


def _minimum(view: View) -> Seen:
    raised = [
        name
        for name, _ in standby_settings(
            view.facts.server(view.target.writer), view.target, brought(view.facts, view.sample, view.target)
        )
        if name in MINIMUM_PARAMETERS
    ]
    if raised:
        return fine("the copy gets the primary's running values: {names}", names=", ".join(raised))
    return fine("max_connections and 4 others come with the copy")


def _memory(view: View) -> Seen:
    source, room = view.sample.source, view.survey.host
    buffers = buffers_bytes(source.survey if source else view.survey, view.target)
    if buffers is None or room.memory_bytes is None:
        return unknown("not known")
    if room.available_bytes is not None and buffers > room.available_bytes:
        return warning(
            "shared_buffers is {buffers}; {available} of {memory} are available now",
            buffers=format_size(buffers),
            available=format_size(room.available_bytes),
            memory=format_size(room.memory_bytes),
        )
    return fine(
        "shared_buffers is {buffers}; the host has {memory}",
        buffers=format_size(buffers),
        memory=format_size(room.memory_bytes),
    )


def _libraries(view: View) -> Seen:
    source = view.sample.source
    if missing := (*view.survey.libraries_missing, *(source.libraries_missing if source else ())):
        return fine("missing: {names}", names=", ".join(missing))
    count = len(view.survey.libraries)
    if not view.survey.libraries_known:
        return unknown("not known where this server's libraries are")
    own = own_preload(view.survey, view.target)
    loaded = library_names(view.value("shared_preload_libraries"))
    if own is not None and (left_out := [name for name in loaded if name not in own]):
        return warning(
            "{node} loads {names} when it starts, and the standby's own configuration does not",
            node=view.target.primary,
            names=", ".join(left_out),
        )
    if lacking := _lacking(view):
        return warning("{node} has in its $libdir what is not here: {names}", node=view.target.primary, names=lacking)
    if count:
        return fine("{n} in use by the server and database {db}, all installed", n=count, db=view.survey.database)
    return fine("only PostgreSQL's own, in the server and database {db}", db=view.survey.database)


def _lacking(view: View) -> Message | None:
    """Files of the primary's $libdir that the standby's host has not: functions of other databases may be in them."""
    likeness = view.survey.likeness
    if likeness is None or not likeness.standby.libraries:
        return None
    names = sorted(set(likeness.primary.libraries) - set(likeness.standby.libraries))
    return None if not names else named(tuple(names[:MOST_NAMES]), len(names))


def _inherited(view: View) -> Seen:
    loaded = view.value("shared_preload_libraries")
    workers = [name for name in ("pg_cron", "timescaledb", "pgagent", "pg_squeeze") if name in loaded]
    if workers:
        return warning("{names} comes with the copy, and works there too after a promotion", names=", ".join(workers))
    if view.value("archive_mode") != "off":
        return fine("archive_command comes with the copy, and acts once it is promoted")
    return fine("the configuration of {node}", node=view.target.copy_from or view.target.primary)


def _selinux(view: View) -> Seen:
    if view.survey.host.selinux == "1" and not view.target.data_directory.startswith("/var/lib/pgsql/"):
        return warning(
            "enforcing: {path} needs the type postgresql_db_t (semanage fcontext, restorecon)",
            path=view.target.data_directory,
        )
    return fine("enforcing") if view.survey.host.selinux == "1" else fine("not enforcing")


def _inodes(view: View) -> Seen:
    room = view.survey.host
    if room.inodes_free is None or room.inodes_needed is None:
        return fine("not counted on this file system")
    return fine("{free} free; the cluster has {n} files", free=room.inodes_free, n=room.inodes_needed)


def _wal_volume(view: View) -> Seen:
    there, here = view.survey.wal_link, view.target.waldir
    if there and not here:
        where = view.target.primary
        return warning(
            "{node} has it at {path}; the copy's is in its data directory (--waldir)", node=where, path=there
        )
    if here:
        return fine("{there} there, {here} here", there=there or msg("in the data directory"), here=here)
    return fine("in the data directory, there and here")


LINES = (
    Line("P201", msg("data directory"), _directory),
    Line("P202", msg("programs"), _programs),
    Line("P203", msg("copy"), _copy),
    Line("P204", msg("unfinished copies"), _drafts),
    Line("P205", msg("port"), _port),
    Line("P206", msg("disk"), _disk),
    Line("P207", msg("settings"), _minimum),
    Line("P208", msg("memory"), _memory),
    Line("P209", msg("libraries"), _libraries),
    Line("P210", msg("inherited"), _inherited),
    Line("P211", msg("SELinux"), _selinux),
    Line("P212", msg("inodes"), _inodes),
    Line("P213", msg("pg_wal"), _wal_volume),
    Line("P230", msg("volumes"), _volumes),
)
