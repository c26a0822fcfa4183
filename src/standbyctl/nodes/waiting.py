"""Wait for what a server has to say, and tell meanwhile why it may not."""

from __future__ import annotations

from collections.abc import Callable

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import CannotTellError, StoppedError
from standbyctl.domain.message import Message, msg
from standbyctl.domain.progress import Note
from standbyctl.domain.record import dataclass
from standbyctl.nodes.world import World, script_text

SPEAK_SECONDS = 10
_FAILURES = ("ERROR:", "FATAL:", "PANIC:")


def wait(world: World, done: Callable[[], bool], seconds: float, pause: float, late: Callable[[], Exception]) -> None:
    """Ask until done; a server that cannot be asked for a moment is asked again."""
    deadline = world.clock.monotonic() + seconds
    while True:
        try:
            if done():
                return
        except CannotTellError:
            if world.clock.monotonic() > deadline:
                raise
        if world.clock.monotonic() > deadline:
            raise late()
        world.clock.sleep(pause)


def wait_until(effect: fx.WaitUntil, world: World) -> None:
    """Ask until the answer is yes; a server that was started for it, and has ended, is not waited for."""

    def late() -> StoppedError:
        tail = _look_at_log(effect, world)[1] if effect.log_path else []
        return StoppedError(
            "A204",
            msg("still waiting after {n} s: {what}", n=effect.timeout_seconds, what=effect.question),
            detail=msg("The end of {path}:", path=effect.log_path).followed_by(tail) if effect.log_path else None,
            hint=msg("Mend the cause, then run the same command again."),
        )

    wait(world, _Asking(effect, world, world.clock.monotonic()).answered, effect.timeout_seconds, 0.05, late)


@dataclass(slots=True)
class _Asking:
    """A question that is asked again and again. `said`: when we last spoke; `dead`: how often in a row it had ended."""

    effect: fx.WaitUntil
    world: World
    began: float
    said: float = 0.0
    dead: int = 0

    def answered(self) -> bool:
        now = self.world.clock.monotonic()
        if now - max(self.said, self.began) >= SPEAK_SECONDS:
            self.said = now
            self._speak(int(now - self.began))
        return self.world.doors[self.effect.node].server.observe(f"SELECT {self.effect.question}") == [(True,)]

    def _speak(self, seconds: int) -> None:
        effect, why = self.effect, msg("")
        if effect.data_directory:
            alive, tail = _look_at_log(effect, self.world)
            self.dead = 0 if alive else self.dead + 1
            # Whatever runs it may be starting it again.
            if self.dead > 1:
                raise StoppedError(
                    "A204",
                    msg("the server of {node} has ended again", node=effect.log_node),
                    detail=msg("The end of {path}:", path=effect.log_path).followed_by(tail),
                    hint=msg("Mend the cause, then run the same command again."),
                )
            why = _why(effect.log_node, tail)
        self.world.tell(Note(msg("waiting for {n} s until {what}{why}", n=seconds, what=effect.question, why=why)))


def _look_at_log(effect: fx.WaitUntil, world: World) -> tuple[bool, list[str]]:
    """Whether the server runs that was started, and the last lines of its log."""
    text = script_text("alive.sh") + script_text("tail.sh")
    done = world.doors[effect.log_node].host.script(text, effect.data_directory, effect.log_path)
    state, *tail = done.stdout.decode(errors="replace").splitlines() or [""]
    return state != "ended", tail


def _why(node: str, tail: list[str]) -> Message:
    failures = [line for line in tail if any(word in line for word in _FAILURES)]
    return msg("; the log of {node}: {line}", node=node, line=failures[-1]) if failures else msg("")
