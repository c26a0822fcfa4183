"""The cluster that installing PostgreSQL has made stands where the standby goes: it makes room, and comes back."""

import re

import pytest

from standbyctl import steps
from standbyctl.planner.attach import steps_left
from tests.conforming import Stage, conform
from tests.hosts.operator import CLUSTER, DATA, FACTS, Operator, beside, sql, streams, wait, where

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled]
ASIDE = f"{DATA}.replaced-by-db2"
GONE = ("--yes", "--remove-data-dir", DATA, "--delete")
# What it is, whether it runs, and whether anything of ours is left in it.
IS_THERE = f"stat -c '%i %U %a' {DATA}; systemctl is-active postgresql@15-main; ls {DATA} | grep standbyctl || true"


@pytest.fixture(scope="module")
def primary(hosts):
    db1 = hosts[0]
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec("systemctl restart postgresql@15-main")
    return db1


@pytest.fixture
def operator(testbed):
    made = Operator(testbed)
    yield made
    made.end()


@pytest.fixture
def before(primary, hosts):
    """Everything of both hosts that an attach may touch; afterwards it is as it was."""

    def facts():
        system = sql(hosts[1], "SELECT system_identifier FROM pg_control_system()")
        return sql(primary, FACTS), beside(hosts[1]), hosts[1].exec(IS_THERE).stdout, system

    was = facts()
    yield was
    now = facts()
    assert now[0].rpartition("|")[0] == was[0].rpartition("|")[0]
    assert now[1:] == was[1:]


def test_it_makes_room_right_before_the_copy_takes_its_place_and_comes_back_to_the_same_directory(
    before, primary, hosts, operator
):
    assert "READY" in operator.tool("preflight", *where())
    plan = operator.tool("plan", *where())
    assert re.search(r"base backup .* make room +systemctl stop postgresql@15-main.*put in place", plan)
    operator.tool("attach", *where(), "--yes")
    assert streams(primary)
    assert beside(hosts[1]) == ["main", "main.pgpass", "main.replaced-by-db2"]
    assert f"comes back from {ASIDE}" in operator.tool("detach", "db2", *GONE)


@pytest.mark.parametrize(
    ("make", "drop", "word"),
    [
        ("CREATE DATABASE app", "DROP DATABASE app", "database app"),
        ("CREATE ROLE app", "DROP ROLE app", "role app"),
        ("CREATE TABLE app ()", "DROP TABLE app", "relation app in postgres"),
        ("SELECT lo_create(4711)", "SELECT lo_unlink(4711)", "large object in postgres"),
        (
            "SELECT pg_create_physical_replication_slot('app')",
            "SELECT pg_drop_replication_slot('app')",
            "slot app",
        ),
    ],
    ids=lambda each: each.split("'")[0] if each.isupper() else None,
)
def test_what_holds_anything_of_anybody_is_not_replaced_and_what_it_holds_is_named(
    before, hosts, operator, make, drop, word
):
    sql(hosts[1], make)
    for verb, more in (("plan", ()), ("attach", ("--yes",))):
        said = operator.tool(verb, *where(), *more, status=4)
        assert f"the cluster on {DATA} is not replaced DETAIL: It holds: {word}." in said
    sql(hosts[1], drop)


def test_what_does_not_run_cannot_be_asked_and_is_not_replaced(before, hosts, operator):
    hosts[1].exec("systemctl stop postgresql@15-main")
    said = operator.tool("attach", *where(), "--yes", status=4)
    assert "It does not run, and cannot be asked what it holds." in said
    hosts[1].exec("systemctl start postgresql@15-main")


@pytest.mark.seldom
@pytest.mark.parametrize("point", ["after:VacateCluster", "after:MoveCluster", "before:StartServer"])
@pytest.mark.parametrize("then", ["attach", "detach"])
def test_killed_between_the_old_cluster_and_the_new_the_same_command_goes_on_and_detach_puts_it_back(
    before, primary, operator, point, then
):
    operator.dies(point, "attach", *where(), "--yes")
    if then == "attach":
        assert "ATTACHED" in operator.tool("attach", *where(), "--yes")
    operator.tool("detach", "db2", *GONE)


@pytest.mark.seldom
@pytest.mark.parametrize("point", ["after:SetAside", "before:ResumeCluster", "during:ResumeCluster"])
def test_killed_before_it_has_come_back_detach_goes_on(before, primary, operator, point):
    operator.tool("attach", *where(), "--yes")
    operator.dies(point, "detach", "db2", *GONE)
    operator.tool("detach", "db2", *GONE)


@pytest.mark.seldom
def test_a_cluster_that_was_started_by_hand_makes_room_too_and_so_does_a_standby_that_was(primary, hosts, operator):
    by_hand = "pg_ctlcluster --skip-systemctl-redirect 15 main start"
    hosts[1].exec("systemctl stop postgresql@15-main")
    hosts[1].exec(by_hand, user="postgres")
    operator.tool("attach", *where(), "--yes")
    hosts[1].exec("systemctl stop postgresql@15-main")
    hosts[1].exec(by_hand, user="postgres")
    wait(lambda: streams(primary))
    operator.tool("detach", "db2", *GONE)
    assert hosts[1].exec("systemctl is-active postgresql@15-main").stdout == "active\n"


def test_a_table_made_while_the_copy_runs_keeps_the_cluster_where_it_is(before, primary, hosts, operator, tmp_path):
    operator.dies("before:VacateCluster", "attach", *where(), "--yes")
    sql(hosts[1], "CREATE TABLE late ()")
    said = operator.tool("attach", *where(), "--yes", status=4)
    assert "It holds: relation late in postgres." in said
    sql(hosts[1], "DROP TABLE late")
    operator.tool("detach", "db2", *GONE)


def test_started_by_somebody_while_it_stood_aside_it_is_kept_and_named(primary, hosts, operator):
    operator.tool("attach", *where(), "--yes")
    postgres = "cd / && /usr/lib/postgresql/15/bin/"
    hosts[1].exec(
        f"{postgres}pg_ctl -s -w -D {ASIDE} start -o '-c config_file=/etc/postgresql/15/main/postgresql.conf"
        f" -c data_directory={ASIDE} -p 5499' && {postgres}pg_ctl -s -w -D {ASIDE} stop",
        user="postgres",
    )
    said = operator.tool("detach", "db2", "--yes")
    assert f"{ASIDE} is kept as it is: it is not, or no longer, the cluster that attach moved there" in said
    assert "main.replaced-by-db2" in beside(hosts[1])
    # As it was, for the tests that follow.
    hosts[1].exec(f"rm -rf {DATA} && mv {ASIDE} {DATA} && rm {DATA}/standbyctl.replaced")
    hosts[1].exec("systemctl start postgresql@15-main")


@pytest.mark.seldom
def test_every_step_conforms(before, operator, subtests):
    with operator.session(cluster=CLUSTER, replace_cluster=True) as session:
        stage = Stage(session)
        planned = steps_left(session.look(), session.sample, session.target)
        assert {steps.ReplaceCluster, steps.PutClusterBack} <= conform(stage, session.look, planned, subtests)
