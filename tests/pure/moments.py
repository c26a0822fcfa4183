"""Samples of servers at one moment, as plain as can be."""

from dataclasses import replace

from standbyctl.domain.message import msg
from standbyctl.domain.samples import NodeSample, ReceiverSample, SenderSample, Silence, SlotSample, Slower
from standbyctl.monitor.track import Track

SYSTEM = "7712664742388449386"


def primary(name="db1", lsn=1000, at=100.0, **more):
    known = {"timeline": 1, "started_at": f"start of {name}", "system_identifier": SYSTEM} | more
    return NodeSample(
        name=name, at=at, clock=5000.0 + at, version_num=150020, in_recovery=False, lsn=lsn, **known
    )  # fmt: skip


def standby(name="db2", replay=1000, at=100.0, **more):
    known = {
        "timeline": 1,
        "started_at": f"start of {name}",
        "system_identifier": SYSTEM,
        "receive_lsn": replay,
        "paused": False,
        "receiver": ReceiverSample("streaming", name, "db1", 5432, name),
    } | more
    return NodeSample(
        name=name, at=at, clock=5000.0 + at, version_num=150020, in_recovery=True, replay_lsn=replay, **known
    )  # fmt: skip


def sender(name="db2", replay=1000, state="streaming", slot=None):
    return SenderSample(name, state, "10.0.1.12", slot or name, "async", replay, replay, replay, replay)


def slot(name="db2", active=True, held=0, **more):
    return SlotSample(name, "physical", active, **{"wal_status": "reserved", "retained_bytes": held} | more)


def slower(**more):
    return Slower(**{"wal_bytes": 1 << 30, "wal_ahead_bytes": 0, "archiver_failing": False} | more)


def silent(name="db2", at=100.0, **how):
    return Silence(name, at, "A201", msg("cannot connect to {node}", node=name), msg("connection refused"), **how)


def drawn(*rounds, expected=(), head="db1", at=None, system=SYSTEM):
    """The picture after these rounds, each a list of answers."""
    track = Track(system, head, expected)
    for answers in rounds:
        track.take(answers)
    return track.picture(max(each.at for each in rounds[-1]) if at is None else at)


def later(sample, seconds, **more):
    return replace(sample, at=sample.at + seconds, clock=sample.clock + seconds, **more)
