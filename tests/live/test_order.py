"""What is in an order that libc or ICU decides, in every database of a real server."""

import os
import subprocess

import pytest

from standbyctl.domain.likeness import Ordered
from standbyctl.lab.load import passfile
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.libpq import LibpqServer, parse_conninfo
from standbyctl.observe.likeness import look_at_order

pytestmark = [pytest.mark.live]
LOCALES = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True).stdout.split()
# One that libc sorts by, where the host has one; else there is nothing that it sorts.
SORTED = next((name for name in LOCALES if name.endswith(".utf8") and not name.startswith("C.")), "C.UTF-8")
BY_LIBC = f"LC_COLLATE '{SORTED}' LC_CTYPE '{SORTED}'"
TEXT = """
CREATE TABLE t (id int PRIMARY KEY, name text, note varchar(9), bare text COLLATE "C", day date);
CREATE INDEX by_name ON t (day, name);
CREATE INDEX by_note ON t (note);
CREATE INDEX by_expression ON t (lower(name));
CREATE INDEX by_bytes ON t (bare);
CREATE INDEX by_pattern ON t (name text_pattern_ops);
CREATE INDEX by_hash ON t USING hash (name);
CREATE INDEX by_day ON t (day);
CREATE UNLOGGED TABLE fleeting (name text PRIMARY KEY);
CREATE TABLE ranges (name text) PARTITION BY RANGE (name);
CREATE TABLE lists (name text) PARTITION BY LIST (name);
"""
TEXTS = ("by_expression", "by_name", "by_note", "ranges (partitioned by range)")
NAMES = TEXTS if SORTED != "C.UTF-8" else ()


@pytest.fixture
def server(pair):
    os.environ["PGPASSFILE"] = str(passfile(pair.primary))
    made = LibpqServer("db1", parse_conninfo(pair.primary.conninfo))
    yield made
    made.close()


def database(pair, name, options):
    pair.primary.rows(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {options}")
    with pair.primary.connect(dbname=name) as conn:
        conn.execute(TEXT)


def look(server, seconds=60.0):
    return look_at_order(server, lambda name: server.at(name, dbname=name), SystemClock(), seconds)


def has_icu(pair):
    return bool(pair.primary.rows("SELECT 1 FROM pg_collation WHERE collprovider = 'i' AND collname = 'de-x-icu'"))


def test_what_libc_orders_is_named_and_what_compares_bytes_is_not(pair, server):
    database(pair, "plain", "LC_COLLATE 'C' LC_CTYPE 'C'")
    database(pair, "bytes", "LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'")
    assert look(server).libc == Ordered()
    database(pair, "app", BY_LIBC)
    found = look(server)
    assert found.libc == Ordered(len(NAMES), tuple(f"app.public.{name}" for name in NAMES))
    assert (found.icu, found.untold) == (Ordered(), ())


def test_what_icu_orders_is_icus(pair, server):
    if not has_icu(pair):
        assert look(server).icu == Ordered()
        return
    database(pair, "app", "LC_COLLATE 'C' LC_CTYPE 'C'")
    with pair.primary.connect(dbname="app") as conn:
        conn.execute('CREATE INDEX by_icu ON t (note COLLATE "de-x-icu")')
        conn.execute("CREATE INDEX by_predicate ON t (day) WHERE bare < 'x' COLLATE \"de-x-icu\"")
        conn.execute("CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
        conn.execute("CREATE INDEX by_folded_hash ON t USING hash (note COLLATE public.folded)")
    found = look(server)
    assert found.icu == Ordered(3, tuple(f"app.public.{name}" for name in ("by_folded_hash", "by_icu", "by_predicate")))
    assert found.libc == Ordered()
    database(pair, "whole", "LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de'")
    assert look(server).icu.count == 3 + len(TEXTS)


@pytest.mark.majors(17, 18)
def test_the_builtin_provider_has_one_order_everywhere(pair, server):
    database(pair, "app", f"{BY_LIBC} LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'")
    assert (look(server).libc, look(server).icu) == (Ordered(), Ordered())


@pytest.mark.one_version
def test_many_are_counted_and_ten_named_and_a_database_that_nobody_gets_into_is_said_to_be(pair, server):
    database(pair, "app", BY_LIBC)
    with pair.primary.connect(dbname="app") as conn:
        for n in range(20):
            conn.execute(f"CREATE INDEX a{n:02} ON t (name)")
    pair.primary.rows("CREATE DATABASE locked ALLOW_CONNECTIONS false")
    found = look(server)
    assert found.libc.count == (20 + len(NAMES) if NAMES else 0)
    assert found.libc.names == tuple(f"app.public.a{n:02}" for n in range(10 if NAMES else 0))
    assert [*map(str, found.untold)] == ["locked (takes no connections)"]


@pytest.mark.one_version
def test_a_look_that_takes_too_long_says_which_databases_it_left_out(server):
    assert [*map(str, look(server, -1.0).untold)] == ["postgres (no time left)", "template1 (no time left)"]
