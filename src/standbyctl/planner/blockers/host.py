"""What the standby's server would not start with, or not have room for."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.message import msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import format_size, parse_size
from standbyctl.domain.survey import Survey
from standbyctl.domain.target import Target
from standbyctl.planner.plan import has
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.clone.restored import SetUpRestored

# pg_settings shows shared_buffers in blocks.
_BLOCK_BYTES = 8192
_ROOM_FOR_FILES = 1000


def host_blockers(sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """Libraries, memory, inodes: the copy starts with what the files of the primary say."""
    if not has(steps, CopyByBasebackup, SetUpRestored):
        return
    survey, source = sample.survey, sample.source
    lacking = {*survey.libraries_missing, *(source.libraries_missing if source else ()), *_lacking(survey, target)}
    if missing := sorted(lacking):
        names = ", ".join(missing)
        yield Blocker(
            "P209",
            msg("libraries that the standby needs are not installed: {names}", names=names),
            msg("The copy comes with shared_preload_libraries and functions that load them, and would not start.")
            if own_settings(survey, target) is None
            else msg(
                "Functions of the copy are in them, or {node} or the standby's own configuration loads them.",
                node=target.primary,
            ),
            msg("Install the packages that they are in for this major version, or take them out of the setting."),
        )
    yield from _memory(survey, target, buffers_bytes(source.survey if source else survey, target))
    room = survey.host
    if room.inodes_free is not None and room.inodes_needed is not None:
        needed = room.inodes_needed + _ROOM_FOR_FILES
        if room.inodes_free < needed:
            yield Blocker(
                "P212",
                msg("too few inodes for {path}", path=target.data_directory),
                msg("{free} are free; the cluster has {files} files.", free=room.inodes_free, files=room.inodes_needed),
                msg("Choose a directory on another volume with -D."),
            )


def own_settings(survey: Survey, target: Target) -> dict[str, str] | None:
    """What a postgresql.conf of the standby's own host says, empty where that is not known; None where it has none."""
    if not target.service.config_file or survey.likeness is None:
        return None
    return dict(survey.likeness.own or ())


def _own(survey: Survey, target: Target, name: str) -> tuple[bool, str]:
    """Whether the standby's own file decides about a parameter, and what it says."""
    own = own_settings(survey, target)
    given = next((s for s in (*survey.pending, *survey.settings) if s.name == name), None)
    # postgresql.auto.conf comes with the copy, and overrides it.
    if own is None or (given is not None and given.file.endswith("/postgresql.auto.conf")):
        return False, ""
    return True, own.get(name, "")


def own_preload(survey: Survey, target: Target) -> tuple[str, ...] | None:
    """shared_preload_libraries of a configuration that is the standby's own; None where the copy brings it."""
    decides, value = _own(survey, target, "shared_preload_libraries")
    return library_names(value) if decides and own_settings(survey, target) else None


def library_names(value: str) -> tuple[str, ...]:
    """The names in a list of libraries, as PostgreSQL looks for them in $libdir.

    >>> library_names('pg_cron, "$libdir/auto_explain"')
    ('pg_cron', 'auto_explain')
    """
    names = (name.strip().strip('"').removeprefix("$libdir/") for name in value.split(","))
    return tuple(name for name in names if name)


def _lacking(survey: Survey, target: Target) -> tuple[str, ...]:
    """What the standby's own configuration loads and its host has not; paths are not followed."""
    files = survey.likeness.standby.libraries if survey.likeness else ()
    names = own_preload(survey, target) or ()
    return tuple(name for name in names if files and "/" not in name and f"{name}.so" not in files)


def buffers_bytes(survey: Survey, target: Target) -> int | None:
    """shared_buffers as the copy will start with it: what the files say, in force or not."""
    decides, value = _own(survey, target, "shared_buffers")
    if decides:
        return _in_bytes(value)
    pending = next((s for s in survey.pending if s.name == "shared_buffers"), None)
    if pending is not None and pending.in_file is not None:
        return _in_bytes(pending.in_file)
    running = survey.setting("shared_buffers")
    return int(running.value) * _BLOCK_BYTES if running else None


def _running(survey: Survey, name: str) -> str:
    setting = survey.setting(name)
    return setting.value if setting else ""


def _in_bytes(text: str) -> int | None:
    size = parse_size(text)
    return size if size is not None else int(text) * _BLOCK_BYTES if text.isdigit() else None


def _huge_pages(survey: Survey, target: Target) -> str:
    decides, value = _own(survey, target, "huge_pages")
    if decides:
        return value
    return next((s.in_file for s in survey.pending if s.name == "huge_pages"), None) or _running(survey, "huge_pages")


def _memory(survey: Survey, target: Target, buffers: int | None) -> Iterator[Blocker]:
    room, huge = survey.host, _huge_pages(survey, target)
    free = room.huge_pages_free_bytes
    if huge == "on" and buffers is not None and free is not None and buffers > free:
        yield Blocker(
            "P208",
            msg("too few huge pages are free on the standby's host"),
            msg(
                "huge_pages is on, and shared_buffers takes {buffers}; {free} of them are free.",
                buffers=format_size(buffers),
                free=format_size(free),
            ),
            msg("Provide more (vm.nr_hugepages), or set huge_pages = try on the primary before the copy is made."),
        )
    if buffers is not None and room.memory_bytes is not None and buffers > room.memory_bytes:
        yield Blocker(
            "P208",
            msg("shared_buffers is more than the memory of the standby's host"),
            msg(
                "The copy would start with {buffers}; the host has {memory}.",
                buffers=format_size(buffers),
                memory=format_size(room.memory_bytes),
            ),
            msg("Lower shared_buffers in the file that waits for a restart, or use a bigger host."),
        )
