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

# pg_settings shows shared_buffers in blocks.
_BLOCK_BYTES = 8192
_ROOM_FOR_FILES = 1000


def host_blockers(sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """Libraries, memory, inodes: the copy starts with what the files of the primary say."""
    if not has(steps, CopyByBasebackup):
        return
    survey, source = sample.survey, sample.source
    if missing := sorted({*survey.libraries_missing, *(source.libraries_missing if source else ())}):
        names = ", ".join(missing)
        yield Blocker(
            "P209",
            msg("libraries that the standby needs are not installed: {names}", names=names),
            msg("The copy comes with shared_preload_libraries and functions that load them, and would not start."),
            msg("Install the packages that they are in for this major version, or take them out of the setting."),
        )
    yield from _memory(survey, buffers_bytes(source.survey if source else survey))
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


def buffers_bytes(survey: Survey) -> int | None:
    """shared_buffers as the copy will start with it: what the files say, in force or not."""
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


def _memory(survey: Survey, buffers: int | None) -> Iterator[Blocker]:
    room = survey.host
    huge = next((s.in_file for s in survey.pending if s.name == "huge_pages"), None) or _running(survey, "huge_pages")
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
