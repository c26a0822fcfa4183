"""The commonest case: Debian's packages on two hosts, an operator elsewhere who reaches both by ssh."""

import json
import signal

import pytest

from tests.hosts.operator import FACTS, Operator, beside, receives, sql, streams, wait, where

pytestmark = pytest.mark.hosts("bookworm")
COPIES = "ps -eo user,args | grep '[p]g_basebackup' || true"


@pytest.fixture(scope="module")
def primary(hosts):
    """What is installed, but for this: it listens where a standby can reach it, and there is something in it."""
    db1, _ = hosts
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec(f"systemctl restart {db1.unit}")
    db1.exec("cd / && pgbench -i -q -s 15 postgres", user="postgres")
    return db1


@pytest.fixture
def operator(testbed):
    made = Operator(testbed)
    yield made
    made.end()
    testbed.heal()


@pytest.fixture
def attached(primary, operator, hosts):
    """db2 is a standby of db1; afterwards it is none, and both hosts are as before."""
    before, there = sql(primary, FACTS), beside(hosts[1])
    said = operator.tool("attach", *where(), "--yes")
    yield said
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", hosts[1].data, "--delete")
    assert sql(primary, FACTS).rpartition("|")[0] == before.rpartition("|")[0]
    assert beside(hosts[1]) == there


def test_what_listens_on_localhost_only_is_refused_by_name(hosts, operator):
    db1 = hosts[0]
    listens = sql(db1, "SHOW listen_addresses")
    if listens == "*":  # another test of this module came first
        sql(db1, "ALTER SYSTEM RESET listen_addresses")
        db1.exec(f"systemctl restart {db1.unit}")
    said = operator.tool("preflight", *where(), status=1)
    assert "db1 does not listen on TCP where its standby is to run" in said.replace("db1_5432", "db1")
    assert "P105" in said
    if listens == "*":
        sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
        db1.exec(f"systemctl restart {db1.unit}")


def test_a_cluster_in_the_standbys_place_is_not_touched(primary, hosts, operator):
    db2 = hosts[1]
    before = db2.exec(f"stat -c %i {db2.data}; cat {db2.data}/postmaster.pid").stdout
    said = operator.tool("attach", *where(**{"--replace-cluster": ""}), "--yes", status=4)
    assert f"{db2.data} holds another PostgreSQL cluster" in said
    assert f"--replace-cluster {db2.cluster} moves it aside" in said
    assert db2.exec(f"stat -c %i {db2.data}; cat {db2.data}/postmaster.pid").stdout == before


def test_one_command_makes_a_standby_that_its_own_unit_runs(attached, primary, hosts, operator):
    db2 = hosts[1]
    assert "ATTACHED db2 streams from" in attached
    assert db2.exec(f"systemctl is-active {db2.unit}").stdout == "active\n"
    assert sql(db2, "SELECT pg_is_in_recovery()") == "t"
    assert "VERIFIED" in operator.tool("verify", "db2", "--for", "1s")
    assert "| streaming |" in operator.tool("status")
    assert "Nothing to do: db2 streams" in operator.tool("attach", *where(), "--yes")
    nodes = json.loads(operator.tool("status", "--json"))["nodes"]
    assert {node["name"]: node["state"] for node in nodes} == {"db1_5432": "running", "db2": "streaming"}


def test_the_primary_is_not_restarted_and_its_password_is_nowhere(primary, hosts, operator):
    started = sql(primary, "SELECT pg_postmaster_start_time()")
    operator.tool("attach", *where(), "--yes", "--debug")
    assert sql(primary, "SELECT pg_postmaster_start_time()") == started
    [secret] = [
        line.rsplit(":", 1)[1] for line in hosts[1].exec(f"tail -n 1 {hosts[1].data}.pgpass").stdout.splitlines()
    ]
    for host in hosts:
        logged = host.exec(f"grep -rlF {secret} /var/log /etc {host.data} 2>/dev/null || true").stdout
        assert logged == ""
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", hosts[1].data, "--delete")
    assert sql(primary, "SELECT pg_postmaster_start_time()") == started


