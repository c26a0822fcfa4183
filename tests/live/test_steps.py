"""Every step of an attach on one machine, on a real server."""

import pytest

from standbyctl import steps
from tests.conforming import Stage, conform

pytestmark = [pytest.mark.live, pytest.mark.sample]
# What is done only when asked for.
ASKED = {"wal_keep_size": "256MB", "synchronous_commit": "off"}
# Tested where a copy was killed (tests/faults), where a person is needed (test_ways.py), where the verifier runs
# (test_verify_backup.py), where a copy was restored (test_from_restored.py), where something waits for a restart
# (test_staging.py), where slots are made and dropped by themselves (test_slots.py), and where hosts
# have systemd (tests/hosts: test_tunnel_steps.py, test_replace.py, test_rhel.py).
ELSEWHERE = {
    steps.RemoveDraft,
    steps.SetByHand,
    steps.VerifyCopy,
    steps.SetUpRestored,
    steps.StageSettings,
    steps.SwitchPrimary,  # what changes roles: test_switchover, test_failover and tests/faults/test_roles.py
    steps.StartAsStandby,
    steps.FollowPrimary,
    steps.AwaitCascade,
    steps.LetGoOfSlots,
    steps.FenceOldPrimary,
    steps.PromoteStandby,
    steps.SealPlace,
    steps.KeepWal,
    steps.PointAtPrimary,  # test_resync
    steps.RewindPlace,
    steps.EndRewinding,
    steps.ReadArchive,
    steps.CreateLogicalSlot,
    steps.DropSlot,
    steps.ProvideTunnelKey,
    steps.AdmitTunnel,
    steps.OpenTunnel,
    steps.ReplaceCluster,
    steps.PutClusterBack,
    steps.StartAtBoot,
}


@pytest.fixture
def stage(pair):
    made = Stage(pair.session())
    yield made
    made.session.close()


def test_every_step_conforms(pair, stage, subtests):
    seen = conform(stage, pair.facts, pair.plan(**ASKED).plan.steps, subtests)
    assert set(steps.ALL) - seen == ELSEWHERE
