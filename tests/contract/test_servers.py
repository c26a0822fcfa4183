"""Both ways to a server keep the same promises: by libpq from here, and by a psql on its host."""

import json
import os

import psycopg
import pytest

from standbyctl.app.servers import PACKAGED_USER
from standbyctl.domain.errors import CannotTellError, NotLetInError, StoppedError
from standbyctl.lab.load import passfile
from standbyctl.nodes.libpq import LibpqServer, parse_conninfo
from standbyctl.nodes.local import LocalHost
from standbyctl.nodes.psql import PsqlServer, scram_verifier
from standbyctl.observe.look import SETTINGS, rights_asked, rights_query
from standbyctl.observe.restored import DIGEST, HISTORY, WAL
from standbyctl.observe.slots import slots_query
from standbyctl.observe.staging import SETTINGS as STAGED
from standbyctl.observe.surveying import SETTINGS as SURVEYED
from standbyctl.observe.texts import text
from standbyctl.observe.translation import seen_from

pytestmark = [pytest.mark.live, pytest.mark.one_version]
ODD = ["", "it's", 'a "b"', "back\\slash", "100 % %s", ":name", "日本語", "line\nline", "\t", "$1", "-- no", "'';"]
LOOK = text("server.sql").replace("[roles] AS", "pg_authid AS").replace("([rights])", f"({rights_query()})")
FLAGS = {"slotless": False, "restored": True}
SEEN = {"role": "nobody", "ours": ["db2", "db2_copy"], "settings": list(SETTINGS), **FLAGS, **rights_asked()}
SLOTS, ASKED = slots_query(files=True)
QUERIES = {
    "look": (LOOK, (SEEN,)),
    "survey": (text("survey.sql"), ({"role": "r", "settings": list(SURVEYED), "telling_roles": ["x"]},)),
    "staging": (text("staging.sql"), ({"settings": list(STAGED)},)),
    "slots": (SLOTS, (ASKED,)),
    "standby": (text("standby.sql"), ({"slot": "db2"},)),
    "order of text": (text("ordered.sql"), ({"most": 3},)),
    "WAL there is": (f"SELECT w.oldest, w.kept FROM ({WAL}) AS w (lsn, oldest, kept)", ("none",)),
    "no history": (HISTORY, ("00000009.history",)),
    "no WAL file": (DIGEST, ("000000090000000000000009", 100)),
    "no rows": ("SELECT 1 WHERE false", ()),
    "no columns": ("SELECT FROM pg_database WHERE datname = 'postgres'", ()),
    "one name twice": ("SELECT 1, 2, 'x', NULL, true, 1.5::float8, ARRAY['a', NULL], '{\"b\": [1]}'::jsonb", ()),
    "many rows": ("SELECT n, repeat('x', n) FROM generate_series(1, 2000) AS n", ()),
    "not a parameter": ("SELECT '100%'", ()),
}
# What goes on by itself.
MOVING = {"clock", "up_seconds", "wal", "lsn", "wal_directory_bytes", "sessions", "applications", "today", "streaming"}


@pytest.fixture
def servers(pair):
    os.environ["PGPASSFILE"] = str(passfile(pair.primary))
    by_libpq = LibpqServer("db1", parse_conninfo(pair.primary.conninfo))
    params = {"host": str(pair.area.path), "port": str(pair.primary.port), "user": "postgres", "dbname": "postgres"}
    hba = pair.primary.data / "pg_hba.conf"
    hba.write_text(f"local all all trust\n{hba.read_text()}")
    pair.primary.rows("SELECT pg_reload_conf()")
    by_psql = PsqlServer("db1", LocalHost(pair.area.user), params, str(pair.area.bin / "psql"))
    pair.wait(lambda: by_psql.observe("SELECT 1") == [(1,)])
    yield {"libpq": by_libpq, "psql": by_psql}
    by_libpq.close()
    by_psql.close()


def still(value):
    """What stands still of an answer, as JSON has it."""
    return json.loads(json.dumps(without_moving(value), default=str, sort_keys=True))


def without_moving(value):
    if isinstance(value, dict):
        return {key: without_moving(each) for key, each in value.items() if key not in MOVING}
    return [without_moving(each) for each in value] if isinstance(value, list | tuple) else value


def test_every_question_of_ours_gets_the_same_answer_both_ways(servers):
    for name, (query, params) in QUERIES.items():
        answers = {way: server.observe(query, *params) for way, server in servers.items()}
        assert still(answers["psql"]) == still(answers["libpq"]), name
    assert servers["psql"].read_bytes("SELECT '\\x00ff0a'::bytea") == b"\x00\xff\n"


@pytest.mark.every_version
@pytest.mark.parametrize("way", ["libpq", "psql"])
def test_a_server_says_by_which_address_it_sees_a_host_and_logs_nothing_of_it(servers, way, pair):
    log = pair.area.path / f"{pair.primary.data.name}.log"
    logged = log.read_text()
    host, port = LocalHost(pair.area.user), pair.primary.port
    assert seen_from(servers[way], host, "127.0.0.1", port, "127.0.0.1") == "127.0.0.1"
    assert log.read_text() == logged
    assert seen_from(servers[way], host, "127.0.0.1", port, "1.0.0.127") == "", "an order that we do not read"
    assert seen_from(servers[way], host, "127.0.0.1", 1, "127.0.0.1") == "", "nothing answers there"