def test_whichever_host_is_rebooted_or_loses_power_it_streams_again_by_itself(attached, primary, hosts):
    db1, db2 = hosts
    db2.reboot()
    wait(lambda: receives(db2))
    db1.kill()
    db1.start()
    wait(lambda: receives(db2))
    db2.kill()
    db2.start()
    # The primary does not know at once that its walsender has lost its peer, and that one has the slot.
    wait(lambda: receives(db2), 90)
    sql(db1, "CREATE TABLE after_all ()")
    wait(lambda: sql(db2, "SELECT 1 FROM pg_class WHERE relname = 'after_all'"))
    sql(db1, "DROP TABLE after_all")


@pytest.mark.parametrize("login", ["admin", "postgres"])
def test_another_login_than_root_will_do(primary, hosts, operator, login):
    operator.tool("attach", *where(login), "--yes")
    assert streams(primary)
    owners = hosts[1].exec(f"find {hosts[1].data} {hosts[1].data}.pgpass -not -user postgres").stdout
    assert owners == ""
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", hosts[1].data, "--delete")
    assert not streams(primary)


def copying(primary, operator):
    process = operator.start("attach", *where(), "--yes", "--max-rate", "8M")
    wait(lambda: sql(primary, "SELECT 1 FROM pg_stat_progress_basebackup WHERE backup_streamed > 10000000"))
    return process


def test_killed_while_it_copies_nothing_lives_on_and_the_same_command_goes_on(primary, hosts, operator):
    process = copying(primary, operator)
    process.send_signal(signal.SIGKILL)
    wait(lambda: hosts[1].exec(COPIES).stdout == "", 15)
    assert "main.replaced-by-db2" not in beside(hosts[1])
    said = operator.tool("attach", *where(), "--yes")
    assert "old draft" in said
    assert "ATTACHED" in said
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", hosts[1].data, "--delete")


def test_cut_off_while_it_copies_the_copy_ends_there_too_and_the_same_command_goes_on(
    primary, hosts, operator, testbed
):
    process = copying(primary, operator)
    testbed.cut("db2", "operator")
    said = " ".join(process.communicate(timeout=60)[0].split())
    assert process.returncode == 5
    assert "the ssh connection to db2 was lost" in said
    testbed.heal()
    wait(lambda: hosts[1].exec(COPIES).stdout == "", 90)
    assert "ATTACHED" in operator.tool("attach", *where(), "--yes")
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", hosts[1].data, "--delete")


@pytest.mark.seldom
def test_a_short_cut_is_nothing(primary, hosts, operator, testbed):
    process = copying(primary, operator)
    testbed.cut("db2")
    hosts[1].exec("sleep 4")
    testbed.heal()
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", hosts[1].data, "--delete")


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ({"--primary-ssh": "nobody@db1"}, 3, "cannot reach nobody@db1 by ssh DETAIL: nobody@"),
        ({"--standby-ssh": "nowhere"}, 3, "cannot reach nowhere by ssh DETAIL: ssh: Could not resolve hostname"),
        ({"--primary-ssh": "-oProxyCommand=touch /tmp/x"}, 2, "is no host for ssh"),
        ({"--cluster": "MAJOR/other", "--replace-cluster": ""}, 2, "there is no cluster MAJOR/other on db2"),
        ({"--cluster": "../etc", "--replace-cluster": ""}, 2, "is no Debian cluster"),
        ({"--cluster": "15/other"}, 2, "--replace-cluster names another cluster than --cluster"),
        ({"-p": "port=5999"}, 3, "cannot connect to the primary"),
        ({"-D": "/etc/postgresql", "--port": "5999", "--replace-cluster": ""}, 4, "/etc/postgresql is not empty"),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else None,
)
def test_what_cannot_be_is_said_and_nothing_is_changed(primary, hosts, operator, options, status, words):
    before, there = sql(primary, FACTS), beside(hosts[1])
    asked = [word.replace("MAJOR", str(hosts[1].major)) for word in where(**options)]
    said = operator.tool("attach", *asked, "--yes", status=status)
    assert words.replace("MAJOR", str(hosts[1].major)) in said
    assert (sql(primary, FACTS), beside(hosts[1])) == (before, there)


