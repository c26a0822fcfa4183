"""What `explain` tells to ask a server can be asked: every statement that only looks, on a real server."""

import re

import psycopg
import pytest

from standbyctl.diagnosis.catalogue import ALL, find

pytestmark = [pytest.mark.live]


def statements(entry):
    """The SELECTs and SHOWs of an entry, and the first major that each is said to be for."""
    for way in entry.do:
        prose, _, typed = str(way).partition("\n")
        since = re.search(r"(\d\d) and later", prose)
        for statement in re.findall(r"(?ms)^(?:SELECT|SHOW)\b.*?;", typed):
            yield statement, int(since[1]) if since else 0


# They do something: they are tried by hand, where there is a slot, a backend or a pause to end.
DEEDS = (
    "pg_create_physical_replication_slot",
    "pg_drop_replication_slot",
    "pg_terminate_backend",
    "pg_reload_conf",
    "pg_wal_replay_resume",
    "emit_message",
)


def test_every_question_that_explain_suggests_can_be_asked(pair):
    [(version,)] = pair.primary.rows("SELECT current_setting('server_version_num')::int")
    asked = 0
    with psycopg.connect(pair.primary.conninfo, password=pair.primary.password, autocommit=True) as conn:
        conn.execute("SET default_transaction_read_only = on")
        for entry in ALL:
            for statement, since in statements(entry):
                if version // 10000 < since or any(deed in statement for deed in DEEDS):
                    continue
                if entry.code == "P126" and version < 180000:
                    continue  # a setting of 18
                try:
                    conn.execute(statement)
                except psycopg.errors.ObjectNotInPrerequisiteState:  # only a standby has a pause state
                    assert "replay" in statement
                asked += 1
    assert asked > 40


def test_every_setting_that_explain_suggests_can_be_set(pair):
    """Written, and never loaded: the primary is thrown away."""
    [(version,)] = pair.primary.rows("SELECT current_setting('server_version_num')::int")
    [(ssl,)] = pair.primary.rows("SHOW ssl_library")
    done = []
    for entry in ALL:
        for way in entry.do:
            prose, _, typed = str(way).partition("\n")
            since = re.search(r"(\d\d) and later", prose)
            for statement in re.findall(r"(?m)^ALTER SYSTEM .*;$", typed):
                newer = (since and version // 10000 < int(since[1])) or (entry.code == "P126" and version < 180000)
                if "ssl = on" in statement and not ssl:
                    continue  # a build without
                if not newer and not re.search(r"SET NAME|SET VALUE|RESET NAME", statement):
                    pair.primary.rows(statement)
                    done.append(statement)
    assert len(done) > 15


def test_the_grants_that_explain_shows_can_be_given(pair):
    pair.primary.rows("CREATE ROLE name LOGIN")
    parameters = pair.area.major >= 15
    ways = [str(way).partition("\n") for way in find("P116").do if "GRANT" in str(way)]
    script = "".join(typed for prose, _, typed in ways if parameters or "15 and later" not in prose)
    with psycopg.connect(pair.primary.conninfo, password=pair.primary.password, autocommit=True) as conn:
        for statement in script.split(";")[:-1]:
            conn.execute(statement)
        conn.execute("SET ROLE name")
        for function in ("pg_hba_file_rules()", "pg_show_all_file_settings()"):
            conn.execute(f"SELECT FROM {function}")
        assert conn.execute("SHOW data_directory").fetchone() == (str(pair.primary.data),)
        if parameters:
            conn.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '20GB'")
        conn.execute("SELECT pg_reload_conf()")
