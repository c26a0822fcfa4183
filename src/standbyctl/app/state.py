"""Where a run remembers: one journal a standby, one a primary that is staged; readable by its owner only."""

from __future__ import annotations

import os
import pwd
import re
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from standbyctl import steps
from standbyctl.domain.errors import CannotTellError, UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.slots import SlotsOf
from standbyctl.domain.staging import Staging
from standbyctl.engine.journal import Journal


def state_directory(environment: Mapping[str, str]) -> Path:
    """$STANDBYCTL_STATE, else /var/lib/standbyctl as root, else below $XDG_STATE_HOME."""
    if given := environment.get("STANDBYCTL_STATE"):
        return Path(given)
    if os.geteuid() == 0:
        return Path("/var/lib/standbyctl")
    base = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "standbyctl"


def now() -> str:
    """This moment, RFC 3339 with its zone."""
    return datetime.now(UTC).astimezone().isoformat(timespec="milliseconds")


def who() -> str:
    """Who runs this, and where; with sudo, who has become that."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user has no name
        name = str(uid)
    was = os.environ.get("SUDO_USER")
    return f"{f'{was} ({name})' if was else name}@{socket.gethostname()}"


class State:
    """The journals below one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def journal(self, name: str) -> Journal:
        """The journal of a standby."""
        return Journal(self.root / name / "journal.jsonl", steps.ALL, now, who)

    def staging(self, primary: str, system_identifier: str) -> Journal:
        """The journal of what waits for the next restart of a primary, by whatever name it was staged."""
        file = f"stage-{system_identifier}.jsonl"
        mine = self.root / re.sub(r"[^A-Za-z0-9_]", "_", primary) / file
        known = [mine, *sorted(self.root.glob(f"*/{file}"))]
        return Journal(next((path for path in known if path.exists()), mine), steps.ALL, now, who)

    def stagings(self) -> tuple[Journal, ...]:
        """Those of every primary that something was staged for from here, and not taken back."""
        every = (Journal(path, steps.ALL, now, who) for path in sorted(self.root.glob("*/stage-*.jsonl")))
        return tuple(journal for journal in every if journal.asked(Staging) is not None)

    def slot_journal(self, what: str, of: SlotsOf, system_identifier: str) -> Journal:
        """The journal of what was done about the slots of one server: `slots` themselves, or the `cap`, or the `keep`.

        A standby has the system identifier of its primary: each is found by where it is.
        """
        file = f"{what}-{system_identifier}.jsonl"
        for path in sorted(self.root.glob(f"*/{file}")):
            journal = self._journal_at(path)
            if (asked := journal.last(SlotsOf)) and asked.is_of(of):
                return journal
        mine = self.root / re.sub(r"[^A-Za-z0-9_]", "_", of.primary) / file
        return self._journal_at(mine)

    def slot_journals(self) -> tuple[tuple[SlotsOf, str, str], ...]:
        """The servers whose slots something was done about from here: whose, conninfo, system identifier."""
        paths = sorted(path for what in ("slots", "cap", "keep") for path in self.root.glob(f"*/{what}-*.jsonl"))
        runs = (self._journal_at(path).asked(SlotsOf) for path in paths)
        return tuple(run for run in runs if run is not None)

    def role_journal(self, primary: str, system_identifier: str) -> Journal:
        """The journal of changes of roles of one cluster, whoever is its primary."""
        file = f"roles-{system_identifier}.jsonl"
        mine = self.root / re.sub(r"[^A-Za-z0-9_]", "_", primary) / file
        return self._journal_at(next(iter(sorted(self.root.glob(f"*/{file}"))), mine))

    def role_journals(self) -> tuple[Journal, ...]:
        """Those of every cluster whose roles were changed from here."""
        return tuple(self._journal_at(path) for path in sorted(self.root.glob("*/roles-*.jsonl")))

    def former_journal(self, name: str, system_identifier: str) -> Journal:
        """What is known of a primary that was lost, until it is a standby or is given up."""
        return self._journal_at(self.root / name / f"former-{system_identifier}.jsonl")

    def formers(self) -> tuple[Journal, ...]:
        """Those of every primary that was lost."""
        return tuple(self._journal_at(path) for path in sorted(self.root.glob("*/former-*.jsonl")))

    def ready_journal(self, name: str, system_identifier: str) -> Journal:
        """What was made for a node that is to follow another primary than it does, or none yet."""
        return self._journal_at(self.root / name / f"ready-{system_identifier}.jsonl")

    def ready_journals(self, of: Journal) -> tuple[Journal, ...]:
        """The same of every node of the cluster that this journal of changes of roles is of."""
        file = of.path.name.replace("roles-", "ready-", 1)
        return tuple(self._journal_at(path) for path in sorted(self.root.glob(f"*/{file}")))

    def _journal_at(self, path: Path) -> Journal:
        return Journal(path, steps.ALL, now, who)

    def names(self) -> tuple[str, ...]:
        """The standbys that are attached, or on their way, from here."""
        if not self.root.is_dir():
            return ()
        found = sorted(path.parent.name for path in self.root.glob("*/journal.jsonl"))
        return tuple(name for name in found if self._attached(name))

    def attached_to(self, system_identifier: str) -> tuple[str, ...]:
        """Those of one cluster, by the names under which they stream."""
        runs = (self.journal(name).run() for name in self.names())
        return tuple(run[0].name for run in runs if run and run[2] == system_identifier)

    def _attached(self, name: str) -> bool:
        """A journal that cannot be read is an error of its own standby's verbs, and not of every other's."""
        try:
            return self.journal(name).run() is not None
        except CannotTellError:
            return False

    def at(self, data_directory: str, standby_ssh: str = "") -> str | None:
        """The name of the standby whose data directory this is, on a host reached in that way."""
        for name in self.names():
            run = self.journal(name).run()
            if run and (run[0].data_directory, run[0].standby_ssh) == (data_directory, standby_ssh):
                return name
        return None

    def check_writable(self) -> None:
        """Nothing is begun that cannot be remembered."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = self.root / ".writable"
            probe.touch()
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(
                "C102",
                msg("cannot keep a journal in {path}", path=self.root),
                detail=msg("{e}", e=error),
                hint=msg("Point $STANDBYCTL_STATE to a directory that this user may write."),
            ) from error
