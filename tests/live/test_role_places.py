"""Roles change wherever the data directories are: where nothing can be made beside them, and behind links."""

import fcntl
import os
import shutil
from contextlib import contextmanager

import pytest

from standbyctl.lab.server import stop_server
from tests.roles import Cast, Writer, lose
from tests.sound import sound

pytestmark = [pytest.mark.live, pytest.mark.one_version, pytest.mark.settled]


class Placed(Cast):
    """With data directories in places of their own."""

    def __init__(self, pair, places):
        self.places = places
        super().__init__(pair)

    def data(self, name):
        return self.places[name]


@contextmanager
def holding(directory):
    """The lock of a run that is at work there."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


@pytest.fixture
def confined(pair):
    """Nothing can be made beside the primary's directory, as where it is a mount point in a directory of root's."""
    above = pair.area.path / "above"
    above.mkdir()
    shutil.chown(above, pair.area.user)
    pair.primary.stop("fast")
    pair.primary.data = pair.primary.data.rename(above / "db1")
    pair.primary.start()
    above.chmod(0o555)
    made = Placed(pair, {"db1": above / "db1", "db2": pair.area.path / "db2"})
    made.attach("db2")
    yield made
    stop_server(pair.area, above / "db1")
    above.chmod(0o755)


def test_a_place_where_no_passfile_can_be_made_is_seen_before_anything_is_done(confined):
    cast = confined
    refused = " ".join(cast.switchover("db2", status=1).stderr.split())
    assert f"cannot make files beside {cast.data('db1')}" in refused
    assert "CODE: P201" in refused
    assert "Nothing was changed" in refused
    assert cast.writable() == ["db1"]


def test_roles_change_where_the_lock_of_a_place_is_on_the_data_directory_itself(confined):
    """There is no room for a lock file beside it, and what stops the old primary locks the directory, too."""
    cast = confined
    above = cast.data("db1").parent
    above.chmod(0o755)
    cast.switchover("db2")
    cast.switchover("db1")
    above.chmod(0o555)
    with Writer(cast) as writer:
        writer.more()
        cast.switchover("db2")
        assert cast.writable() == ["db2"]
        assert cast.follows("db1", "db2")
        writer.more()
        cast.switchover("db1")
        assert cast.writable() == ["db1"]
        assert cast.follows("db2", "db1")
        writer.more()
    assert writer.lost("db1") == set()
    sound(cast, "db2", "db1")


def test_while_one_run_is_at_work_in_such_a_place_another_is_not(confined):
    cast = confined
    cast.data("db1").parent.chmod(0o755)
    cast.switchover("db2")
    cast.switchover("db1")
    cast.data("db1").parent.chmod(0o555)
    with holding(cast.data("db1")):
        refused = cast.switchover("db2", status=4)
    assert "another standbyctl run is at work" in " ".join(refused.stderr.split())
    assert cast.writable() == ["db1"]


@pytest.fixture
def linked(pair):
    """Each is started, and named, by a path that goes through a link."""
    area = pair.area
    for name in ("first", "second"):
        (area.path / name).mkdir()
        shutil.chown(area.path / name, area.user)
        (area.path / f"to-{name}").symlink_to(name)
    pair.primary.stop("fast")
    pair.primary.data.rename(area.path / "first/db1")
    pair.primary.data = area.path / "to-first/db1"
    pair.primary.start()
    made = Placed(pair, {"db1": area.path / "to-first/db1", "db2": area.path / "to-second/db2"})
    made.attach("db2")
    yield made
    for path in made.places.values():
        stop_server(area, path)


def test_roles_change_where_data_directories_are_behind_links(linked):
    cast = linked
    shown = dict(cast.rows(name, f"SELECT '{name}', current_setting('data_directory')")[0] for name in cast.places)
    assert shown["db1"] == f"{cast.data('db1')}", "a server does not resolve the path that it was started with"
    with Writer(cast) as writer:
        writer.more()
        cast.switchover("db2")
        assert cast.follows("db1", "db2")
        writer.more()
        cast.switchover("db1")
        assert cast.follows("db2", "db1")
        writer.more()
    assert writer.lost("db1") == set()
    sound(cast, "db2", "db1")


def test_a_primary_behind_a_link_is_lost_and_comes_back(linked):
    cast = linked
    lose(cast, "db1")
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    assert cast.writable() == ["db2"]
    cast.tool("resync", "db1", "--way", "clone", "--yes", status=0)
    sound(cast, "db1", "db2")
    cast.switchover("db1")
    assert cast.follows("db2", "db1")
