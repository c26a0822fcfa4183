"""Write down what the next restart is to bring."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import AlterSystem, Effect, TryStart
from standbyctl.domain.facts import Facts, Setting
from standbyctl.domain.message import Message, clauses, msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.staging import StagedSetting, Trial
from standbyctl.steps.base import Step


@dataclass(frozen=True, slots=True)
class StageSettings(Step):
    """Put parameters into postgresql.auto.conf that are read at server start only. No reload: nothing is felt."""

    primary: str
    settings: tuple[StagedSetting, ...]
    trial: Trial
    label: ClassVar[Message] = msg("stage")

    @property
    def place(self) -> str:
        return self.primary

    @property
    def text(self) -> Message:
        each = clauses(
            msg("{name}: {a} -> {b}", name=staged.name, a=staged.running or msg("(empty)"), b=staged.value)
            for staged in self.settings
        )
        return msg("{each} (in force after the next restart)", each=each)

    @property
    def undo_text(self) -> Message:
        each = "; ".join(
            f"RESET {staged.name}" if staged.was is None else f"{staged.name} = {staged.was}"
            for staged in reversed(self.settings)
        )
        return msg("postgresql.auto.conf as it was: {each}", each=each)

    @property
    def gist(self) -> Step:
        # Whether the files are at hand, and what runs, is no part of what is written.
        return replace(self, trial=Trial(), settings=tuple(replace(each, running="") for each in self.settings))

    def after(self, facts: Facts) -> Facts:
        values = {staged.name: staged.value for staged in self.settings}

        def written(setting: Setting) -> Setting:
            if (value := values.get(setting.name)) is None:
                return setting
            return replace(setting, auto_conf=value, in_file=value, pending=value != setting.value)

        return facts.with_server(self.primary, settings=tuple(map(written, facts.server(self.primary).settings)))

    def effects(self) -> tuple[Effect, ...]:
        return (
            *(AlterSystem(self.primary, each.name, each.value, each.was, each.was is None) for each in self.settings),
            TryStart(self.primary, self.settings, self.trial),
        )

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        return tuple(AlterSystem(self.primary, each.name, each.was, each.value) for each in reversed(self.settings))

    def returned(self, facts: Facts, before: Facts) -> Facts:
        ours = {each.name: each for each in self.standing(facts)}

        def back(setting: Setting) -> Setting:
            return replace(setting, auto_conf=ours[setting.name].was) if setting.name in ours else setting

        return facts.with_server(self.primary, settings=tuple(map(back, facts.server(self.primary).settings)))

    def standing(self, facts: Facts) -> tuple[StagedSetting, ...]:
        """Those that still are in postgresql.auto.conf as they were put there."""
        now = {setting.name: setting.auto_conf for setting in facts.server(self.primary).settings}
        return tuple(each for each in self.settings if now.get(each.name) == each.value != each.was)
