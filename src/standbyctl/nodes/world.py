"""What an effect can reach, and how a script that fails becomes an error."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from standbyctl.domain.errors import StoppedError
from standbyctl.domain.message import msg
from standbyctl.domain.progress import Tell
from standbyctl.domain.record import dataclass
from standbyctl.nodes.ports import Clock, Completed, Doors


@dataclass(frozen=True, slots=True)
class World:
    """Everything an effect can reach."""

    doors: Doors
    clock: Clock
    tell: Tell

    def run(
        self,
        node: str,
        script: str,
        *args: str,
        data: bytes = b"",
        timeout_seconds: float = 60,
        as_root: bool = False,
        after: tuple[str, ...] = (),
    ) -> Completed:
        """Run a script on a node's host, as the server's user or as root; StoppedError unless it succeeds.

        `after`: others, with functions that it uses.
        """
        door = self.doors[node]
        host = door.root if as_root and door.root is not None else door.host
        text = "".join(map(script_text, (*after, script)))
        done = host.script(text, *args, data=data, timeout_seconds=timeout_seconds)
        if done.status != 0:
            raise StoppedError(
                "A204",
                msg("{script} failed on {node}", script=script.removesuffix(".sh"), node=node),
                detail=msg("{e}", e=done.stderr) if done.stderr else msg("exit status {n}", n=done.status),
                hint=msg("Mend the cause, then run the same command again."),
            )
        return done


@cache
def script_text(name: str) -> str:
    """The text of one of the scripts that effects run."""
    return files("standbyctl.nodes").joinpath("scripts", name).read_text(encoding="utf-8")
