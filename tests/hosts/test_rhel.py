"""The layout of PGDG's packages on RHEL: a unit that is off, PGDATA in a drop-in of it, the configuration inside."""

import pytest

from standbyctl import steps
from standbyctl.planner.attach import steps_left
from tests.conforming import Stage, conform
from tests.hosts.operator import FACTS, Operator, receives, sql, streams, wait, where

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled]
HOME = "/var/lib/pgsql/15"
# As /usr/lib/systemd/system/postgresql-15.service has it, but for the programs, which are Debian's.
UNIT = """\
[Unit]
Description=PostgreSQL 15 database server
After=network-online.target
[Service]
Type=notify
User=postgres
Group=postgres
Environment=PGDATA=/var/lib/pgsql/15/data/
ExecStart=/usr/pgsql-15/bin/postgres -D ${PGDATA}
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
KillSignal=SIGINT
TimeoutSec=0
[Install]
WantedBy=multi-user.target
"""
DROP_IN = f"[Service]\nEnvironment=PGDATA={HOME}/main\n"
UNITS = "systemctl is-enabled postgresql-15; systemctl is-active postgresql-15"
BESIDE = f"ls -A {HOME}"


@pytest.fixture(scope="module")
def pair(hosts):
    """Packages are there; the primary's cluster is made and runs, the other host has none."""
    for host in hosts:
        host.exec(
            "systemctl stop postgresql@15-main && pg_dropcluster 15 main && mkdir -p /usr/pgsql-15"
            f" && ln -s /usr/lib/postgresql/15/bin /usr/pgsql-15/bin && mkdir -p {HOME}"
            " /etc/systemd/system/postgresql-15.service.d && chown -R postgres: /var/lib/pgsql"
        )
        host.exec("cat >/usr/lib/systemd/system/postgresql-15.service", text=UNIT)
        host.exec(
            "cat >/etc/systemd/system/postgresql-15.service.d/pgdata.conf && systemctl daemon-reload", text=DROP_IN
        )
    db1, db2 = hosts
    db1.exec(f"cd / && /usr/pgsql-15/bin/initdb -D {HOME}/main >/dev/null", user="postgres")
    db1.exec(f"echo \"listen_addresses = '*'\" >>{HOME}/main/postgresql.conf")
    db1.exec("systemctl enable --now postgresql-15")
    return db1, db2


@pytest.fixture
def operator(testbed):
    made = Operator(testbed)
    yield made
    made.end()


def asked(login):
    return where(login, **{"--replace-cluster": ""})


@pytest.mark.parametrize("login", ["", "admin"])
def test_a_standby_is_run_by_the_unit_of_its_host_also_after_a_reboot_and_detach_leaves_the_unit_as_it_was(
    pair, operator, login
):
    primary, standby = pair
    before, there = sql(primary, FACTS), standby.exec(BESIDE).stdout
    units = standby.exec(UNITS, check=False).stdout
    assert units == "disabled\ninactive\n"
    assert "READY" in operator.tool("preflight", *asked(login))
    said = operator.tool("attach", *asked(login), "--yes")
    assert "systemctl enable postgresql-15.service" in said
    assert "systemctl start postgresql-15.service" in said
    assert standby.exec(UNITS).stdout == "enabled\nactive\n"
    assert streams(primary)
    assert "VERIFIED" in operator.tool("verify", "db2", "--for", "1s")
    standby.reboot()
    wait(lambda: receives(standby))
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", f"{HOME}/main", "--delete")
    assert sql(primary, FACTS).rpartition("|")[0] == before.rpartition("|")[0]
    assert standby.exec(BESIDE).stdout == there
    assert standby.exec(UNITS, check=False).stdout == units


def test_without_root_the_plan_says_that_nothing_starts_it_at_boot(pair, operator):
    plan = operator.tool("plan", *asked("postgres"))
    assert "started by pg_ctl, and by nothing at boot: its unit postgresql-15.service takes root there" in plan


@pytest.mark.seldom
def test_every_step_conforms(pair, operator, subtests):
    with operator.session() as session:
        stage = Stage(session)
        assert steps.StartAtBoot in conform(
            stage, session.look, steps_left(session.look(), session.sample, session.target), subtests
        )
