"""What an attach plan says beside its steps, and how the standby is set up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from standbyctl.domain.conf import make_conninfo
from standbyctl.domain.facts import Contents, HbaFile, Passfile, Setting, Slot
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.plan import Plan
from standbyctl.planner.standby import connection, primary_conninfo, replication_conninfo, standby_settings
from tests.pure.examples import CAP, HBA, OUR_ROLE, SAMPLE, STANDBY, TARGET, facts, rule, server, settings

READY: dict[str, Any] = {"passfile": Passfile.OURS, "password_set": True, "admitted": True}
CAPPED = settings(**{CAP: "2048"})
UNLOADED = HbaFile(HBA, (rule(1),), at_hand=True, loaded=False)


def plan_for(primary: Any = None, target: Any = TARGET, **place: Any) -> Plan:
    plan = plan_attach(facts(primary, **place), SAMPLE, target)
    assert plan.blockers == ()
    return plan


def notes(plan: Plan) -> str:
    return "\n".join(map(str, plan.notes))


@pytest.mark.parametrize(
    ("words", "plan", "opposite"),
    [
        ("begins with an immediate checkpoint", plan_for(), plan_for(target=replace(TARGET, checkpoint="spread"))),
        ("changed and not reloaded", plan_for(server(hba=UNLOADED)), plan_for()),
        ("is not named like the node", plan_for(target=replace(TARGET, slot="other")), plan_for()),
        (
            "without a cap (--wal-cap keep)",
            plan_for(target=replace(TARGET, wal_cap="keep")),
            plan_for(server(settings=CAPPED), replace(TARGET, wal_cap="keep")),
        ),
        ("archive_mode is always", plan_for(server(settings=settings(archive_mode="always"))), plan_for()),
        ("synchronous_commit stays off", plan_for(server(settings=settings(synchronous_commit="off"))), plan_for()),
        ("wal_level stays logical", plan_for(server(settings=settings(wal_level="logical"))), plan_for()),
    ],
)
def test_what_is_worth_knowing_is_said_where_it_holds(words: str, plan: Plan, opposite: Plan) -> None:
    assert words in notes(plan)
    assert words not in notes(opposite)


def test_without_a_reload_of_ours_nobody_is_told_of_one() -> None:
    unloaded = server(settings=CAPPED, roles=(OUR_ROLE,), hba=UNLOADED)
    assert "not reloaded" not in notes(plan_for(unloaded, **READY))


def test_without_a_copy_nobody_is_told_of_its_checkpoint() -> None:
    plan = plan_for(server(roles=(OUR_ROLE,), slots=(Slot(STANDBY),)), **READY, contents=Contents.STANDBY, follows=True)
    assert "immediate checkpoint" not in notes(plan)


def test_both_ends_give_up_on_a_frozen_peer() -> None:
    params = dict(connection(TARGET))
    assert params["tcp_user_timeout"] == "60000"
    assert "-c tcp_user_timeout=60000" in params["options"]
    assert primary_conninfo(TARGET).startswith(make_conninfo([("host", "127.0.0.1"), ("port", "5432")]))
    assert primary_conninfo(TARGET).endswith("application_name=db2")
    assert "replication=true application_name=db2_copy" in replication_conninfo(TARGET)
    assert "dbname=replication" in replication_conninfo(TARGET)
    for conninfo in (primary_conninfo(TARGET), replication_conninfo(TARGET)):
        assert "password=" not in conninfo
        assert "passfile=/pg/db2.pgpass" in conninfo


def settings_for(**values: str | Setting) -> dict[str, str]:
    return dict(standby_settings(server(settings=settings(**values)), TARGET))


def test_a_standby_is_set_up_to_follow_and_to_be_asked() -> None:
    assert settings_for() == {
        "primary_conninfo": primary_conninfo(TARGET),
        "primary_slot_name": "db2",
        "port": "5433",
        "hot_standby": "on",
        "recovery_target_timeline": "latest",
    }


@pytest.mark.parametrize(
    ("name", "value", "harmless"),
    [
        ("archive_cleanup_command", "pg_archivecleanup /archive %r", ""),
        ("recovery_end_command", "touch /tmp/promoted", ""),
        ("recovery_min_apply_delay", "3600000", "0"),
        ("promote_trigger_file", "/tmp/promote", ""),
        ("archive_mode", "always", "on"),
        ("log_directory", "/var/log/postgresql", "log"),
    ],
)
def test_what_would_act_on_this_machine_a_second_time_is_disarmed(name: str, value: str, harmless: str) -> None:
    assert settings_for(**{name: value})[name] == harmless


@pytest.mark.parametrize(("name", "value"), [("archive_mode", "on"), ("log_directory", "pg_log")])
def test_what_does_no_harm_stays(name: str, value: str) -> None:
    assert name not in settings_for(**{name: value})


def test_a_setting_that_this_version_does_not_have_is_not_set() -> None:
    older = tuple(setting for setting in settings() if setting.name != "promote_trigger_file")
    assert "promote_trigger_file" not in dict(standby_settings(server(settings=older), TARGET))


@pytest.mark.parametrize(
    "name", ["recovery_target", "recovery_target_lsn", "recovery_target_name", "external_pid_file"]
)
def test_what_would_stop_the_standby_or_disturb_the_primary_is_emptied(name: str) -> None:
    assert settings_for(**{name: "left over"})[name] == ""


@pytest.mark.parametrize(
    ("source", "in_file", "set_to"),
    [
        # The copy reads the same files; what they say may be less than what the primary was started with.
        ("command line", None, "500"),
        ("command line", "100", "500"),
        ("command line", "junk", "500"),
        ("command line", "500", None),
        ("configuration file", "500", None),
        ("configuration file", "600", None),
        ("configuration file", "400", "500"),
        ("default", None, None),
    ],
)
def test_a_standby_has_no_less_than_its_primary(source: str, in_file: str | None, set_to: str | None) -> None:
    changed = Setting("max_connections", "500", source, in_file=in_file)
    assert settings_for(max_connections=changed).get("max_connections") == set_to
