"""A standby that has a configuration of its own host's, and is started by that host's service manager."""

from __future__ import annotations

from dataclasses import replace

import pytest

from standbyctl.app.known import hosts_of
from standbyctl.app.spot import _service
from standbyctl.domain.effects import StartServer, StopServer
from standbyctl.domain.facts import Setting
from standbyctl.domain.service import PG_CTL, Service
from standbyctl.planner.standby import standby_settings
from standbyctl.steps.server import StartStandby, StopStandby
from tests.pure.examples import BIN, DATA, PRIMARY, STANDBY, TARGET, server, settings

DEBIAN = Service("postgresql@16-main.service", "/etc/postgresql/16/main/postgresql.conf", True, "postgres", "/run/pg")
ELSEWHERE = replace(TARGET, service=DEBIAN, standby_ssh="db2", source_address="10.0.0.12")


def test_who_starts_it_is_who_the_plan_names() -> None:
    for service, start, stop in (
        (DEBIAN, "systemctl start postgresql@16-main.service", "systemctl stop postgresql@16-main.service"),
        (replace(DEBIAN, as_root=False), "pg_ctlcluster 16 main start", "pg_ctlcluster 16 main stop"),
        (PG_CTL, f"{BIN}/pg_ctl start -D {DATA} -o '-c standbyctl.attach=db2'", f"{BIN}/pg_ctl stop -m fast -D {DATA}"),
    ):
        step = StartStandby(PRIMARY, STANDBY, DATA, BIN, "db2", service)
        started = next(effect for effect in step.effects() if isinstance(effect, StartServer))
        [stopped] = StopStandby(STANDBY, DATA, BIN, service).effects()
        assert isinstance(stopped, StopServer)
        assert (str(started), str(stopped)) == (start, stop)
        assert start.removeprefix(f"{BIN}/").split(" -D")[0] in str(step.text)


def test_a_unit_that_nobody_may_start_is_pg_ctls() -> None:
    assert not Service("postgresql-16.service", "", as_root=False).managed
    assert Service("postgresql-16.service", "", as_root=True).managed
    assert Service("postgresql-16.service", "", as_root=True).log_path(DATA) == f"{DATA}/startup.log"
    assert DEBIAN.log_path(DATA) == "/var/log/postgresql/postgresql-16-main.log"


def test_with_its_own_postgresql_conf_it_keeps_its_port_and_paths_and_gets_every_minimum_and_a_mark() -> None:
    primary = server(settings=settings(external_pid_file="/run/x.pid", log_directory="/var/log/x"))
    wanted = dict(standby_settings(primary, ELSEWHERE))
    assert wanted["standbyctl.attach"] == STANDBY
    assert wanted["max_connections"] == primary.setting("max_connections").value
    assert not {"port", "external_pid_file", "log_directory", "listen_addresses"} & set(wanted)
    inside = dict(standby_settings(primary, TARGET))
    assert "standbyctl.attach" not in inside
    assert inside["port"] == str(TARGET.port)
    assert inside["external_pid_file"] == ""


def test_a_port_that_comes_with_the_copy_in_postgresql_auto_conf_is_its_own_again() -> None:
    there = server(settings=tuple(replace(s, auto_conf="5499") if s.name == "port" else s for s in settings()))
    assert dict(standby_settings(there, ELSEWHERE))["port"] == str(TARGET.port)


@pytest.mark.parametrize(
    ("listens", "expected"),
    [
        ("*", None),
        ("localhost", None),
        ("10.0.0.11", "localhost, 10.0.0.12"),
        ("localhost,db1", "localhost, 10.0.0.12"),
    ],
)
def test_addresses_of_the_primarys_host_are_none_of_another_ones(listens: str, expected: str | None) -> None:
    primary = server(settings=settings(listen_addresses=Setting("listen_addresses", listens, "file")))
    assert dict(standby_settings(primary, ELSEWHERE)).get("listen_addresses") == expected
    assert "listen_addresses" not in dict(standby_settings(primary, TARGET)), "on one machine they are its own"


def test_a_service_is_what_the_host_says_and_root_is_needed_for_a_unit() -> None:
    said = {"owner": "postgres", "root": "yes", "unit": "postgresql@16-main.service", "socket": "/run/pg"}
    config = {"config": "/etc/postgresql/16/main/postgresql.conf"}
    assert _service(said | config) == DEBIAN
    assert not _service(said | config | {"root": "no"}).as_root
    assert not _service({"owner": "postgres", "root": "yes"}).managed


def test_the_primarys_host_is_known_by_its_system_and_not_by_a_conninfo_that_many_have() -> None:
    runs = {
        "a": (replace(TARGET, primary_ssh="one"), "user=postgres", "71"),
        "b": (replace(TARGET, primary_ssh="two"), "user=postgres", "72"),
    }
    assert hosts_of(runs, ("db1", "user=postgres", "72")).primary_ssh == "two"
    assert not hosts_of(runs, None).apart
