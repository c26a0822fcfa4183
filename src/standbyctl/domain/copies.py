"""What can be done to a copy of a cluster: made, sealed, put in place; or discarded, set aside, deleted."""

from __future__ import annotations

import shlex

from standbyctl.domain.deed import Deed, literally
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import within_destination
from standbyctl.domain.record import dataclass
from standbyctl.domain.volumes import WAL_LINK, Linked, Volume


@dataclass(frozen=True, slots=True)
class CopyCluster(Deed):
    """Copy a running cluster with pg_basebackup into a new draft directory, which must not exist yet.

    `slot`: empty for none. With `wal_method` fetch the WAL comes last, by the same walsender, and uses no slot.
    `keeper`: the node whose slot keeps WAL meanwhile, where that is not the source; the copy then has a temporary slot
    of its own at the source, or none. `lent_entry`: what an entry of `passfile` that begins with `entry` begins with in
    the draft's passfile, for a password is found by host and port, and the source's are others.
    `volumes`: where parts of it go that are not to be in the data directory.
    """

    node: str
    source: str
    draft: str
    bin_directory: str
    conninfo: str
    slot: str
    name: str
    checkpoint: str
    max_rate: str
    wal_method: str = "stream"
    keeper: str = ""
    temporary_slot: bool = False
    passfile: str = ""
    entry: str = ""
    lent_entry: str = ""
    volumes: tuple[Volume, ...] = ()

    def argv(self, *, drafts: bool = True) -> tuple[str, ...]:
        """The command that makes the copy; the password is in the passfile that the conninfo names.

        `drafts`: parts that are to be elsewhere are built beside where they go.
        """
        rate = ("--max-rate", self.max_rate) if self.max_rate else ()
        slot: tuple[str, ...] = ()
        if self.wal_method == "stream":
            # Streaming takes a temporary slot unless told otherwise, and there may be none to take.
            slot = ("--slot", self.slot) if self.slot else ("--no-slot",)
        if self.wal_method == "stream" and self.keeper:
            slot = () if self.temporary_slot else ("--no-slot",)
        return (
            f"{self.bin_directory}/pg_basebackup",
            "--dbname",
            self.conninfo,
            "--pgdata",
            f"{self.draft}/data",
            "--wal-method",
            self.wal_method,
            *slot,
            "--checkpoint",
            self.checkpoint,
            *rate,
            *(word for volume in self.volumes for word in self._elsewhere(volume, drafts=drafts)),
            "--label",
            f"standbyctl {self.name}",
            "--no-password",
        )

    def _elsewhere(self, volume: Volume, *, drafts: bool) -> tuple[str, str]:
        path = volume.within(self.draft) if drafts else volume.path
        if volume.link == WAL_LINK:
            return "--waldir", path
        return "--tablespace-mapping", "=".join(each.replace("=", "\\=") for each in (volume.source, path))

    @property
    def said(self) -> Message:
        lent = f"{self.draft}/pgpass (0600): {self.lent_entry}********\n" if self.lent_entry else ""
        return literally(lent + shlex.join(self.argv()))


@dataclass(frozen=True, slots=True)
class TryCopy(Deed):
    """Copy a little of a running cluster to a file beside the data directory, measure that, and remove the file."""

    node: str
    source: str
    data_directory: str
    most_bytes: int
    most_seconds: float

    @property
    def said(self) -> Message:
        return msg(
            "copy up to {n} bytes of {source} beside {path}, and remove them",
            n=self.most_bytes,
            source=self.source,
            path=self.data_directory,
        )


@dataclass(frozen=True, slots=True)
class SealDraft(Deed):
    """Give a finished draft its standby.signal, make it durable, and mark it whole."""

    node: str
    draft: str

    @property
    def said(self) -> Message:
        return msg("{path}; fsync; mark whole", path=f"{self.draft}/data/standby.signal")


@dataclass(frozen=True, slots=True)
class CheckManifest(Deed):
    """Compare a sealed draft with its manifest. One that does not pass is sealed no more; one that does is marked."""

    node: str
    draft: str
    bin_directory: str

    @property
    def said(self) -> Message:
        return literally(shlex.join([f"{self.bin_directory}/pg_verifybackup", f"{self.draft}/data"]))


@dataclass(frozen=True, slots=True)
class PutInPlace(Deed):
    """Rename a whole draft to its destination, which must be absent or an empty directory.

    A draft within its destination, a mount point, has its files moved up into it: global, without which nothing is a
    cluster, last.
    """

    node: str
    draft: str
    destination: str

    @property
    def said(self) -> Message:
        if within_destination(self.draft, self.destination):
            command = f"mv {shlex.quote(self.draft + '/data')}/* {shlex.quote(self.destination)}"
            return msg("{command}, global last", command=command)
        return literally(f"mv {shlex.quote(self.draft + '/data')} {shlex.quote(self.destination)}")


@dataclass(frozen=True, slots=True)
class DiscardDraft(Deed):
    """Remove a draft of ours whose writer is gone."""

    node: str
    draft: str

    @property
    def said(self) -> Message:
        return literally(f"rm -r {shlex.quote(self.draft)}")


@dataclass(frozen=True, slots=True)
class SetAside(Deed):
    """Rename a data directory of a stopped standby; the old place becomes empty again, or absent.

    `identity` is its device and inode as it was looked at. An `aside` within it: it is a mount point, and its files are
    moved there, global first.
    """

    node: str
    data_directory: str
    aside: str
    bin_directory: str
    system_identifier: str
    identity: str
    leave_empty: bool

    @property
    def said(self) -> Message:
        if within_destination(self.aside, self.data_directory):
            command = f"mv {shlex.quote(self.data_directory)}/* {shlex.quote(self.aside)}"
            return msg("{command}, global first", command=command)
        return literally(f"mv {shlex.quote(self.data_directory)} {shlex.quote(self.aside)}")


@dataclass(frozen=True, slots=True)
class DeleteAside(Deed):
    """Delete a data directory that was set aside: a stopped standby of that system, nothing else.

    `linked`: what of it is elsewhere, and goes with it.
    """

    node: str
    aside: str
    bin_directory: str
    system_identifier: str
    identity: str
    linked: tuple[Linked, ...] = ()

    @property
    def said(self) -> Message:
        theirs = (shlex.quote(each.path) + ("/*" if each.link == WAL_LINK else "/PG_*") for each in self.linked)
        return literally(" ".join(["rm -r", shlex.quote(self.aside), *theirs]))


def ended(status: int) -> Message:
    """How a command ended that a shell was to run, where it has not done its work.

    >>> str(ended(127)), str(ended(139)), str(ended(-9)), str(ended(2))
    ('is not there', 'died by signal 11', 'died by signal 9', 'ended with exit status 2')
    """
    known = {126: msg("cannot be executed"), 127: msg("is not there")}
    signal = -status if status < 0 else status - 128
    return known.get(status) or (
        msg("died by signal {n}", n=signal) if signal > 0 else msg("ended with exit status {n}", n=status)
    )
