"""Whether a standby is what its primary is: every row, every block's checksum, every index and every table's heap."""

from functools import cache
from pathlib import Path

DATABASES = "SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1"
# What is unlogged is empty on a standby, and what is temporary is nobody else's.
TABLES = """
SELECT oid::regclass::text FROM pg_class
 WHERE relkind IN ('r', 'm') AND relpersistence = 'p'
   AND relnamespace::regnamespace::text !~ '^pg_|^information_schema$'
 ORDER BY 1
"""
ROWS = "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM ONLY {table} AS t"
# bt_index_parent_check takes a lock that nobody gets in recovery; every row is looked for in its index all the same.
INDEXES = """
SELECT c.oid::regclass::text, bt_index_check(c.oid, heapallindexed => true)
  FROM pg_class AS c JOIN pg_am AS a ON a.oid = c.relam JOIN pg_index AS i ON i.indexrelid = c.oid
 WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence = 'p' AND i.indisready AND i.indisvalid
"""
# 14+
HEAPS = """
SELECT c.oid::regclass::text, v.blkno, v.offnum, v.msg
  FROM pg_class AS c CROSS JOIN LATERAL verify_heapam(c.oid, check_toast => true) AS v
 WHERE c.relkind IN ('r', 'm', 't') AND c.relpersistence = 'p'
"""


@cache
def has_amcheck(programs):
    """Whether amcheck was installed with these programs: some have no contrib."""
    lib = Path(programs).parent / "lib"
    return any((each / "amcheck.so").exists() for each in (lib, lib / "postgresql"))


def sound(cast, name, primary):
    """Assert it of a standby, with nobody at work. It is stopped for that and started again, and follows again."""
    cast.pair.wait(lambda: cast.follows(name, primary))
    checked = installed(cast, primary)
    # A standby that stops writes out what it has changed, as far as the last checkpoint that it has seen.
    with cast.connect(primary) as conn:
        conn.execute("CHECKPOINT")
    cast.caught_up(name, primary)
    there, here = rows(cast, primary), rows(cast, name)
    assert here == there, f"{name} differs: {sorted({each for each, _ in here.items() ^ there.items()})}"
    blocks = spoilt_blocks(cast, name)
    assert not blocks, blocks
    cast.pair.wait(lambda: cast.follows(name, primary))
    if checked:
        heaps = spoilt_heaps(cast, name)
        assert not heaps, heaps


def installed(cast, primary):
    """The extension, in every database; where there is none the summary has said so for this version."""
    here = bool(cast.rows(primary, "SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'"))
    assert here == has_amcheck(cast.pair.template.area.bin), "what the summary says of amcheck is not so"
    for [database] in cast.rows(primary, DATABASES) if here else []:
        with cast.connect(primary, dbname=database) as conn:
            conn.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
    return here


def rows(cast, name):
    """How many every table of every database has, and a digest of them."""
    found = {}
    for [database] in cast.rows(name, DATABASES):
        with cast.connect(name, dbname=database) as conn:
            for [table] in conn.execute(TABLES).fetchall():
                found[database, table] = conn.execute(ROWS.format(table=table)).fetchone()
    assert found
    return found


def spoilt_blocks(cast, name):
    """What pg_checksums says against them, once the server has stopped; it is started again."""
    data, area = cast.data(name), cast.pair.area
    area.run("pg_ctl", "stop", "-D", str(data), "-m", "fast", "-w", "-s")
    seen = area.run("pg_checksums", "--check", "-D", str(data), check=False)
    area.run("pg_ctl", "start", "-D", str(data), "-w", "-s", "-l", str(data.with_name("again.log")))
    return seen.stderr or f"exit {seen.returncode}" * bool(seen.returncode)


def spoilt_heaps(cast, name):
    """What amcheck says against heaps; against an index it raises an error."""
    found = []
    for [database] in cast.rows(name, DATABASES):
        with cast.connect(name, dbname=database) as conn:
            assert conn.execute(INDEXES).fetchall()
            if conn.info.server_version >= 140000:
                found += conn.execute(HEAPS).fetchall()
    return found
