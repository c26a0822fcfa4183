"""Which change of roles is meant where somebody says promote: by who takes writes now, and who is there."""

from __future__ import annotations

from collections.abc import Mapping

from standbyctl.app.cluster import Cluster
from standbyctl.app.known import Ran, formers_of, runs_of
from standbyctl.app.state import State
from standbyctl.app.status import status
from standbyctl.domain.errors import CannotTellError, UsageError
from standbyctl.domain.finding import Limits
from standbyctl.domain.message import Message, clauses, msg
from standbyctl.domain.record import dataclass
from standbyctl.nodes.ports import Clock


def advise(name: str, cluster: Cluster, state: State, clock: Clock, limits: Limits) -> Message:
    """The command that makes it the primary, or why none does; UsageError where it is not known here."""
    runs = {each: run for each, run in runs_of(state).items() if run[2] == cluster.system_identifier}
    lost = {change.old: change.new for change, _, system in formers_of(state) if system == cluster.system_identifier}
    try:
        picture = status(cluster, state, clock, limits).picture
    except CannotTellError:
        return Known(runs, lost, cluster.head).advise(name)
    there = frozenset(node.name for node in picture.nodes if node.sample is not None)
    return Known(runs, lost, cluster.head, picture.primaries, there).advise(name)


@dataclass(frozen=True, slots=True)
class Known:
    """`lost`: primaries that were replaced, and by whom; `there`: who answers."""

    runs: Mapping[str, Ran]
    lost: Mapping[str, str]
    head: str
    primaries: tuple[str, ...] = ()
    there: frozenset[str] = frozenset()

    @property
    def direct(self) -> list[str]:
        """Those that can be named: standbys of a primary, not of a standby."""
        return [name for name, run in self.runs.items() if not run[0].head]

    def command(self, name: str) -> str:
        """A planned change while the primary lives, the other one when it is gone."""
        return f"standbyctl {'switchover' if self.primaries else 'failover'} --to {name}"

    def advise(self, name: str) -> Message:
        if name in self.primaries:
            return msg("{name} is a primary already.", name=name)
        if name not in self.runs:
            return self._of_no_standby(name)
        if self.runs[name][0].head:
            upstream = self.runs[name][0].primary
            return msg(
                "{name} is a standby of a standby. Make {upstream} the primary first: {command}",
                name=name,
                upstream=upstream,
                command=self.command(upstream),
            )
        if self.primaries:
            return msg(
                "{old} is alive and takes writes, so no commit need be lost: {command}",
                old=self.primaries[0],
                command=self.command(name),
            )
        if name not in self.there:
            return self._of_one_that_is_down(name)
        return msg(
            "No primary answers from here. If it is gone, and not only out of reach: {command}",
            command=self.command(name),
        )

    def _of_no_standby(self, name: str) -> Message:
        if name in self.lost:
            return msg(
                "{name} was a primary and was replaced by {new}. Make it a standby first: standbyctl resync {name}",
                name=name,
                new=self.lost[name],
            )
        if name == self.head:
            gone = msg("{name} is the primary that is known here, and does not answer. Start it.", name=name)
            if not self.direct:
                return gone
            return msg("{gone} If it is gone for good: {commands}", gone=gone, commands=self._each(self.direct))
        raise UsageError(
            "C110",
            msg("nothing is known here of a standby {name}", name=name),
            detail=msg("Attached from here: {known}.", known=", ".join(self.runs) or msg("none")),
            hint=self._hint(),
        )

    def _of_one_that_is_down(self, name: str) -> Message:
        others = [each for each in self.direct if each in self.there]
        down = msg("Neither a primary nor {name} answers from here.", name=name)
        if not others:
            return msg("{down} Start {name}, then: {command}", down=down, name=name, command=self.command(name))
        return msg("{down} Of those that do answer: {commands}", down=down, commands=self._each(others))

    def _hint(self) -> Message:
        attach = msg("One that was not attached from here: attach it first.")
        if not self.direct:
            return attach
        commands = self._each(self.direct)
        if self.primaries:
            return msg(
                "{old} is alive and takes writes: {commands}. {attach}",
                old=self.primaries[0],
                commands=commands,
                attach=attach,
            )
        return msg("No primary answers from here: {commands}. {attach}", commands=commands, attach=attach)

    def _each(self, names: list[str]) -> Message:
        """The command for each of them."""
        return clauses(map(self.command, names))
