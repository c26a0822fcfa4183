"""Why a copy cannot be taken from a standby that was named for it."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts, Server
from standbyctl.domain.hba import find_place, hba_line
from standbyctl.domain.message import Message, listed, msg
from standbyctl.domain.record import dataclass
from standbyctl.domain.sample import Sample
from standbyctl.domain.source import SourceSeen
from standbyctl.domain.target import Target
from standbyctl.domain.version import major, version_text
from standbyctl.planner.blockers.capacity import SENDERS_FOR_A_COPY
from standbyctl.planner.blockers.primary import source_words
from standbyctl.planner.plan import has
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup


def source_blockers(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """All that is known of the source before a copy is begun."""
    if target.copy_from and sample.source is not None and has(steps, CopyByBasebackup):
        looked = _Looked(facts.server(target.primary), sample, target, sample.source)
        yield from looked.identity() or looked.everything()


@dataclass(frozen=True, slots=True)
class _Looked:
    primary: Server
    sample: Sample
    target: Target
    seen: SourceSeen

    @property
    def _node(self) -> str:
        return self.target.copy_from

    def _blocker(self, what: Message, detail: Message, hint: Message, *, refused: bool = False) -> Blocker:
        return Blocker("P137", what, detail, hint, refused=refused)

    def identity(self) -> list[Blocker]:
        """It is no standby of this primary: then nothing else about it matters."""
        server, leave_out = self.seen.server, msg("Leave --copy-from out: then {p} is copied.", p=self.target.primary)
        if server.system_identifier != self.primary.system_identifier:
            return [
                self._blocker(
                    msg("{node} is not a standby of {primary}", node=self._node, primary=self.target.primary),
                    msg(
                        "System identifier of {node}: {is_}, of {primary}: {wanted}.",
                        node=self._node,
                        is_=server.system_identifier,
                        primary=self.target.primary,
                        wanted=self.primary.system_identifier,
                    ),
                    msg("Give a standby of {primary} with --copy-from.", primary=self.target.primary),
                    refused=True,
                )
            ]
        if not server.in_recovery and server.started_at == self.primary.started_at:
            return [
                self._blocker(
                    msg("{node} is the primary itself", node=self._node),
                    msg("--copy-from names a standby that is copied so as to spare the primary."),
                    leave_out,
                )
            ]
        if not server.in_recovery:
            return [
                self._blocker(
                    msg("{node} is not in recovery: it is a primary by now", node=self._node),
                    msg("It has the system identifier of {primary}, and was promoted.", primary=self.target.primary),
                    leave_out,
                )
            ]
        if server.timeline != self.primary.timeline:
            return [
                self._blocker(
                    msg("{node} is on another timeline than {primary}", node=self._node, primary=self.target.primary),
                    msg(
                        "Timeline of {node}: {is_}, of {primary}: {wanted}. A copy of it could not follow {primary}.",
                        node=self._node,
                        is_=server.timeline,
                        primary=self.target.primary,
                        wanted=self.primary.timeline,
                    ),
                    leave_out,
                )
            ]
        if major(server.version_num) != major(self.primary.version_num):
            return [other_major(self._node, server.version_num, major(self.primary.version_num))]
        return []

    def everything(self) -> Iterator[Blocker]:
        """What is in the way of a copy of it."""
        yield from self._streams()
        yield from self._senders()
        yield from self._full_pages()
        yield from self._admits()
        yield from self._contents()

    def _streams(self) -> Iterator[Blocker]:
        if not self.seen.sender:
            yield self._blocker(
                msg("{node} does not stream", node=self._node),
                msg("It receives no WAL now (pg_stat_wal_receiver), so it does not get what its copy must have."),
                msg("Mend its replication first, or leave --copy-from out: then {p} is copied.", p=self.target.primary),
            )

    def _senders(self) -> Iterator[Blocker]:
        needs, free = SENDERS_FOR_A_COPY[self.target.wal_method], self.seen.free_senders
        if free < needs:
            yield self._blocker(
                msg("not enough free walsenders on {node}", node=self._node),
                msg(
                    "The copy needs {needs}; {used} of {total} are in use (max_wal_senders = {total}, read at server"
                    " start only).",
                    needs=needs,
                    used=self.seen.senders_in_use,
                    total=self.seen.server.setting("max_wal_senders").value,
                ),
                msg("Use --wal-method fetch: it needs the one that is free. Or leave --copy-from out.")
                if free == SENDERS_FOR_A_COPY["fetch"]
                else msg("End a backup there that is not needed, or leave --copy-from out."),
            )

    def _full_pages(self) -> Iterator[Blocker]:
        setting = self.sample.survey.setting("full_page_writes")
        if setting is not None and setting.value == "off":
            yield self._blocker(
                msg("full_page_writes is off on {primary}", primary=self.target.primary),
                msg(
                    "A page that changes while a standby is copied can only be mended from a full page in the WAL, so"
                    " PostgreSQL refuses such a copy (all versions)."
                ),
                msg(
                    "Set full_page_writes = on (a reload) and run CHECKPOINT on {primary}, or leave --copy-from out.",
                    primary=self.target.primary,
                ),
            )

    def _admits(self) -> Iterator[Blocker]:
        hba, target = self.seen.server.hba, self.target
        address = self.seen.address or target.copy_host
        found = find_place(hba.rules, hba.path, target.role, address, tls=target.tls)
        if (found.admits or found.doubtful) and hba.loaded:
            return
        what = msg("{node} does not let {role} in for the copy", node=self._node, role=target.role)
        if found.admits or found.doubtful:
            yield self._blocker(
                what,
                msg("{path} was changed there, and not reloaded since.", path=hba.path),
                msg("Reload it on {node}: SELECT pg_reload_conf()", node=self._node),
            )
            return
        above = found.refuses.line if found.refuses else found.before_line
        yield self._blocker(
            what,
            msg("No rule of {path} admits it from {address}.", path=hba.path, address=address)
            if above is None
            else msg("Line {n} of {path} keeps it out.", n=above, path=hba.path),
            msg(
                "Put this line into {path} on {node}{above}, and reload it there. It is needed while the copy runs;"
                " standbyctl does not edit that file:\n{line}",
                path=hba.path,
                node=self._node,
                above="" if above is None else msg(", above line {n}", n=above),
                line=hba_line(target.role, address, f"copy for {target.name}", target.auth_method, tls=target.tls),
            ),
        )

    def _contents(self) -> Iterator[Blocker]:
        """What a copy of it would not contain, could not read, or would contain itself."""
        server, node, home = self.seen.server, self._node, self.seen.server.setting("data_directory").value
        if outside := [path for path in server.config_sources if not path.startswith(f"{home}/")]:
            yield self._blocker(
                msg("{node} has configuration outside its data directory: not yet", node=node),
                msg("It reads {files}; a base backup does not contain that.", files=listed(map(source_words, outside))),
                msg("Give another standby with --copy-from, or leave it out."),
            )
        if self.seen.unreadable:
            yield self._blocker(
                msg("the server's user cannot read everything in the data directory of {node}", node=node),
                msg(
                    "One file that cannot be read ends the whole copy: {paths}.", paths=", ".join(self.seen.unreadable)
                ),
                msg("Move it out of the data directory, or let the server's user read it."),
            )
        if self.seen.real and f"{self.target.data_directory}/".startswith(f"{self.seen.real}/"):
            yield self._blocker(
                msg("{path} is in the data directory of {node} itself", path=self.target.data_directory, node=node),
                msg("It would be copied into itself."),
                msg("Give a directory of its own for the standby with -D."),
                refused=True,
            )


def other_major(node: str, found: int, wanted: int) -> Blocker:
    """A server of another major version, of which nothing else is asked."""
    return Blocker(
        "P137",
        msg("{node} runs PostgreSQL {v}", node=node, v=version_text(found)),
        msg("A copy of it cannot follow a primary that runs {v}: the major version must be the same.", v=wanted),
        msg("Give a standby of the primary with --copy-from, or leave it out."),
    )
