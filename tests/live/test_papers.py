"""An exported runbook, followed by hand to the letter, ends where attach ends; its way back where attach began."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.byhand import Person, Reader, read_paper, run_here, unlike

pytestmark = pytest.mark.live
ROOT = Path(__file__).parents[2]


def person(pair, paper, language):
    env = os.environ | pair.env | {"PATH": os.environ["PATH"]}

    def shell(node, user, text):
        return run_here(user, ["sh", "-c", text], env=env)

    def psql(node, command, text):
        # Its own user: the socket asks for a password, which the operator has in a passfile.
        return run_here("root" if os.geteuid() == 0 else "", command, text, env=env)

    return Person(Reader(paper, language), shell, psql)


def export(pair, language):
    plan, paper = pair.area.path / "db2.plan", pair.area.path / f"runbook.{language}.md"
    pair.tool("plan", *pair.where, "-o", plan, status=0)
    pair.tool("export", "runbook", plan, "--lang", language, "-o", paper, status=0)
    return read_paper(paper)


def by_hand(pair, language):
    before, raw = pair.facts(), pair.raw()
    pair.attach()
    attached = pair.facts()
    pair.detach("--remove-data-dir", pair.data, "--delete")
    assert pair.facts() == before
    someone = person(pair, export(pair, language), language)
    someone.follow(someone.reader.steps)
    assert unlike(pair.facts, attached) == ()
    assert pair.plan().plan.steps == ()
    # Nothing else than its marks tells standbyctl what it is.
    pair.tool("verify", "-p", pair.primary.conninfo, "-s", f"{pair.primary.conninfo} port={pair.port}", status=0)
    someone.follow(someone.reader.back)
    assert unlike(pair.facts, before) == ()
    assert pair.raw() == raw


@pytest.mark.one_version
def test_who_follows_the_runbook_in_japanese_gets_what_attach_gives(pair):
    by_hand(pair, "ja")


@pytest.mark.seldom
@pytest.mark.every_version
def test_who_follows_the_runbook_by_hand_gets_what_attach_gives(pair):
    by_hand(pair, "en")


@pytest.mark.one_version
@pytest.mark.parametrize(
    "ways",
    [
        ["--no-slot", "--wal-keep-size", "1GB", "--wal-method", "fetch"],
        ["--hba", "wait", "--wal-cap", "keep"],
        ["--settings", "print", "--synchronous-commit", "off"],
    ],
    ids=lambda ways: ways[0],
)
def test_a_runbook_with_other_ways_leaves_nothing_to_do(pair, ways):
    plan = pair.area.path / "db2.plan"
    pair.tool("plan", *pair.where, *ways, "-o", plan, status=0)
    someone = person(pair, pair.tool("export", "runbook", plan, status=0).stdout, "en")
    someone.follow(someone.reader.steps)
    done = pair.tool("attach", *pair.where, *ways, "--yes", status=0)
    assert done.stdout.startswith("Nothing to do: db2 streams")


@pytest.mark.one_version
def test_a_copy_that_was_given_up_by_hand_is_taken_away_by_hand(pair):
    before, raw = pair.facts(), pair.raw()
    someone = person(pair, export(pair, "en"), "en")
    someone.follow(someone.reader.steps.partition("\n### 7. ")[0])
    assert [draft.alive for draft in pair.facts().place("db2").drafts] == [False]
    someone.follow(someone.reader.given_up)
    back = someone.reader.back
    # What stops the server, and renames its directory, is about what has not been done yet.
    someone.follow(back[back.index("\n### 2. ") : back.index("data directory (db2)")])
    assert (pair.facts(), pair.raw()) == (before, raw)


@pytest.mark.one_version
def test_an_attach_by_a_plan_file_that_was_killed_goes_on_by_the_same_file(pair):
    plan = pair.area.path / "db2.plan"
    pair.tool("plan", *pair.where, "-o", plan, status=0)
    env = {"DYING_POINT": "after:CopyCluster", "DYING_NOTE": os.devnull}
    pair.tool("attach", plan, "--yes", module="tests.faults.dying", env=env)
    assert pair.facts().place("db2").drafts
    assert "ATTACHED" in pair.tool("attach", plan, "--yes", status=0).stdout


@pytest.mark.one_version
def test_an_attach_in_japanese_is_what_the_readme_shows(pair):
    session = pair.session()
    name = session.target.primary
    session.close()
    said = pair.attach("--lang", "ja", env={"COLUMNS": "110"}).stdout.replace(name, "db1")
    [shown] = re.findall(r"(?s)```text\n(計画: .*?)```", (ROOT / "README.ja.md").read_text(encoding="utf-8"))

    def plain(text):
        # A step that has taken long says so.
        lines = (re.sub("完了 .* s$", "完了", line) for line in text.splitlines())
        return [re.sub(r"[0-9A-F]*[0-9][0-9A-F.]*", "#", line) for line in lines]

    assert [line for line in plain(shown) if line not in {"...", *plain(said)}] == []


@pytest.mark.one_version
def test_a_detach_is_a_runbook_too(pair):
    before = pair.facts()
    pair.attach()
    plan = pair.area.path / "detach.plan"
    pair.tool("detach", "db2", "--remove-data-dir", pair.data, "-o", plan, status=0)
    attached = pair.raw()
    paper = pair.tool("export", "runbook", plan, status=0).stdout
    assert pair.raw() == attached
    assert pair.tool("attach", plan, "--yes").returncode == 2
    someone = person(pair, paper, "en")
    someone.follow(someone.reader.steps)
    assert unlike(pair.facts, before) == ()


@pytest.mark.one_version
def test_evidence_tells_of_a_run_that_was_killed_and_one_that_went_on_and_one_that_took_it_back(pair):
    pair.attach(module="tests.faults.dying", env={"DYING_POINT": "before:9", "DYING_NOTE": os.devnull}, status=None)
    pair.attach()
    pair.detach("--remove-data-dir", pair.data, "--delete")
    said = pair.tool("export", "evidence", "db2", "--lang", "en", status=0).stdout
    runs = said.split("\n## ")
    assert [run.splitlines()[0] for run in runs[1:4]] == ["Run 1: attach", "Run 2: attach", "Run 3: detach"]
    assert "killed, power lost, or still running" in runs[1]
    assert "begun, and not seen done" in runs[1]
    assert "not begun" in runs[1]
    assert "replayed on db2 after" in runs[2]
    assert "answer: db2, " in runs[1]  # the slot, and where it begins
    assert "answer: pg_basebackup has ended with exit status 0, after" in runs[2]
    assert "| done |" in runs[2]
    assert "it was resumed" in said
    assert "All facts are as they were before." in said
    assert "detached: all was given back" in said
    record = json.loads(pair.tool("export", "evidence", "db2", "--json", status=0).stdout)
    assert record["text"].startswith("# Evidence: standby db2")
