"""Real Debian hosts side by side on one Linux machine, for tests: systemd, sshd, PostgreSQL, a network to cut.

    bed = Testbed()
    db1, db2 = bed.up({"db1": "bookworm", "db2": "bookworm"})
    db1.exec("systemctl restart postgresql@15-main")
    subprocess.run(["ssh", "-F", bed.ssh_config, "admin@db2", "sudo", "id"])
    bed.cut("db1")
    db2.kill()
    bed.down()

Each host has a root file system of its own (a Debian suite, on an overlay), its own process tree with systemd as PID 1,
its own host name, IPC and cgroup namespaces, and its own interface on a private switch. sshd and PostgreSQL are the
suite's own packages, run by the suite's own units. Hosts reach each other and this machine, and nothing else. They are
no security boundary: root in one is root.
"""

from tests.testbed.bed import Testbed, sweep
from tests.testbed.host import Host
from tests.testbed.images import SuiteGoneError, image
from tests.testbed.machine import HostsError, missing

__all__ = ["Host", "HostsError", "SuiteGoneError", "Testbed", "image", "missing", "sweep"]
