"""Phases of an attach, and faults that strike in them."""

import signal
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from tests.hosts.operator import sql, wait

# The effect that a phase begins with; or, in the middle of an effect, what pg_basebackup is at.
EFFECTS = {
    "settings": "EnsureHbaLine",
    "slot": "Sql:pg_create_physical_replication_slot",
    "start": "StartServer",
    "proof": "Prove",
}
COPYING = {
    "checkpoint": "phase LIKE 'waiting for checkpoint%'",
    "copy": "backup_streamed > 10000000",
}
PHASES = ("settings", "slot", "checkpoint", "copy", "start", "proof")


@contextmanager
def struck(phase, operator, primary, *args):
    """An attach that has come to a phase, and goes on when the fault has begun: yields its process."""
    if phase in COPYING:
        slow = ("--checkpoint", "spread") if phase == "checkpoint" else ("--max-rate", "8M")
        process = operator.start(*args, *slow)
        wait(
            lambda: sql(primary, f"SELECT 1 FROM pg_stat_progress_basebackup WHERE {COPYING[phase]}") or ended(process)
        )
        assert process.poll() is None, process.communicate()[0]
        yield process, lambda: None
        return
    with tempfile.TemporaryDirectory(prefix="sb-pause-") as place:
        env = {"PAUSING_AT": EFFECTS[phase], "PAUSING_IN": place}
        process = operator.start(*args, env=env, module="tests.faults.pausing")
        wait(lambda: Path(place, "here").exists() or ended(process))
        assert process.poll() is None, process.communicate()[0]
        yield process, Path(place, "go").touch


def ended(process):
    return process.poll() is not None


class Faults:
    """What can happen. Each begins, lets the attach go on, and has passed when it returns."""

    def __init__(self, testbed, primary, standby):
        self.testbed, self.primary, self.standby = testbed, primary, standby

    def strike(self, fault, process, go):
        name, _, seconds = fault.partition(" ")
        getattr(self, name)(process, go, float(seconds or 0))

    def cut(self, process, go, seconds):
        """The standby's host hears nobody."""
        self.testbed.cut("db2")
        go()
        time.sleep(seconds)
        self.testbed.heal()

    def standby_loses_power(self, process, go, _):
        self.standby.kill()
        go()
        process.wait(timeout=120)
        self.standby.start()

    def primary_loses_power(self, process, go, seconds):
        self.primary.kill()
        go()
        time.sleep(seconds)
        self.primary.start()

    def operator_killed(self, process, go, _):
        process.send_signal(signal.SIGKILL)

    def disk_full(self, process, go, _):
        """Not one byte is left for the standby."""
        fill = "/var/lib/postgresql/fill"
        self.standby.exec(f"dd if=/dev/zero of={fill} bs=64k 2>/dev/null; [ -s {fill} ]")
        go()
        try:
            process.wait(timeout=700)
        finally:
            self.standby.exec(f"rm {fill}")

    def primary_restarted(self, process, go, _):
        self.primary.exec(f"systemctl restart {self.primary.unit}")
        go()

    def primary_frozen(self, process, go, seconds):
        """It has the connections, and does nothing."""
        self.primary.exec(f"systemctl freeze {self.primary.unit}")
        go()
        time.sleep(seconds)
        self.primary.exec(f"systemctl thaw {self.primary.unit}")
