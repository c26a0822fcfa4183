"""A machine behind ssh keeps the promises of this one: scripts, their input, their end."""

import os
import signal
import subprocess
import sys
import time

import pytest

from standbyctl.domain.errors import CannotTellError
from standbyctl.nodes.connection import SshConnection
from standbyctl.nodes.local import LocalHost
from standbyctl.nodes.ssh import SshHost
from tests.hosts.operator import wait

pytestmark = pytest.mark.hosts("bookworm")
ODD = ("", "it's", 'a "b"', "back\\slash", "$HOME `id`", "日本語", "two\nlines", "-n", " ", "*", "\t")
WAYS = ["local", "root", "admin", "postgres"]


@pytest.fixture
def connection(testbed, hosts, request):
    """One that lives as long as a test."""
    made = SshConnection("db1", ("ssh", "-F", str(testbed.ssh_config)))
    yield made
    made.close()


@pytest.fixture
def host(testbed, hosts, request):
    if request.param == "local":
        yield LocalHost("root")
        return
    connection = SshConnection(f"{request.param}@db1", ("ssh", "-F", str(testbed.ssh_config)))
    yield SshHost(connection, "postgres")
    connection.close()


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_a_script_gets_its_arguments_and_its_input_to_the_letter(host):
    for odd in ODD:
        done = host.script('printf "%s|" "$@"', odd, "x", odd)
        assert (done.status, done.stdout.decode()) == (0, f"{odd}|x|{odd}|")
    data = bytes(range(256)) * 20000
    assert host.script("cat", data=data).stdout == data
    assert host.script("wc -c", data=data).stdout.split() == [b"5120000"]
    assert host.script("head -c 300000 /dev/zero").stdout == bytes(300000)


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_whatever_a_script_ends_with_is_its_own(host):
    for status in (0, 1, 90, 255):
        done = host.script(f"echo out; echo err >&2; exit {status}")
        assert (done.status, done.stdout, done.stderr) == (status, b"out\n", "err")
    assert host.script("exec false").status == 1
    assert host.script("set -eu; false; echo never").status == 1


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_nothing_of_the_operators_environment_is_there(host):
    os.environ["PGHOST"] = "elsewhere"
    seen = host.script("env; pwd").stdout.decode().split("\n")
    del os.environ["PGHOST"]
    assert "LC_ALL=C" in seen
    assert "/" in seen
    assert not [line for line in seen if line.startswith(("PG", "HOME", "SUDO"))]


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_a_script_that_takes_too_long_is_ended_there_too(host):
    with pytest.raises(CannotTellError, match="did not end in 1 s"):
        host.script("exec sleep 4712", timeout_seconds=1)
    wait(lambda: host.script("pgrep -f 'sleep 471[2]'").status == 1, 20)
    assert host.script("echo still").stdout == b"still\n"


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_a_child_is_watched_and_ended_with_all_that_it_started(host):
    child = host.start("sleep 4713 & sleep 4713; echo never")
    wait(lambda: host.script("pgrep -c -f 'sleep 471[3]'").stdout.strip() in {b"2", b"3"}, 10)
    assert child.poll() is None
    child.end()
    wait(lambda: host.script("pgrep -f 'sleep 471[3]'").status == 1, 20)
    child = host.start("echo why >&2; exit 7")
    wait(lambda: child.poll() is not None, 10)
    assert child.poll() == 7
    child.end()
    assert child.errors() == "why"


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_a_child_that_is_fed_and_one_that_answers(host):
    child = host.start('[ "$(wc -c)" = 3000000 ] && exit 5', fed=True)
    for _ in range(3):
        child.feed(bytes(1000000))
    assert child.finish(20) == 5
    child.end()
    talk = host.talk('while read -r word; do echo "<$word>"; done; echo said >&2', "x")
    talk.send(b"one\n")
    assert talk.read(10) == b"<one>\n"
    talk.send(b"two\n")
    assert talk.read(10) == b"<two>\n"
    talk.end()
    assert talk.errors() == "said"


def test_two_hundred_scripts_go_over_one_connection(connection):
    host = SshHost(connection, "postgres")
    began = time.monotonic()
    for n in range(200):
        assert host.script("echo $1", str(n)).stdout == f"{n}\n".encode()
    assert connection.login() == "root"
    print(f"{(time.monotonic() - began) / 200 * 1000:.1f} ms each")


@pytest.mark.parametrize("whom", ["root", "admin"])
def test_killed_outright_we_leave_nothing_running_there(hosts, testbed, whom):
    program = (
        "import sys, time\n"
        "from standbyctl.nodes.connection import SshConnection\n"
        "from standbyctl.nodes.ssh import SshHost\n"
        "host = SshHost(SshConnection(sys.argv[2], ('ssh', '-F', sys.argv[1])), 'postgres')\n"
        "host.start('sleep 4714 & sleep 4714')\n"
        "time.sleep(60)\n"
    )
    argv = [sys.executable, "-c", program, str(testbed.ssh_config), f"{whom}@db1"]
    process = subprocess.Popen(argv, start_new_session=True)
    wait(lambda: hosts[0].exec("pgrep -f 'sleep 471[4]'", check=False).returncode == 0, 15)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait(lambda: hosts[0].exec("pgrep -f 'sleep 471[4]'", check=False).returncode == 1, 15)
    masters = ["pgrep", "-f", f"ssh -F {testbed.ssh_config} .* -M -N"]
    wait(lambda: subprocess.run(masters, capture_output=True, check=False).returncode == 1, 10)


@pytest.mark.seldom
def test_a_line_that_is_cut_is_an_error_within_seconds_and_works_again_later(connection, testbed):
    host = SshHost(connection, "postgres")
    host.script("true")
    testbed.cut("db1", "operator")
    began = time.monotonic()
    with pytest.raises(CannotTellError) as caught:
        host.script("sleep 30", timeout_seconds=60)
    testbed.heal()
    assert time.monotonic() - began < 45
    assert caught.value.code in {"A212", "A202"}
    assert host.script("echo again").stdout == b"again\n"


@pytest.mark.seldom
@pytest.mark.parametrize("host", ["admin"], indirect=True)
def test_what_is_talked_with_ends_there_within_a_minute_and_a_half_of_a_cut(hosts, testbed, host):
    said = "ps -eo args | grep -c '[t]alk-of-ours' || true"
    talk = host.talk("exec 9<&0; sh -c 'cat; :' talk-of-ours <&9")
    talk.send(b"hello\n")
    assert talk.read(5) == b"hello\n"
    assert hosts[0].exec(said).stdout == "1\n"
    testbed.cut("db1", "operator")
    wait(lambda: hosts[0].exec(said).stdout == "0\n", 90)
    testbed.heal()
    talk.end()


@pytest.mark.parametrize("host", ["root", "admin"], indirect=True)
def test_nothing_is_left_there_of_talks_that_have_ended(hosts, host):
    before = hosts[0].exec("ps -eo args | grep -v 'ps -eo'").stdout.count("\n")
    for _ in range(3):
        talks = [host.talk("cat") for _ in range(3)]
        for talk in talks:
            talk.send(b"x\n")
            assert talk.read(5) == b"x\n"
            talk.end()
    wait(lambda: hosts[0].exec("ps -eo args | grep -v 'ps -eo'").stdout.count("\n") <= before + 4, 10)
    assert "IFS= read -r line" not in hosts[0].exec("ps -eo args | grep -v 'ps -eo'").stdout
