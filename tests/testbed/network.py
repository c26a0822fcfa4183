"""The private switch: a bridge in a network namespace, a cable to each host, and what can go wrong on the way.

The namespace is held by one process, the keeper. It waits for the end of its standard input, which comes when the
testbed is taken down or when whoever made it dies, and takes every process of the testbed with it. Namespaces, bridge
and interfaces are gone then by themselves.
"""

import dataclasses
import subprocess
import sys
from pathlib import Path

from tests.testbed import cgroups
from tests.testbed.machine import ENV, HostsError, locked, run

OPERATOR = "operator"  # this machine, as hosts call it

KEEPER = """
set -e
group=$0
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
echo ready
cat >/dev/null
echo 1 >"$group/cgroup.kill"
"""


@dataclasses.dataclass(frozen=True)
class Line:
    """How a host's cable is; each way."""

    rate_mbit: float = 0
    delay_ms: float = 0
    loss_percent: float = 0


def port(name):
    """The switch's end of a host's cable, named so that the keeper's namespace explains itself."""
    return name if name == OPERATOR else f"p-{name}"


def tbf(rate_mbit):
    """The kernel's words for a rate: bursts of 20 ms, or a large segment."""
    burst = max(32768, int(rate_mbit * 1e6 / 8 / 50))
    return ["tbf", "rate", f"{int(rate_mbit * 1e6)}bit", "burst", burst, "latency", "100ms"]


class Switch:
    """The switch of one testbed; this machine is on it as the operator."""

    def __init__(self, group):
        self.group = group
        self.uplink = "tb-" + group.name[-8:]  # an interface has at most 15 letters
        self.cuts = set()
        self.lines = {}
        self._delays = {}
        argv = ["unshare", "--net", "sh", "-c", KEEPER, group]
        self.keeper = subprocess.Popen(
            cgroups.joining(group / "keeper", *argv),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENV, start_new_session=True,
        )  # fmt: skip
        if self.keeper.stdout.readline() != "ready\n":
            raise HostsError("the switch cannot be made")
        self.space = Path(f"/proc/{self.keeper.pid}/ns/net")
        with locked("/run/lock/standbyctl-testbed.networks"):  # two testbeds shall not choose one network
            self.number = _free_number()
            run("ip", "link", "add", self.uplink, "type", "veth", "peer", "name", OPERATOR, "netns", self.keeper.pid)
            for address in self.address(1):
                run("ip", "addr", "add", address + ("/64" if ":" in address else "/24"), "dev", self.uplink,
                    *(["nodad"] if ":" in address else []))  # fmt: skip
        run("ip", "link", "set", self.uplink, "up")
        self.inside("ip", "link", "set", OPERATOR, "master", "br0", "up")

    def address(self, index):
        """The IPv4 and the IPv6 address of who is at this place of the network."""
        return f"10.77.{self.number}.{index}", f"fd77:{self.number}::{index}"

    def inside(self, *argv, text=None):
        """Run a program at the switch."""
        return run("nsenter", f"--net={self.space}", "--", *argv, text=text)

    def unplug(self, name):
        """Take a host's cable away, from one moment to the next: no FIN, no RST, no ARP."""
        # A host that has just died takes it away itself, a moment later.
        gone = f"ip link del dev {port(name)} 2>/dev/null; ! ip link show dev {port(name)} >/dev/null 2>&1"
        if self.keeper.poll() is None:
            self.inside("sh", "-c", gone)

    def cut(self, one, other=None):
        """Drop silently what goes to and comes from a host, or between two. ARP goes on: a router has died."""
        self.cuts.add((one, other))
        self._filter()

    def shape(self, host, line):
        """Make a host's cable what the line says, and no more."""
        self.lines[host.name] = line
        self._filter()
        self._delay(host, line.delay_ms)
        if not host.running:
            return  # its next boot brings a cable with that rate
        for prefix, device in (
            (["nsenter", f"--net={self.space}"], port(host.name)),
            (["nsenter", f"--net={host.space}"], "eth0"),
        ):
            run(*prefix, "tc", "qdisc", "replace", "dev", device, "root",
                *(tbf(line.rate_mbit) if line.rate_mbit else ["noqueue"]))  # fmt: skip

    def heal(self, hosts):
        """Forget every cut that touches these, and how their cables were."""
        names = {host.name for host in hosts}
        self.cuts = {cut for cut in self.cuts if not names & set(cut)}
        self._filter()
        for host in hosts:
            if self.lines.pop(host.name, Line()) != Line():
                self.shape(host, Line())

    def end(self):
        """Silence, and the end of every process of the testbed."""
        run("sh", "-c", f"! ip link show {self.uplink} >/dev/null 2>&1 || ip link del {self.uplink}")
        cgroups.kill(self.group)
        self.keeper.communicate()
        for delay in self._delays.values():
            delay.communicate()

    def _filter(self):
        self.inside("nft", "-f", "-", text=render_filter(self.cuts, self.lines))

    def _delay(self, host, delay_ms):
        """A process holds packets back: not every kernel has netem."""
        if running := self._delays.pop(host, None):
            running.communicate()
        if delay_ms:
            argv = [sys.executable, Path(__file__).with_name("delay.py"), 2 * host.index, delay_ms / 1000]
            self._delays[host] = subprocess.Popen(
                cgroups.joining(self.group / "delays", "nsenter", f"--net={self.space}", "--", *argv),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENV, start_new_session=True,
            )  # fmt: skip
            if self._delays[host].stdout.readline() != b"ready\n":
                raise HostsError(f"packets of {host.name} cannot be held back")
        if running or delay_ms:
            for tool in ("iptables-restore", "ip6tables-restore"):
                self.inside(tool, text=render_queues(self._delays))


def _free_number():
    taken = run("ip", "-4", "addr", "show") + run("ip", "-4", "route", "show", "table", "all")
    for number in range(1, 255):
        if f"10.77.{number}." not in taken:
            return number
    raise HostsError("no network 10.77.N.0/24 is free")


def render_filter(cuts, lines):
    """The rules of the switch. What is lost is lost there, where its sender cannot see it."""
    rules = []
    for one, other in sorted(cuts, key=str):
        there, back = f'iifname "{port(one)}"', f'oifname "{port(one)}"'
        if other:
            there, back = there + f' oifname "{port(other)}"', back + f' iifname "{port(other)}"'
        rules += [f"{way} ether type {{ ip, ip6 }} counter drop" for way in (there, back)]
    for name, line in sorted(lines.items()):
        if line.loss_percent:
            lost = f"numgen random mod 100000 < {min(99999, int(line.loss_percent * 1000))} drop"
            rules += [f'{way} "{port(name)}" {lost}' for way in ("iifname", "oifname")]
    chain = "type filter hook forward priority 0; policy accept;"
    body = "\n".join([chain, *rules])
    # All or nothing, whether there was such a table before or not.
    return f"table bridge testbed\ndelete table bridge testbed\ntable bridge testbed {{ chain way {{\n{body}\n}}\n}}\n"


def render_queues(hosts):
    """What hands packets to those who hold them back: at the switch, where they are no backlog of their sender's."""
    rules = []
    for host in hosts:
        for chain, way, queue in (("PREROUTING", "in", 2 * host.index), ("POSTROUTING", "out", 2 * host.index + 1)):
            physdev = f"-m physdev --physdev-{way} {port(host.name)}"
            rules.append(f"-A {chain} {physdev} -j NFQUEUE --queue-num {queue} --queue-bypass\n")
    return "*mangle\n" + "".join(rules) + "COMMIT\n"
