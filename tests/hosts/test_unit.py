"""standbyctl watch as a service of systemd, by the unit that `export systemd` prints, and all that it forbids."""

from shlex import quote

import pytest

from tests.hosts.inside import Inside, bring_tool
from tests.hosts.operator import wait

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.seldom]
UNIT = "standbyctl-watch.service"
PAGE = "exec 3<>/dev/tcp/127.0.0.1/8532; printf 'GET /metrics HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3; cat <&3"


@pytest.fixture(scope="module")
def host(testbed):
    [made] = testbed.up({"db1": "bookworm"})
    bring_tool(testbed, "db1")
    yield made
    testbed.down()


def test_the_unit_runs_is_watched_over_and_comes_back_by_itself(host, testbed):
    inside = Inside(testbed, "db1", "postgres")
    env = "STANDBYCTL_STATE=/var/lib/standbyctl"
    host.exec(
        f"su postgres -s /bin/sh -c \"{env} standbyctl export systemd -p 'host=/run/postgresql user=postgres'\""
        f" >/etc/systemd/system/{UNIT} && systemd-analyze verify {UNIT} && systemctl daemon-reload"
        f" && systemctl enable --now {UNIT} || {{ journalctl -u {UNIT} -o cat >&2; false; }}"
    )

    def show(name):
        return host.exec(f"systemctl show -P {name} {UNIT}").stdout.strip()

    assert (show("ActiveState"), show("Type"), show("WatchdogUSec")) == ("active", "notify", "1min")
    wait(lambda: "standbyctl_primaries 1.0" in host.exec(f"bash -c {quote(PAGE)}", check=False).stdout)
    page = host.exec(f"bash -c {quote(PAGE)}").stdout
    assert "standbyctl_wal_disk_free_bytes" in page  # df, as the user that the unit has
    host.exec("systemctl restart postgresql@15-main")
    wait(lambda: "was restarted" in host.exec(f"journalctl -u {UNIT} -o cat").stdout)
    was = show("MainPID")
    host.exec(f"kill -9 {was}")
    wait(lambda: show("ActiveState") == "active" and show("MainPID") not in {was, "0"})
    assert "nothing was seen for" in host.exec(f"journalctl -u {UNIT} -o cat").stdout
    assert "was restarted" in inside.tool("events", "--since", "1h", env=env)
    host.exec(f"systemctl stop {UNIT}")
    assert (show("Result"), show("ExecMainStatus")) == ("success", "0")
