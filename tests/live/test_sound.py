"""What looks whether a standby is what its primary is can see that it is not."""

import psycopg
import pytest

from tests.conftest import found_here
from tests.pair import Pair, Template
from tests.roles import Cast
from tests.sound import has_amcheck, sound

pytestmark = [pytest.mark.live, pytest.mark.settled, pytest.mark.needs("amcheck")]


@pytest.fixture(scope="module")
def checking():
    """Of a version that has amcheck."""
    made = Template.make(next(found for found in found_here() if has_amcheck(found.path)))
    yield made
    made.area.remove()


@pytest.fixture
def cast(checking):
    pair = Pair.make(checking)
    made = Cast(pair)
    made.attach("db2")
    with made.connect("db1") as conn:
        conn.execute("CREATE TABLE words AS SELECT 'needle' AS word")
        conn.execute("CREATE INDEX words_index ON words (word)")
    sound(made, "db2", "db1")
    yield made
    pair.end()


def spoil(cast, relation, *, checksum):
    """Another word in a file of the standby, with the checksum of what is there now or of what was there."""
    area, data = cast.pair.area, cast.data("db2")
    [(path,)] = cast.rows("db2", f"SELECT pg_relation_filepath('{relation}')")
    area.run("pg_ctl", "stop", "-D", str(data), "-m", "fast", "-w", "-s")
    if checksum:
        area.run("pg_checksums", "--disable", "-D", str(data))
    block = (data / path).read_bytes()
    assert block.count(b"needle") == 1
    (data / path).write_bytes(block.replace(b"needle", b"noodle"))
    if checksum:
        area.run("pg_checksums", "--enable", "-D", str(data))
    area.run("pg_ctl", "start", "-D", str(data), "-w", "-s", "-l", str(data.with_name("spoilt.log")))


def test_a_row_that_is_another_one_is_seen(cast):
    spoil(cast, "words", checksum=True)
    with pytest.raises(AssertionError, match="'words'"):
        sound(cast, "db2", "db1")


def test_a_block_that_has_not_its_checksum_is_seen(cast):
    spoil(cast, "words_index", checksum=False)
    with pytest.raises(AssertionError, match="checksum verification failed in file"):
        sound(cast, "db2", "db1")


def test_an_index_of_other_words_is_seen(cast):
    spoil(cast, "words_index", checksum=True)
    with pytest.raises(psycopg.errors.DataCorrupted, match="lacks matching index tuple"):
        sound(cast, "db2", "db1")