def test_a_login_that_may_not_become_the_servers_user_is_told_so(primary, hosts, operator):
    hosts[1].exec("mv /etc/sudoers.d/admin /root/")
    said = operator.tool("preflight", *where(**{"--standby-ssh": "admin@db2"}), status=3)
    hosts[1].exec("mv /root/admin /etc/sudoers.d/")
    assert "admin may not become postgres on admin@db2" in said


def test_the_primarys_own_host_by_another_address_is_never_taken_for_the_standbys(primary, hosts, operator):
    before = sql(primary, FACTS)
    said = operator.tool("attach", *where(**{"--standby-ssh": "db1-v6", "--port": "5439"}), "--yes", status=4)
    assert f"{hosts[1].data} is the data directory of db1_5432 itself" in said
    assert sql(primary, FACTS) == before


def test_one_name_is_one_standby_on_one_host(attached, primary, operator):
    before = sql(primary, FACTS)
    said = operator.tool("attach", *where(**{"--standby-ssh": "db2-v6"}), "--yes", status=2)
    assert "db2 was attached, or begun, with another standby_ssh DETAIL: Then: db2. Now: db2-v6." in said
    assert sql(primary, FACTS) == before


@pytest.mark.seldom
def test_the_configuration_file_and_a_saved_plan_name_the_hosts_too(primary, hosts, operator, tmp_path):
    config, plan = tmp_path / "standbyctl.toml", tmp_path / "db2.plan"
    one, db2 = 'name = "one"\nssh = "db1"', f'name = "db2"\nssh = "db2"\ncluster = "{hosts[1].cluster}"'
    config.write_text(f"[[node]]\n{one}\n[[node]]\n{db2}\n")
    asked = ("-c", str(config), "-p", "one", "--name", "db2", "--replace-cluster", hosts[1].cluster)
    assert "standbyctl plan -p one" in operator.tool("preflight", *asked)
    operator.tool("plan", *asked, "-o", str(plan))
    assert "ATTACHED db2 streams from one" in operator.tool("attach", str(plan), "--yes")
    assert "Nothing to do" in operator.tool("attach", *asked, "--yes")
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", hosts[1].data, "--delete")


def test_what_does_not_answer_is_unknown_and_not_well(attached, primary, operator, testbed):
    testbed.cut("db2", "operator")
    said = operator.tool("status", status=None)
    testbed.heal()
    assert "db1_5432 | primary | running" in said
    assert "db2" in said
    assert "bug" not in said


@pytest.mark.parametrize("quote", ["ssh -F 'x", 'ssh "'])
def test_an_ssh_that_cannot_be_read_is_a_clear_error(primary, operator, quote):
    said = operator.tool("preflight", *where(), status=2, env={"STANDBYCTL_SSH": quote})
    assert "cannot read $STANDBYCTL_SSH" in said
    said = operator.tool("preflight", *where(), status=3, env={"STANDBYCTL_SSH": "/no/such/ssh"})
    assert "cannot reach db1 by ssh" in said
    assert "/no/such/ssh" in said


@pytest.mark.seldom
def test_a_standby_that_lets_nobody_in_is_known_as_ours_and_not_stopped_blindly(primary, hosts, operator):
    operator.tool("attach", *where(), "--yes")
    unit, hba = hosts[1].unit, hosts[1].hba
    hosts[1].exec(f"cp -p {hba} {hba}.kept && echo 'local all all reject' >{hba} && systemctl reload {unit}")
    hosts[1].exec("sleep 1")
    said = operator.tool("detach", "db2", "--yes", status=4)
    assert "db2 runs, and cannot be asked who uses it" in said
    assert "A253" not in said, "attach has made it, whoever started it"
    hosts[1].exec(f"mv {hba}.kept {hba} && systemctl reload {unit} && sleep 1")
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", hosts[1].data, "--delete")
