"""A data directory that is a mount point: nothing can be renamed onto it, or away, so that all happens in it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Contents, Place
from standbyctl.domain.message import Message, msg
from standbyctl.domain.target import Target
from standbyctl.planner.replacing import may_replace


def mount_blockers(place: Place, target: Target) -> Iterator[Blocker]:
    """Why a copy cannot be made in it as it is."""
    path = target.data_directory
    if place.contents is Contents.CLUSTER and may_replace(target):
        yield _blocker(
            msg("{path} is a mount point: the cluster in it cannot be renamed aside", path=path),
            msg("A mount point is never renamed, nor what is on it deleted to make room."),
            msg(
                "If it holds nothing of anybody, empty it yourself (stop it first, and leave the mount), then attach"
                " without --replace-cluster. Or choose another directory with -D."
            ),
            refused=True,
        )
    if place.contents is Contents.STANDBY and place.never_started and not place.covered and not place.running:
        yield _blocker(
            msg("{path} is a mount point: the copy in it cannot be renamed aside", path=path),
            msg("It was never started, and the WAL that it needs next is not kept any more."),
            msg(
                "standbyctl detach {name} --remove-data-dir {path} --delete, then attach.", name=target.name, path=path
            ),
        )
    if place.contents is not Contents.EMPTY or target.from_restored:
        return
    quoted = shlex.quote(path)
    if place.lost_found:
        yield _blocker(
            msg("{path} is a mount point with a lost+found", path=path),
            msg("In a data directory it stops every base backup of the standby, and pg_checksums. initdb refuses it."),
            msg("Use a directory below the mount point: -D {path}/main.", path=path),
        )
    if not place.private:
        yield _blocker(
            msg("{path} is a mount point that no server of {user} would start on", path=path, user=place.os_user),
            msg("A data directory belongs to the server's user, with mode 0700 or 0750."),
            msg("chown {user}: {path} && chmod 700 {path}", user=place.os_user, path=quoted),
        )
    if place.condemned:
        yield _blocker(
            msg("what was in {path} is still being deleted", path=path),
            msg(
                "A detach was stopped in the middle, and there is no room beside it: {path} is a mount point.",
                path=path,
            ),
            msg(
                "standbyctl detach {name} --remove-data-dir {path} --delete, then attach.", name=target.name, path=path
            ),
        )


def _blocker(what: Message, detail: Message, hint: Message, *, refused: bool = False) -> Blocker:
    return Blocker("P201", what, detail, hint, refused=refused)
