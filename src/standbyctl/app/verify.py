"""Prove that a standby is a true, current copy: look at both ends, mark a commit, watch the replay."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from standbyctl.app import trial
from standbyctl.app.pair import Pair
from standbyctl.app.session import Wrap, silent
from standbyctl.diagnosis.copies import mistaken
from standbyctl.diagnosis.lag import LsnClock
from standbyctl.diagnosis.sight import Ends, Mark, Sight, Trial
from standbyctl.diagnosis.verify import Report, diagnose
from standbyctl.domain.effects import Sql
from standbyctl.domain.errors import CannotTellError, StandbyctlError, StoppedError
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, field
from standbyctl.domain.replication import MINIMUM_PARAMETERS, IndexesView, LagView, PassfileView, ServerView, Upstream
from standbyctl.engine.run import Do
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.local import LocalHost
from standbyctl.nodes.perform import perform
from standbyctl.nodes.ports import Clock, Door, Host, Reached
from standbyctl.nodes.world import World
from standbyctl.observe import verify as observe
from standbyctl.observe.indexes import check_indexes
from standbyctl.steps.sql import sql

T = TypeVar("T")
MARK_SECONDS = 10.0
SAMPLE_SECONDS = 0.1
_HIDDEN = msg("primary_conninfo is not shown to a role without pg_monitor")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be verified beyond what reading shows."""

    mark: bool = True
    test_table: bool = False
    deep: bool = False
    max_lag_seconds: float = 1.0
    for_seconds: float = 5.0
    deep_seconds: float = 60.0

    @property
    def asked(self) -> frozenset[str]:
        """By the names that the diagnosis has for them."""
        flags = {"mark": self.mark, "trial": self.test_table, "deep": self.deep}
        return frozenset(name for name, flag in flags.items() if flag)


def verify(pair: Pair, wanted: Wanted, wrap: Wrap) -> Report:
    """Look, mark, watch, and say what it comes to. Raises where nothing may be done, or something is left behind."""
    try:
        return diagnose(_Verification(pair, wanted, wrap).sight())
    finally:
        pair.primary.close()
        pair.standby.close()
        if pair.head is not None:
            pair.head.close()
        pair.hosts.close()


