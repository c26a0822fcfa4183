"""Tablespaces, and pg_wal on a volume of its own: copied, put in place, given back, through every death."""

import shutil
import signal

import pytest

from standbyctl.lab.server import free_port

pytestmark = [pytest.mark.live, pytest.mark.one_version, pytest.mark.settled]
DRAFT = ".db2.standbyctl-1"


class Volumes:
    """A primary with a tablespace, and empty directories for the standby: mount points, by their lost+found."""

    def __init__(self, pair):
        self.pair = pair
        self.fast, self.wal, self.nvme = (pair.area.path / name for name in ("fast", "wal", "nvme"))
        for directory in (self.fast, self.wal, self.nvme):
            directory.mkdir(mode=0o700)
            shutil.chown(directory, pair.area.user)
        for directory in (self.wal, self.nvme):
            (directory / "lost+found").mkdir(mode=0o700)
        pair.primary.rows(f"CREATE TABLESPACE fast LOCATION '{self.fast}'")
        pair.primary.rows("CREATE TABLE quick TABLESPACE fast AS SELECT generate_series(1, 1000) AS n")
        self.asked = ("--waldir", str(self.wal), "-T", f"{self.fast}={self.nvme}")

    def attach(self, **more):
        return self.pair.attach(*self.asked, **more)

    def detach(self, *more):
        return self.pair.detach("--remove-data-dir", str(self.pair.data), *more)

    def are_the_standbys(self):
        data = self.pair.data
        assert (data / "pg_wal").readlink() == self.wal
        [link] = (data / "pg_tblspc").iterdir()
        assert link.readlink() == self.nvme
        assert [path.name[:3] for path in self.nvme.iterdir() if path.name != "lost+found"] == ["PG_"]
        assert [path.name for path in self.wal.iterdir() if len(path.name) == len("000000010000000000000001")]
        # The primary's next words come through both.
        self.pair.primary.rows("INSERT INTO quick VALUES (1001)")
        with self.pair.standby() as standby:
            self.pair.wait(lambda: standby.execute("SELECT count(*) FROM quick").fetchone() == (1001,))
        self.pair.primary.rows("DELETE FROM quick WHERE n = 1001")

    def are_empty(self):
        for directory in (self.wal, self.nvme):
            assert [path.name for path in directory.iterdir()] == ["lost+found"]
        assert self.pair.primary.rows("SELECT count(*) FROM quick") == [(1000,)]


@pytest.fixture
def volumes(pair):
    return Volumes(pair)


def text(done):
    return " ".join((done.stdout + done.stderr).split())


def test_each_part_goes_where_it_was_asked_to_and_detach_leaves_the_directories_empty(volumes, pair):
    said = text(pair.tool("plan", *pair.where, *volumes.asked, status=0))
    assert f"the WAL into {volumes.wal}, {volumes.fast} into {volumes.nvme}" in said
    volumes.attach()
    volumes.are_the_standbys()
    assert "Nothing to do" in text(pair.tool("attach", *pair.where, "--yes", status=0))
    said = text(volumes.detach("--delete"))
    assert f"and what it has in {volumes.wal}, {volumes.nvme}" in said
    volumes.are_empty()
    assert pair.beside() == ["fast", "nvme", "wal"]


def test_set_aside_it_is_whole_and_a_new_standby_is_not_mixed_into_it(volumes, pair):
    volumes.attach()
    volumes.detach()
    aside = pair.area.path / "db2.detached-1"
    assert (aside / "pg_wal").readlink() == volumes.wal
    for verb, more in (("plan", ()), ("attach", ("--yes",))):
        said = text(pair.tool(verb, *pair.where, *volumes.asked, *more, status=4))
        assert f"the WAL cannot go into {volumes.wal}" in said
        assert f"{volumes.fast} cannot go into {volumes.nvme}" in said


def test_on_the_primarys_own_machine_the_same_path_is_the_primarys_data(volumes, pair):
    before = sorted(path.name for path in volumes.fast.iterdir())
    said = text(pair.attach(status=4))
    assert f"{volumes.fast} cannot go into {volumes.fast} DETAIL: " in said
    assert "itself has it." in said
    assert "--tablespace-mapping" in said
    # By another name too.
    link = pair.area.path / "link"
    link.symlink_to(volumes.fast)
    assert "itself has it." in text(pair.attach("-T", f"{volumes.fast}={link}", status=4))
    assert sorted(path.name for path in volumes.fast.iterdir()) == before
    assert pair.beside() == ["fast", "link", "nvme", "wal"]


