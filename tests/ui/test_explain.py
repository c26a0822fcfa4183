"""standbyctl explain: offline, for every code, and as plain as a reference page."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from standbyctl.diagnosis.catalogue import ALL, FAMILIES
from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.message import msg
from standbyctl.ui.cli import cli
from standbyctl.ui.render import error_record, render_error
from tests.ui.test_cli import modules_after


@pytest.fixture
def explain(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    def call(*args):
        return CliRunner().invoke(cli, ["explain", *args], prog_name="standbyctl")

    return call


@pytest.mark.parametrize("code", [entry.code for entry in ALL])
def test_every_code_is_explained_within_eighty_columns(explain, code):
    done = explain(code)
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0].startswith(f"{code}  ")
    assert [line.split(":")[0] for line in lines[1:] if line and not line.startswith(" ")] == ["MEANS", "WHY", "DO"]
    assert max(map(len, lines)) <= 80


def test_an_explanation_is_as_it_was_looked_at(explain, golden):
    golden("explain-p102.txt", explain("P102").output)


def test_the_list_of_all_codes_is_as_it_was_looked_at(explain, golden):
    golden("explain.txt", explain().output)


def test_lower_case_is_accepted_and_several_codes_at_once(explain):
    both = explain("p102", "A204").output
    assert both == f"{explain('P102').output}\n{explain('A204').output}"
    assert explain("p102", "P102").output == explain("P102").output


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("P1O2", "Near it: P102, P112, P122."),
        ("102", "Near it: C102, P102."),
        ("slots", "See them all: standbyctl explain"),
        ("P150", "Near it: P110, P120, P130."),
        ("", "See them all"),
    ],
)
def test_a_code_that_is_not_there_is_answered_with_the_nearest_and_exit_2(explain, asked, hint):
    done = explain("P102", asked)
    assert done.exit_code == 2
    assert done.output.splitlines()[0] == f'ERROR:  there is no code "{asked}"'
    assert hint in done.output
    assert "Nothing was changed." in done.output
    assert done.output.splitlines()[-1] == "CODE:   C119   more: standbyctl explain C119"


def test_json_says_the_same(explain):
    record = json.loads(explain("p102", "--json").output)
    assert record["schema"] == "standbyctl.explain/1"
    [code] = record["codes"]
    assert set(code) == {"code", "title", "means", "why", "do"}
    assert code["do"][0].splitlines()[1] == "ALTER SYSTEM SET wal_level = 'replica';"
    every = json.loads(explain("--json").output)["codes"]
    assert [code["code"] for code in every] == [entry.code for family in FAMILIES for entry in family.entries]
    assert json.loads(explain("P999", "--json").output)["errors"][0]["code"] == "C119"


def test_it_needs_no_postgresql_library_and_no_server():
    loaded = modules_after("explain", "P102")
    assert "standbyctl.diagnosis.catalogue" in loaded
    assert not {name for name in loaded if name.split(".")[0] in {"psycopg", "rich"}}
    assert not {name for name in loaded if name.startswith(("standbyctl.nodes", "standbyctl.lab"))}


def test_codes_complete_in_either_case():
    code = "from standbyctl.ui.cli import cli; cli.main(prog_name='standbyctl')"
    for begun in ("v80", "V80"):
        words = {"COMP_WORDS": f"standbyctl explain {begun}", "COMP_CWORD": "2"}
        env = os.environ | {"_STANDBYCTL_COMPLETE": "bash_complete"} | words
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
        assert [line.split(",")[1] for line in done.stdout.splitlines()] == [f"V80{n}" for n in range(1, 10)]


def test_every_error_says_where_there_is_more(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    error = CannotTellError("A201", msg("no"))
    assert render_error(error, None).splitlines() == ["ERROR:  no", "CODE:   A201   more: standbyctl explain A201"]
    assert error_record(error, None)["errors"][0]["code"] == "A201"
    assert "explain" not in json.dumps(error_record(error, None))
