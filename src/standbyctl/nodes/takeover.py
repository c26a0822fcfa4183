"""A failover's deeds. Nothing of them is ever taken back."""

from __future__ import annotations

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import StandbyctlError, StoppedError
from standbyctl.domain.message import msg
from standbyctl.domain.progress import Note
from standbyctl.nodes.handover import PROMOTE, UNTIL
from standbyctl.nodes.hooks import run_hook
from standbyctl.nodes.world import World

# A receiver that has heard something a moment ago has a primary that lives. Who is a primary already is not asked.
_HEARS = """
SELECT pg_is_in_recovery(), (SELECT system_identifier::text FROM pg_control_system()),
       EXISTS (SELECT FROM pg_stat_wal_receiver
                WHERE status = 'streaming' AND last_msg_receipt_time > clock_timestamp() - interval '2 s')
"""
_SPARE_SECONDS = 30


def fence(effect: fx.Fence, world: World) -> None:
    """By the operator's program, or on the host itself; StoppedError where that does not say that it is done."""
    if effect.command:
        run_hook("fence", effect.argv, {"STANDBYCTL_NODE": effect.node}, effect.timeout_seconds)
        return
    world.run(
        effect.node,
        "fence.sh",
        effect.data_directory,
        effect.bin_directory,
        effect.system_identifier,
        timeout_seconds=effect.timeout_seconds,
        after=("alive.sh",),
    )
    if effect.service.as_root:
        world.run(effect.node, "set_unit.sh", effect.service.unit, "disable", as_root=True)


def promote(effect: fx.Promote, world: World) -> None:
    """It replays by itself what it has received before it is a primary (all versions)."""
    clock = world.clock
    begun = clock.monotonic()
    session = world.doors[effect.node].server.session()
    try:
        session.rows("SELECT set_config('statement_timeout', '0', false)")
        [(in_recovery, system, hears)] = session.rows(_HEARS)
        if system != effect.system_identifier:
            raise StoppedError("R406", msg("{node} is another cluster", node=effect.node))
        if not in_recovery:
            return
        if hears:
            raise StoppedError(
                "R442",
                msg("{node} still hears from its primary", node=effect.node),
                detail=msg("Its receiver got something less than 2 s ago: the fence has not kept that one away."),
                hint=msg("See which server it streams from (pg_stat_wal_receiver), and end that; then run this again."),
            )
        primary = UNTIL.format(ms=effect.promote_seconds * 1000, condition="NOT pg_is_in_recovery()")
        statement = PROMOTE.format(proven="SELECT 1", primary=primary)
        try:
            [(_, _, promoted)] = session.rows(statement, timeout_seconds=effect.promote_seconds * 3 + _SPARE_SECONDS)
        except StandbyctlError as error:
            raise _unknown(effect, msg("{e}", e=error.detail or error.what)) from error
        if not promoted:
            raise _unknown(effect, msg("It was asked to {n} s ago.", n=effect.promote_seconds))
        [(lsn,)] = session.rows("SELECT pg_current_wal_lsn()::text")
    finally:
        session.close()
    took = f"{(clock.monotonic() - begun) * 1000:.0f}"
    world.tell(Note(msg("{node} is the primary after {ms} ms, at {lsn}", node=effect.node, ms=took, lsn=lsn)))


def _unknown(effect: fx.Promote, detail: object) -> StoppedError:
    return StoppedError(
        "R410",
        msg("not known whether {node} was promoted", node=effect.node),
        detail=msg("{e}", e=detail),
        hint=msg("Run the same command again: it looks anew."),
    )
