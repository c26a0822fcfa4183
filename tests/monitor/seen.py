"""Answers of servers, as data."""

from standbyctl.diagnosis.health import diagnose_health
from standbyctl.domain.finding import Limits
from standbyctl.domain.message import msg
from standbyctl.domain.picture import Expected
from standbyctl.domain.samples import NodeSample, ReceiverSample, SenderSample, Silence, SlotSample, Slower
from standbyctl.monitor.changes import changes
from standbyctl.monitor.memory import Memory, Moment
from standbyctl.monitor.track import Track

SYSTEM = "7300000000000000001"
WALL = 1_800_000_000.0


def primary(name="db1", *, at=0.0, lsn=1000, timeline=1, started="2026-01-01", **more):
    more = {"senders": (sender(),), "slots": (slot(),)} | more
    return NodeSample(name, at, WALL + at, SYSTEM, started, 150000, False, timeline, lsn=lsn, **more)


def standby(name="db2", *, at=0.0, replay=1000, timeline=1, started="2026-01-02", streaming=True, **more):
    receiver = ReceiverSample("streaming", name, "127.0.0.1", 5432, name) if streaming else None
    return NodeSample(
        name, at, WALL + at, SYSTEM, started, 150000, True, timeline,
        receive_lsn=replay, replay_lsn=replay, receiver=receiver, paused=False, **more,
    )  # fmt: skip


def sender(name="db2", *, lsn=1000, state="streaming", slot="db2"):
    return SenderSample(name, state, "127.0.0.1", slot, "async", lsn, lsn, lsn, lsn)


def slot(name="db2", *, active=True, status="reserved", retained=0):
    return SlotSample(name, "physical", active, status, retained)


def silence(name, *, at=0.0, **how):
    return Silence(name, at, "A201", msg("cannot connect to {node}", node=name), msg("refused"), None, **how)


def with_settings(sample_slower=None, **settings):
    return Slower(settings=tuple(sorted(settings.items())))


class Story:
    """Rounds, one after the other, as a watch takes them."""

    def __init__(self, limits=None):
        self.track = Track(SYSTEM, "db1", [Expected("db2", "db2", "db1")])
        self.memory, self.limits, self.steady, self.wall = Memory(), limits or Limits(), 0.0, WALL
        self.picture, self.findings = None, ()

    def round(self, *answers, seconds=1.0):
        """What happened, in short: kind, subject, severity, words."""
        self.steady += seconds
        self.wall += seconds
        self.track.take(answers)
        self.picture = self.track.picture(self.steady)
        self.findings = diagnose_health(self.picture, self.limits)
        self.memory, events = changes(self.memory, self.picture, self.findings, Moment(self.wall, self.steady))
        return events

    def healthy(self, lsn=1000):
        return self.round(primary(at=self.steady + 1, lsn=lsn), standby(at=self.steady + 1, replay=lsn))


def told(events):
    return [f"{each.kind} {each.subject} {each.severity or '-'} {each.what}" for each in events]