@dataclass(slots=True)
class _Verification:
    """One verification on its way: it reads, and writes a mark or a test database where that was asked for.

    What cannot be found out is left None, with the reason in `why`.
    """

    pair: Pair
    wanted: Wanted
    wrap: Wrap
    why: dict[str, Message] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)

    def sight(self) -> Sight:
        """Everything, in the order in which one thing needs another."""
        primary = self._try("primary", lambda: self._view(self.pair.primary))
        standby = self._try("standby", lambda: self._view(self.pair.standby))
        above = self.pair.head
        head = self._try("head", lambda: self._view(above)) if above else None
        writer = head if above else primary
        if writer is not None and self.wanted.test_table:
            trial.refuse_foreign(self.pair.ends.writer, writer)
        upstream = self._upstream(standby)
        ends = self._ends(primary, standby, upstream)
        both = writer is not None and standby is not None
        wrong = primary is not None and standby is not None and mistaken(primary, standby)
        writable = writer is not None and standby is not None and self._may_write(writer, standby)
        return Sight(
            ends=ends,
            primary=primary,
            standby=standby,
            upstream=upstream,
            passfile=self._passfile(standby, upstream),
            primary_collations=self._try("primary_collations", lambda: observe.collations(self.pair.primary))
            if primary
            else None,
            collations=self._try("collations", lambda: observe.collations(self.pair.standby)) if standby else None,
            pending=self._pending(self.pair.standby, standby),
            primary_pending=self._pending(self.pair.primary, primary),
            mark=self._try("mark", self._mark) if writable and self.wanted.mark else None,
            lag=self._try("lag", self._watch) if both and not wrong else None,
            trial=self._try("trial", lambda: self._trial(writer))
            if writable and writer and self.wanted.test_table
            else None,
            indexes=self._try("indexes", lambda: self._indexes(standby))
            if standby and not wrong and self.wanted.deep
            else None,
            max_lag_seconds=self.wanted.max_lag_seconds,
            asked=self.wanted.asked,
            leftovers=trial.leftovers(writer),
            head=head,
            why=self.why,
        )

    def _try(self, name: str, look: Callable[[], T]) -> T | None:
        try:
            return look()
        except CannotTellError as error:
            self.why[name] = _words(error)
            return None

    def _may_write(self, primary: ServerView, standby: ServerView) -> bool:
        """Nothing is written on a server that is not the primary of that standby."""
        then = self.pair.ends.system_identifier or primary.system_identifier
        same = then == primary.system_identifier == standby.system_identifier
        # Beside a second primary every commit more is one more to lose.
        if same and standby.in_recovery and not primary.in_recovery:
            return True
        ends = self.pair.ends
        why = msg("nothing was written on {p}: it is not the primary of {s}", p=ends.writer, s=ends.standby)
        self.why |= {"mark": why, "trial": why}
        return False

    def _ends(self, primary: ServerView | None, standby: ServerView | None, upstream: Upstream | None) -> Ends:
        ends = self.pair.ends
        if not self.pair.by_hand:
            return ends
        if standby is None:
            self.why["slot"] = msg("which slot {s} uses is not known", s=ends.standby)
            return ends
        # walreceiver.c: cluster_name where primary_conninfo names no application, and this where there is none either.
        own = (upstream.application_name or standby.cluster_name or "walreceiver") if upstream else None
        port = int(self.pair.primary.port()) if primary else 0
        return Ends(ends.primary, ends.standby, own, standby.primary_slot_name, primary_port=port)

    def _upstream(self, standby: ServerView | None) -> Upstream | None:
        if standby is None:
            return None
        if standby.primary_conninfo is None:
            self.why["upstream"] = _HIDDEN
            return None
        return observe.upstream(standby.primary_conninfo)

    def _passfile(self, standby: ServerView | None, upstream: Upstream | None) -> PassfileView | None:
        if standby is None or upstream is None or not upstream.passfile:
            return None
        user = self.pair.os_user
        host = self.pair.hosts.standby(user) if user else _host_of(standby.data_directory)
        found = self._try("passfile", lambda: observe.passfile(host, standby, upstream.passfile)) if host else None
        if found is None:
            self.why.setdefault(
                "passfile",
                msg(
                    "{path} was not looked at: {s} is on another host, or belongs to another user than this one",
                    path=upstream.passfile,
                    s=self.pair.ends.standby,
                ),
            )
        return found

    def _view(self, server: Reached) -> ServerView:
        view = observe.view(server)
        try:
            observe.read_files(server)
        except CannotTellError as error:
            self.why["files"] = _words(error)
            return view
        return observe.view(server)

    def _pending(self, server: Reached, view: ServerView | None) -> dict[str, str]:
        """What waits for a restart, as far as we may see it; out of the file, it is what it was built with."""
        if view is None:
            return {}
        waiting = {each.name: each.boot for each in view.parameters if each.pending and each.name in MINIMUM_PARAMETERS}
        if not waiting:
            return {}
        files = self._try("files", lambda: observe.pending_values(server, tuple(waiting)))
        if files is None:
            return {}
        return {name: files.get(name, boot or "") for name, boot in waiting.items()}

    @property
    def _writer(self) -> Reached:
        return self.pair.head or self.pair.primary

    def _do(self) -> Do:
        host = LocalHost(pwd.getpwuid(os.geteuid()).pw_name)
        doors = {server.name: Door(host, server) for server in (self._writer, self.pair.standby)}
        world = World(doors, self.clock, silent)
        return self.wrap(lambda effect: perform(effect, world))

    def _mark(self) -> Mark | None:
        """A transactional message: no table, no row, one commit record; wal_level replica will do (all versions)."""
        primary, standby = self._writer, self.pair.standby
        since = observe.now(primary)
        text = sql("SELECT pg_logical_emit_message(true, 'standbyctl', {note})", note=f"verify {since}")
        try:
            self._do()(Sql(primary.name, text))
        except StoppedError as error:
            self.why["mark"] = _words(error)
            return None
        lsn = observe.flushed_lsn(primary)
        began = self.clock.monotonic()
        while not observe.has_replayed(standby, lsn, since):
            if self.clock.monotonic() - began > MARK_SECONDS:
                return Mark(lsn, MARK_SECONDS, None)
            self.clock.sleep(0.002)
        took = self.clock.monotonic() - began
        return Mark(lsn, took, took * 1000)

    def _watch(self) -> LagView | None:
        """One clock, ours: when the primary was where, and when the standby got there."""
        meter, began = LsnClock(), self.clock.monotonic()
        first, worst, paused, at_least = -1, 0.0, False, False
        while True:
            at = self.clock.monotonic()
            written = observe.written_lsn(self._writer)
            meter.written(at, written)
            first = written if first < 0 else first
            sample = observe.replayed(self.pair.standby)
            if sample.lsn is None:
                self.why["lag"] = msg("{s} has replayed nothing", s=self.pair.ends.standby)
                return None
            now = self.clock.monotonic()
            lag = meter.lag(now, sample.lsn)
            assert lag is not None  # something was written above
            if lag.seconds >= worst:
                worst, at_least = lag.seconds, lag.at_least
            paused = paused or sample.state not in {None, "not paused"}
            if now - began >= self.wanted.for_seconds:
                return LagView(
                    now - began, worst, at_least, lag.behind_bytes, written - first, paused, cut=not sample.received
                )
            self.clock.sleep(SAMPLE_SECONDS)

    def _trial(self, primary: ServerView) -> Trial | None:
        if not primary.may_create_databases:
            self.why["trial"] = msg("the role that we connect with may not create a database")
            return None
        try:
            return trial.run(self._writer, self.pair.standby, self._do(), self.clock)
        except StoppedError as error:
            if error.code == trial.LEFT_BEHIND:
                raise
            self.why["trial"] = _words(error)
            return None

    def _indexes(self, standby: ServerView) -> IndexesView:
        names = [each.name for each in standby.databases if each.connectable]
        server = self.pair.standby
        return check_indexes(
            names, lambda name: server.at(server.name, dbname=name), self.clock, self.wanted.deep_seconds
        )


def _words(error: StandbyctlError) -> Message:
    return msg("{what}: {detail}", what=error.what, detail=error.detail) if error.detail else error.what


def _host_of(data_directory: str | None) -> Host | None:
    """This host, as the user of the server there; None where there is no such directory here."""
    if data_directory is None:
        return None
    if os.geteuid() != 0:
        return LocalHost(pwd.getpwuid(os.geteuid()).pw_name)
    try:
        owner = pwd.getpwuid(Path(data_directory).stat().st_uid).pw_name
    except (OSError, KeyError):
        return None
    return LocalHost(owner)
