"""The command line before any server is met: help, usage, configuration, and what is not imported."""

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from standbyctl.domain.message import msg
from standbyctl.ui.cli import cli

# click keeps the line about --help in the language in which it was first asked for: here before any test.
cli.get_help_option(click.Context(cli, **cli.context_settings))

VERBS = [
    "demo",
    "preflight",
    "plan",
    "attach",
    "verify",
    "status",
    "check",
    "slots",
    "watch",
    "events",
    "switchover",
    "failover",
    "promote",
    "resync",
    "detach",
    "export",
    "explain",
    "completion",
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    for key in [key for key in os.environ if key.startswith(("PG", "STANDBYCTL"))]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("STANDBYCTL_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def call(*args):
        return CliRunner().invoke(cli, args, prog_name="standbyctl", terminal_width=100)

    return call


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_is_as_it_was_looked_at(run, golden, verb):
    done = run(*([verb] if verb else []), "--help")
    assert done.exit_code == 0
    golden(f"help-{verb or 'standbyctl'}.txt", done.output)


@pytest.mark.parametrize("verb", ["create", "drop", "cap", "keep"])
def test_help_of_what_is_done_about_slots_is_as_it_was_looked_at(run, golden, verb):
    golden(f"help-slots-{verb}.txt", run("slots", verb, "--help").output)


def test_help_names_only_what_exists(run):
    listed = [line.split()[0] for line in run("--help").output.split("Commands:")[1].splitlines() if line.strip()]
    assert listed == VERBS


def modules_after(*args):
    code = f"import sys; sys.argv[1:] = {list(args)!r}\nfrom standbyctl.ui.cli import cli\n"
    code += "try:\n    cli.main(prog_name='standbyctl')\nexcept SystemExit:\n    pass\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("args", [["--version"], ["--help"]])
def test_a_question_that_needs_no_server_imports_neither_psycopg_nor_rich(args):
    loaded = modules_after(*args)
    assert "click" in loaded
    assert not loaded & {"psycopg", "rich", "standbyctl.nodes.libpq", "standbyctl.lab"}


def test_version_says_its_number(run):
    assert run("--version").output.startswith("standbyctl, version 0.")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["plan"], "which primary? Give -p CONNINFO"),
        (["plan", "-p", "host=x"], "where is the standby to be? Give -D DIR"),
        (["plan", "-p", "host=x foo=1", "-D", "d"], "cannot read the conninfo"),
        (["plan", "-p", "postgresql://u:secret@x/db", "-D", "d"], "the conninfo contains a password"),
        (["plan", "-p", "x", "-D", "a\nb"], "must not contain control characters"),
        (["plan", "-p", "x", "-D", "d", "--hba", "telnet"], "'telnet' is not one of"),
        (["plan", "-p", "x", "-D", "d", "--port", "0"], "0 is not in the range"),
        (["attach", "nowhere.plan"], "there is no plan file"),
        (["detach", "db2"], "nothing is known here of an attach of db2"),
        (["detach", "db2", "--delete"], "--delete goes with --remove-data-dir"),
        (["verify"], "nothing is attached from here"),
        (["verify", "db2"], "nothing is known here of an attach of db2"),
        (["verify", "-p", "x"], "nothing is attached from here"),
        (["verify", "-s", "x"], "Say where both are: standbyctl verify -p CONNINFO -s CONNINFO"),
        (["verify", "-p", "x", "-s", "host=y password=z"], "the conninfo contains a password"),
        (["verify", "-p", "x", "-s", "y z"], "cannot read the conninfo of the standby"),
        (["verify", "db2", "--for", "5"], '--for: "5" is not a time'),
        (["verify", "db2", "--no-mark", "--test-table"], "--no-mark writes nothing"),
        (["status"], "nothing is attached from here"),
        (["demo", "stop"], "no demo is running"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["attach", "--password", "x"], "No such option"),
        (["attach", "-p", "x", "-D", "/b", "--from-restored", "/a"], "--data-dir out, or give the same"),
        (["attach", "-p", "x", "--from-restored", "/a", "--copy-from", "y"], "leave --copy-from out"),
        (["plan", "-p", "x", "--from-restored", "/a", "--verify-backup"], "leave --verify-backup out"),
    ],
)
def test_nonsense_is_answered_with_usage_and_exit_2(run, args, said):
    done = run(*args)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ["verify", "db2", "--for", "1"],
            "Write a number and its unit, as in postgresql.conf: 500ms, 1s, 5min, 2h, 1d.",
        ),
        (["switchover", "--to", "db2", "--max-wait", "60"], "--max-wait is no time: 60; for instance 30s, 5min"),
        (["failover", "--max-loss", "16"], "--max-loss is no size: 16; for instance 16MB, 1GB"),
    ],
)
def test_a_number_without_its_unit_is_told_which_there_are(run, args, said):
    done = run(*args)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_where_nobody_can_be_asked_that_is_an_error_with_a_code():
    from standbyctl.domain.errors import UsageError
    from standbyctl.ui.cli.call import confirm, confirm_name

    with pytest.raises(UsageError) as raised:
        confirm(msg("Go on?"), yes=False)
    assert (raised.value.code, raised.value.status) == ("C124", 2)
    with pytest.raises(UsageError) as raised:
        confirm_name(msg("Type db2"), "db2", yes=False)
    assert "--yes" in str(raised.value.hint)
    confirm(msg("Go on?"), yes=True)


