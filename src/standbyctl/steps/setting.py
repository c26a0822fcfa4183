"""Parameters of the primary: by ALTER SYSTEM, or by a person where somebody else manages the files."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, NamedTuple

from standbyctl.domain.effects import AlterSystem, AwaitSettings, Effect, Reload
from standbyctl.domain.facts import Facts, Setting
from standbyctl.domain.message import Message, msg
from standbyctl.domain.parameter import Wanted, setting_of
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.slots import CAP as CAP
from standbyctl.domain.slots import WAL_KEEP as WAL_KEEP
from standbyctl.steps.base import Impact, Step

SIZES = (CAP, WAL_KEEP)
COMMIT = "synchronous_commit"
WAIT_SECONDS = 3600
_FILE = "configuration file"


class Change(NamedTuple):
    """A parameter and the value that is written for it."""

    parameter: str
    value: str


class Alteration(Step):
    """One parameter, by ALTER SYSTEM and a reload; given back by compare and swap."""

    label: ClassVar[Message] = msg("setting")
    impact: ClassVar[Impact] = Impact.RELOAD
    primary: str

    @property
    @abstractmethod
    def change(self) -> Change:
        """What it writes."""

    @property
    def place(self) -> str:
        return self.primary

    def after(self, facts: Facts) -> Facts:
        name, value = self.change
        return _with_setting(facts, self.primary, name, value=setting_of(value), auto_conf=value, source=_FILE)

    def effects(self) -> tuple[Effect, ...]:
        name, value = self.change
        return (AlterSystem(self.primary, name, value, None), Reload(self.primary))

    @property
    def undo_text(self) -> Message:
        return msg("{name}: as it was before (reload)", name=self.change.parameter)

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        name, value = self.change
        was = before.server(self.primary).setting(name).auto_conf
        return (AlterSystem(self.primary, name, was, value), Reload(self.primary))

    def returned(self, facts: Facts, before: Facts) -> Facts:
        name, value = self.change
        now, was = facts.server(self.primary).setting(name), before.server(self.primary).setting(name)
        if was.auto_conf == value:
            return facts  # it stood there already, only not in force
        # Ours stands in the file; or a run died after it was taken out, before the reload: the files are
        # as they were. (Where somebody has since put the same value into another file, that is theirs.)
        ours = now.auto_conf == value
        in_files = (now.auto_conf, now.in_file) == (was.auto_conf, was.in_file)
        half_way = in_files and now.value == setting_of(value) != was.value
        if not ours and not half_way:
            return facts
        return _with_setting(facts, self.primary, name, value=was.value, auto_conf=was.auto_conf, source=was.source)


def _with_setting(facts: Facts, node: str, name: str, *, value: str, auto_conf: str | None, source: str) -> Facts:
    def changed(setting: Setting) -> Setting:
        if setting.name != name:
            return setting
        return replace(setting, value=value, auto_conf=auto_conf, source=source)

    return facts.with_server(node, settings=tuple(map(changed, facts.server(node).settings)))


@dataclass(frozen=True, slots=True)
class SetParameter(Alteration):
    """A parameter that the operator asked for. `previous`: what the server runs with until then."""

    primary: str
    parameter: str
    value: str
    previous: str

    @property
    def change(self) -> Change:
        return Change(self.parameter, self.value)

    @property
    def text(self) -> Message:
        return msg(
            "{name}: {previous} -> {value} (reload)",
            name=self.parameter,
            previous=_bound(f"{self.previous}MB" if self.parameter in SIZES else self.previous),
            value=_bound(self.value),
        )

    @property
    def gist(self) -> Step:
        return replace(self, previous="")


def _bound(value: str) -> str | Message:
    """What stands for no number."""
    return msg("-1 (no limit)") if value in {"-1", "-1MB"} else "0" if value == "0MB" else value


@dataclass(frozen=True, slots=True)
class SetByHand(Step):
    """Say what a person has to set where files are managed elsewhere, and go on once it is in force."""

    primary: str
    wanted: tuple[Wanted, ...]
    label: ClassVar[Message] = msg("setting")
    impact: ClassVar[Impact] = Impact.RELOAD

    @property
    def place(self) -> str:
        return self.primary

    @property
    def text(self) -> Message:
        lines = "; ".join(f"{each.file}: {each}" for each in self.wanted)
        return msg("wait for a person to set, and reload: {lines}", lines=lines)

    @property
    def undo_text(self) -> Message:
        return msg("none: what a person has set, a person takes out")

    @property
    def gist(self) -> Step:
        # The proposal follows the free space, which moves; and what is in force already is not asked for again.
        return replace(self, wanted=())

    def after(self, facts: Facts) -> Facts:
        for each in self.wanted:
            if not each.accepts(facts.server(self.primary).setting(each.parameter).value):
                facts = _in_force(facts, self.primary, each)
        return facts

    def effects(self) -> tuple[Effect, ...]:
        return (AwaitSettings(self.primary, self.wanted, WAIT_SECONDS),)


def _in_force(facts: Facts, node: str, wanted: Wanted) -> Facts:
    server = facts.server(node)
    changed = (
        replace(setting, value=setting_of(wanted.value)) if setting.name == wanted.parameter else setting
        for setting in server.settings
    )
    return facts.with_server(node, settings=tuple(changed))
