"""The steps of a tunnel on real hosts: each conforms, and wherever the tool is killed the same again goes on."""

import signal

import pytest

from standbyctl.planner.attach import steps_left
from standbyctl.steps.base import GiveBack
from tests.conforming import Stage
from tests.hosts.operator import DATA, Operator, tunnel_files, where

pytestmark = pytest.mark.hosts("bookworm")
MADE = ("MakeTunnelKey", "TrustHost", "AdmitTunnelKey", "TryTunnel", "RunTunnel")
GIVEN_BACK = ("RemoveTunnel", "ExpelTunnelKey", "RemoveTunnelKey")


@pytest.fixture(scope="module")
def room(hosts):
    """The cluster that came with the package makes room."""
    hosts[1].exec(f"systemctl stop postgresql@15-main && mv {DATA} {DATA}.packaged")


@pytest.fixture
def operator(testbed, room):
    made = Operator(testbed)
    yield made
    made.end()


@pytest.fixture
def session(operator):
    with operator.session(via="ssh-tunnel") as made:
        yield made


def test_every_step_of_a_tunnel_conforms(session, hosts):
    files, stage = [tunnel_files(host) for host in hosts], Stage(session)
    pristine = session.look()
    steps = steps_left(pristine, session.sample, session.target)[:3]
    assert [type(step).__name__ for step in steps] == ["ProvideTunnelKey", "AdmitTunnel", "OpenTunnel"]
    memory = []
    for step in steps:
        before, effects = session.look(), step.effects()
        assert not step.satisfied(before)
        stage.do(effects)
        assert step.satisfied(session.look())
        for k in range(1, len(effects)):
            stage.do(effects[:k])
        stage.do(effects)
        assert step.satisfied(session.look())
        assert step.after(before) == session.look()
        memory.append(GiveBack(step, before))
    for back in reversed(memory):
        before = session.look()
        assert not back.satisfied(before)
        stage.do(back.effects())
        assert back.after(before) == session.look()
        stage.do(back.effects())
        assert back.satisfied(session.look())
    assert session.look() == pristine
    assert [tunnel_files(host) for host in hosts] == files


def test_killed_in_the_midst_of_any_effect_the_same_again_goes_on_and_detach_takes_all_of_it_back(
    operator, hosts, tmp_path
):
    files = [tunnel_files(host) for host in hosts]

    def dies(when, kind, *args):
        env = {"DYING_POINT": f"{when}:{kind}", "DYING_DELAY": "0.03", "DYING_NOTE": str(tmp_path / "note")}
        process = operator.start(*args, env=env, module="tests.faults.dying")
        said, _ = process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL, said

    attach = ("attach", *where(**{"--via": "ssh-tunnel"}), "--yes")
    for kind in MADE:
        dies("during", kind, *attach)
    operator.tool("detach", "db2", "--yes")
    assert [tunnel_files(host) for host in hosts] == files
    dies("before", "WritePassfile", *attach)
    for kind in GIVEN_BACK:
        dies("during", kind, "detach", "db2", "--yes")
    operator.tool("detach", "db2", "--yes")
    assert [tunnel_files(host) for host in hosts] == files