@pytest.mark.parametrize(
    "point",
    ["during:CopyCluster", "before:SealDraft", "before:PutInPlace", "during:PutInPlace", "after:PutInPlace"],
)
@pytest.mark.parametrize("then", [pytest.param("attach", marks=pytest.mark.seldom), "detach"])
def test_killed_with_parts_in_three_places_the_same_again_goes_on_and_detach_comes_back(volumes, pair, point, then):
    env = {"DYING_POINT": point, "DYING_DELAY": "0.01", "DYING_NOTE": str(pair.area.path / "note")}
    died = pair.tool("attach", *pair.where, *volumes.asked, "--yes", module="tests.faults.dying", env=env)
    assert died.returncode == -signal.SIGKILL, text(died)
    pair.wait(lambda: not pair.ours())
    if then == "attach":
        volumes.attach()
        volumes.are_the_standbys()
    volumes.detach("--delete")
    volumes.are_empty()
    assert pair.beside() == ["fast", "note", "nvme", "wal"]


def test_a_standby_that_is_copied_has_its_tablespaces_in_other_places(volumes, pair):
    volumes.attach()
    hba = pair.data / "pg_hba.conf"
    hba.write_text(hba.read_text() + "host replication repl_db3 127.0.0.1/32 scram-sha-256\n")
    with pair.standby() as standby:
        standby.execute("SELECT pg_reload_conf()")
    third, data = pair.area.path / "third", pair.area.path / "db3"
    third.mkdir(mode=0o700)
    shutil.chown(third, pair.area.user)
    port, mapped = free_port(), ("-T", f"{volumes.fast}={third}")
    where = ("-p", pair.primary.conninfo, "-D", str(data), "--name", "db3", "--port", str(port), "--copy-from", "db2")
    pair.tool("attach", *where, *mapped, "--yes", status=0)
    [link] = (data / "pg_tblspc").iterdir()
    assert link.readlink() == third
    with pair.primary.connect(port) as standby:
        assert standby.execute("SELECT count(*) FROM quick").fetchone() == (1000,)
    pair.tool("detach", "db3", "--yes", "--remove-data-dir", str(data), "--delete", status=0)
    assert list(third.iterdir()) == []
    volumes.are_the_standbys()


def test_a_deletion_that_was_killed_is_ended_by_the_same_again(volumes, pair):
    volumes.attach()
    gone = ("detach", "db2", "--yes", "--remove-data-dir", str(pair.data), "--delete")
    env = {"DYING_POINT": "during:DeleteAside", "DYING_DELAY": "0.005", "DYING_NOTE": str(pair.area.path / "note")}
    died = pair.tool(*gone, module="tests.faults.dying", env=env)
    assert died.returncode == -signal.SIGKILL, text(died)
    pair.tool(*gone, status=0)
    volumes.are_empty()


def test_a_tablespace_that_the_primary_has_made_since_is_replayed_into_its_own_place_and_never_deleted(volumes, pair):
    volumes.attach()
    late = pair.area.path / "late"
    late.mkdir(mode=0o700)
    shutil.chown(late, pair.area.user)
    pair.primary.rows(f"CREATE TABLESPACE late LOCATION '{late}'")
    pair.primary.rows("CREATE TABLE precious TABLESPACE late AS SELECT generate_series(1, 1000) AS n")
    with pair.standby() as standby:
        pair.wait(lambda: standby.execute("SELECT count(*) FROM pg_tablespace").fetchone() == (4,))
    said = text(volumes.detach("--delete"))
    assert f"{late} is left as it is" in said
    assert "the primary itself has it" in said
    volumes.are_empty()
    pair.primary.stop("fast")
    pair.primary.start()
    assert pair.primary.rows("SELECT count(*) FROM precious") == [(1000,)]


def test_a_directory_that_was_filled_since_the_plan_stops_the_copy_and_is_left_alone(volumes, pair):
    env = {"DYING_POINT": "before:CopyCluster", "DYING_NOTE": str(pair.area.path / "note")}
    pair.tool("attach", *pair.where, *volumes.asked, "--yes", module="tests.faults.dying", env=env)
    (volumes.nvme / "thesis.txt").write_text("mine\n")
    said = text(volumes.attach(status=4))
    assert f"{volumes.fast} cannot go into {volumes.nvme}" in said
    pair.detach()
    assert sorted(path.name for path in volumes.nvme.iterdir()) == ["lost+found", "thesis.txt"]
