"""Which cluster a watch is of: the one that it first was of, whatever is attached or detached meanwhile."""

import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner

from standbyctl.app.cluster import open_cluster
from standbyctl.app.config import Config, NodeConfig
from standbyctl.app.known import same_door
from standbyctl.app.state import State
from standbyctl.domain.errors import UsageError
from standbyctl.nodes.clock import SystemClock
from standbyctl.ui.cli import cli
from tests.pure.examples import TARGET


class Attached:
    """A state that standbys come into, and go from."""

    def __init__(self, root):
        self.root, self.state = root, State(root)

    def attach(self, name, primary="db1", system="1", conninfo="host=db1 port=5433", **more):
        target = replace(TARGET, name=name, slot=name, primary=primary, **more)
        (self.root / name).mkdir()
        self.state.journal(name).open(target, conninfo, system)

    def detach(self, name):
        shutil.rmtree(self.root / name)

    def open(self, earlier=None, asked=""):
        return open_cluster(asked, "", Config(), self.state, SystemClock(), earlier)

    def exported(self, *options):
        done = CliRunner().invoke(
            cli, ["export", "systemd", *options], env={"STANDBYCTL_STATE": str(self.root), "STANDBYCTL_LANG": "en"}
        )
        assert done.exit_code == 0, done.output
        [line] = [each for each in done.output.splitlines() if each.startswith("ExecStart=")]
        return line.partition(" watch")[2]


@pytest.fixture
def here(tmp_path):
    return Attached(tmp_path)


def seen(cluster):
    return cluster.head, cluster.system_identifier, [each.name for each in cluster.expected]


def test_it_is_the_same_with_nothing_attached_any_more(here):
    here.attach("db2")
    first = here.open()
    assert seen(first) == ("db1", "1", ["db2"])
    here.detach("db2")
    with pytest.raises(UsageError, match="nothing is attached"):
        here.open()
    again = here.open(first)
    assert seen(again) == ("db1", "1", [])
    assert [each.name for each in again.samplers] == ["db1"]
    assert again.conninfo == "host=db1 port=5433"


def test_a_cluster_is_known_by_the_name_of_any_node_of_it(here):
    here.attach("db2")
    here.attach("db3", "db2", conninfo="host=db2", head="db1", head_conninfo="host=db1 port=5433")
    here.attach("x2", "x1", "2", "host=x1")
    for name in ("db1", "db2", "db3"):
        assert seen(here.open(asked=name)) == ("db1", "1", ["db2", "db3"])
    assert seen(here.open(asked="x2")) == ("x1", "2", ["x2"])


def test_it_is_the_same_with_another_cluster_attached_to(here):
    here.attach("db2")
    first = here.open()
    here.attach("x2", "x1", "2", "host=x1")
    here.attach("db3")
    with pytest.raises(UsageError, match="which primary"):
        here.open()
    again = here.open(first)
    assert seen(again) == ("db1", "1", ["db2", "db3"])
    here.detach("db2")
    here.detach("db3")
    assert seen(here.open(again)) == ("db1", "1", [])


def test_of_one_conninfo_on_two_hosts_it_is_the_one_that_it_was(here):
    here.attach("db2", system="1", conninfo="port=5433", primary_ssh="ops@one")
    here.attach("x2", "x1", system="2", conninfo="port=5433", primary_ssh="ops@two")
    first = here.open(asked="db1")
    assert seen(first) == ("db1", "1", ["db2"])
    here.detach("db2")
    again = here.open(first)
    assert seen(again) == ("db1", "1", [])
    assert again.hosts.primary_ssh == "ops@one"


def logins(cluster):
    """By which conninfo each is asked."""
    return {each.name: dict(each.server._params) for each in cluster.samplers}


def test_another_role_at_the_same_address_looks_at_all_of_the_same_cluster(here):
    """Nobody answers there: it is known by its address alone."""
    where = "host=127.0.0.1 port=1"
    here.attach("db2", conninfo=f"{where} user=postgres")
    mon = here.open(asked=f"{where} user=mon dbname=postgres sslmode=disable")
    assert seen(mon) == ("db1", "1", ["db2"])
    assert {name: each["user"] for name, each in logins(mon).items()} == {"db1": "mon", "db2": "mon"}
    assert logins(mon)["db2"]["port"] == str(TARGET.port)
    assert logins(here.open(mon)) == logins(mon), "and the next time, too"
    own = here.open(asked="db1")
    assert {each["user"] for each in logins(own).values()} == {"postgres"}


def test_a_name_of_the_configuration_is_that_of_the_primary_that_was_attached_to(here):
    here.attach("db2", primary="127.0.0.1_1", conninfo="host=127.0.0.1 port=1 user=postgres")
    config = Config(nodes=(NodeConfig("db1", "host=127.0.0.1 port=1 user=mon"),))
    cluster = open_cluster("host=127.0.0.1 port=1 user=mon", "db1", config, here.state, SystemClock())
    assert [each.name for each in cluster.samplers] == ["db1", "db2"]
    assert [each.upstream for each in cluster.expected] == ["db1"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("host=a port=5432 user=x", "host=a user=y dbname=z", True),
        ("host=a port=5433", "host=a port=5432", False),
        ("host=a", "host=b", False),
        ("postgresql://x@a:5433/db", "host=a port=5433", True),
        ("port=5433 user=x", "port=5433 user=y", False),  # a socket, of some host or other
        ("host=/run user=x", "host=/run user=y", False),
        ("host=/run user=x", "host=/run user=x", True),
        ("service=s host=a", "host=a", False),
    ],
)
def test_the_same_address_is_known_as_that(one, other, same, monkeypatch):
    monkeypatch.delenv("PGPORT", raising=False)
    assert same_door(one, other) is same
    assert same_door(other, one) is same


def test_a_unit_names_the_cluster_where_it_is_known_which_one(here):
    assert here.exported() == ""
    here.attach("db2")
    assert here.exported() == ' -p "host=db1 port=5433"'
    here.attach("x2", "x1", "2", "host=x1")
    assert here.exported() == ""
    assert here.exported("-p", "x1") == " -p x1"


def test_a_unit_names_a_primary_by_its_name_where_its_conninfo_is_one_of_another_host(here):
    here.attach("db2", conninfo="port=5433", primary_ssh="ops@one")
    assert here.exported() == " -p db1"