def config(tmp_path, text):
    path = tmp_path / "standbyctl.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[atach]\nslot = 'x'\n", 'unknown key "atach" HINT: Did you mean "attach"?'),
        ("[attach]\nmax_rates = '1M'\n", 'unknown key "max_rates" in [attach] HINT: Did you mean "max_rate"?'),
        ("[attach]\nslot = 7\n", "attach.slot must be a text"),
        ("[[node]]\nconninfo = 'host=x'\n", "every [[node]] needs a name"),
        ("[[node]]\nname = 'a'\nport = '1'\n", "node.port must be a number"),
        ("node = 'x'\n", "write [[node]] for each node"),
        ("[attach\n", "is no TOML"),
        ("[[node]]\nname = 'a'\npassword = 'x'\n", 'unknown key "password"'),
    ],
)
def test_a_wrong_configuration_is_named_by_file_and_key(run, tmp_path, text, said):
    path = config(tmp_path, text)
    done = run("plan", "-c", path, "-p", "x", "-D", "d")
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert path in done.output.replace("\n        ", "")


def test_a_missing_configuration_that_was_named_is_an_error(run):
    done = run("plan", "-c", "/nowhere/x.toml", "-p", "x", "-D", "d")
    assert done.exit_code == 2
    assert "cannot read /nowhere/x.toml" in done.output


def test_errors_are_json_with_json(run):
    import json

    done = run("plan", "-p", "host=nowhere.invalid", "-D", "/tmp/x", "--name", "db2", "--json")
    record = json.loads(done.output)
    assert record["schema"] == "standbyctl.error/1"
    assert record["exit_code"] == done.exit_code == 3
    assert record["errors"][0]["code"] == "A201"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(run, shell):
    assert "_STANDBYCTL_COMPLETE" in run("completion", shell).output


def test_completion_completes(tmp_path):
    env = os.environ | {"_STANDBYCTL_COMPLETE": "bash_complete", "COMP_WORDS": "standbyctl at", "COMP_CWORD": "1"}
    code = "from standbyctl.ui.cli import cli; cli.main(prog_name='standbyctl')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert "attach" in done.stdout


@pytest.mark.parametrize("columns", ["40", "80"])
def test_errors_wrap_to_the_terminal_and_have_no_colour(run, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    done = run("plan", "-p", "postgresql://u:secret@x/db", "-D", "d")
    assert max(map(len, done.output.splitlines())) <= int(columns)
    assert "\x1b" not in done.output
    assert [line.split(":")[0] for line in done.output.splitlines() if not line.startswith(" ")] == [
        "ERROR", "DETAIL", "HINT", "STATE", "CODE",
    ]  # fmt: skip