@pytest.mark.parametrize("way", ["libpq", "psql"])
def test_values_arrive_to_the_letter(servers, way):
    server = servers[way]
    for odd in ODD:
        assert server.observe("SELECT %s::text", odd) == [(odd,)]
        assert server.observe("SELECT %(v)s::text, 5 %% 3", {"v": odd}) == [(odd, 2)]
    assert server.observe("SELECT x FROM unnest(%s::text[]) AS x", ODD) == [(odd,) for odd in ODD]


@pytest.mark.parametrize("way", ["libpq", "psql"])
def test_a_session_is_ours_whatever_its_owner_has_set(servers, way, pair):
    pair.primary.rows("ALTER DATABASE postgres SET DateStyle = 'German'; ALTER ROLE postgres SET statement_timeout = 1")
    names = ["search_path", "DateStyle", "statement_timeout", "lock_timeout", "default_transaction_read_only"]
    ask = "SELECT " + ", ".join(f"current_setting('{name}')" for name in [*names, "application_name"])
    servers[way].close()
    assert servers[way].observe(ask) == [("pg_catalog", "ISO, MDY", "1min", "10s", "on", "standbyctl")]
    session = servers[way].session()
    assert session.rows(ask)[0][4] == "off"
    assert session.rows("SHOW synchronous_commit" if way == "libpq" else "SELECT current_setting('synchronous_commit')")
    session.close()


@pytest.mark.parametrize("way", ["libpq", "psql"])
def test_what_is_refused_is_known_by_its_state(servers, way):
    server = servers[way]
    assert server.attempt("SELECT 1 / 0", timeout_seconds=10) == ("22012", "division by zero")
    assert server.attempt("SELECT 1", timeout_seconds=10) == ("", "")
    with pytest.raises(CannotTellError) as caught:
        server.observe("SELECT no_such_thing")
    assert (caught.value.code, "no_such_thing" in str(caught.value.detail)) == ("A202", True)
    with pytest.raises(CannotTellError):
        server.observe("CREATE TABLE t ()")
    session = server.session()
    with pytest.raises(StoppedError, match="refused a statement") as stopped:
        session.rows("ALTER SYSTEM SET no_such_setting = 1")
    assert "42704" in str(stopped.value.detail)
    assert session.rows("SELECT 1") == [(1,)], "it goes on after an error"
    session.close()


@pytest.mark.parametrize("way", ["libpq", "psql"])
def test_a_connection_that_was_lost_is_made_again_for_looking_and_an_error_for_acting(servers, way, pair):
    server = servers[way]
    server.observe("SELECT 1")
    session = server.session()
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'standbyctl'"
    pair.primary.rows(end)
    assert server.observe("SELECT 1") == [(1,)]
    with pytest.raises(StoppedError):
        session.rows("SELECT 1")
    session.close()
    pair.primary.stop("fast")
    with pytest.raises(CannotTellError) as caught:
        server.observe("SELECT 1")
    assert caught.value.code == "A201"


@pytest.mark.parametrize("way", ["libpq", "psql"])
def test_a_login_that_is_refused_is_no_server_that_is_away(servers, way, pair):
    server = servers[way]
    hba = pair.primary.data / "pg_hba.conf"
    hba.write_text(f"local all postgres reject\nhost all postgres all reject\n{hba.read_text()}")
    pair.area.run("pg_ctl", "reload", "-D", str(pair.primary.data))
    server.close()

    def refused():
        try:
            server.observe("SELECT 1", timeout_seconds=3)
        except CannotTellError as error:
            return isinstance(error, NotLetInError)
        finally:
            server.close()
        return False

    pair.wait(refused)
    pair.primary.stop("fast")
    assert not refused()


@pytest.mark.parametrize("way", ["libpq", "psql"])
def test_a_server_that_does_not_answer_in_time_is_given_up(servers, way):
    servers[way].observe("SELECT 1")
    with pytest.raises(CannotTellError):
        servers[way].observe("SELECT pg_sleep(20)", timeout_seconds=2)


@pytest.mark.parametrize("way", ["libpq", "psql"])
def test_another_database_and_who_answers(servers, way, pair):
    pair.primary.rows('CREATE DATABASE "it\'s"')
    other = servers[way].at("x", dbname="it's")
    assert other.observe("SELECT current_database()") == [("it's",)]
    other.close()
    session = servers[way].session("it's")
    assert session.rows("SELECT current_database()") == [("it's",)]
    session.close()
    who = servers[way].greeting()
    assert who.version_num // 10000 == pair.area.major
    assert who.superuser
    assert servers[way].observe("SELECT pg_backend_pid()") == [(who.backend_pid,)]
    assert parse_conninfo(who.conninfo)["port"] == str(pair.primary.port)


@pytest.mark.parametrize("way", ["libpq", "psql"])
def test_the_verifier_of_a_password_lets_it_in(servers, way, pair):
    verifier = servers[way].encrypt_password("s3cret", "walrus")
    assert verifier.startswith("SCRAM-SHA-256$4096:")
    pair.primary.rows(f"CREATE ROLE walrus LOGIN PASSWORD '{verifier}'")
    there = f"host=127.0.0.1 port={pair.primary.port} user=walrus dbname=postgres"
    assert psycopg.connect(there, password="s3cret").close() is None
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(there, password="other")


def test_a_verifier_is_of_ascii_and_the_user_is_the_packages():
    assert scram_verifier("x", b"0123456789abcdef") == scram_verifier("x", b"0123456789abcdef")
    with pytest.raises(UnicodeEncodeError):
        scram_verifier("ü", b"0123456789abcdef")
    assert PACKAGED_USER == "postgres"
