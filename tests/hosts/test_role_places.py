"""Roles change over ssh where the data directory of the primary is a mount point, named by a link, in root's own."""

import pytest

from tests.hosts.operator import sql, wait
from tests.hosts.roles import Cast, Clients, Watching

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.seldom]
MOVED = """
set -e
systemctl stop {unit}
install -d /srv/volume /srv/pg/data
ln -s /srv/pg /pg
cp -a {data}/. /srv/volume/
mount --bind /srv/volume /srv/pg/data
chown postgres: /srv/pg /srv/pg/data && chmod 700 /srv/pg/data
sed -i "s|^data_directory = .*|data_directory = '/pg/data'|" /etc/postgresql/{cluster}/postgresql.conf
systemctl start {unit}
"""


@pytest.fixture
def cast(testbed):
    made = Cast(testbed)
    db1 = made.hosts[0]
    db1.exec(MOVED.format(unit=db1.unit, data=db1.data, cluster=db1.cluster))
    wait(made.settled)
    yield made
    made.end()


def test_the_lock_of_a_mount_point_is_let_go_of_before_the_script_takes_it(cast):
    db1, db2 = cast.hosts
    assert sql(db1, "SHOW data_directory") == "/pg/data"
    db1.exec("mountpoint -q /pg/data && chown root: /srv/pg")
    assert "cannot make files beside /" in " ".join(
        cast.operator.tool("switchover", "--to", "db2", "--yes", status=1).split()
    )
    assert cast.writable() == [db1]
    # What is made there once is there for every other time.
    db1.exec("chown postgres: /srv/pg")
    cast.switchover(db2)
    wait(cast.settled)
    cast.switchover(db1)
    wait(cast.settled)
    db1.exec("chown root: /srv/pg")
    with Watching(cast.hosts) as watching, Clients(db1, db2) as clients:
        cast.switchover(db2)
        clients.more()
        wait(cast.settled)
        cast.switchover(db1)
        clients.more()
        wait(cast.settled)
    assert watching.twice == []
    assert cast.writable() == [db1]
    assert clients.lost(db1) == set()
    assert db1.exec("ls -A /srv/pg").stdout.split() == ["data", "data.pgpass"]
