"""An exported runbook, followed by hand on two hosts: sudo to users, systemctl, an editor, psql."""

import shlex

import pytest

from tests.byhand import Person, Reader, unlike
from tests.hosts.operator import FACTS, Operator, beside, sql, streams, wait, where

pytestmark = pytest.mark.hosts("bookworm")


@pytest.fixture
def operator(testbed):
    made = Operator(testbed)
    yield made
    made.end()


def person(hosts, paper, language):
    reader = Reader(paper, language)

    def host(node):
        return hosts[1] if node == "db2" else hosts[0]

    def shell(node, user, text):
        done = host(node).exec(text, user=user, check=False, timeout_seconds=300)
        return done.returncode, done.stdout + done.stderr

    def psql(node, command, text):
        done = host(node).exec(f"cd / && setsid -w {shlex.join(command)}", user="postgres", check=False, text=text)
        return done.returncode, done.stdout + done.stderr

    return Person(reader, shell, psql)


def look(operator):
    with operator.session(cluster="15/main", replace_cluster=True) as session:
        return session.look()


def test_who_follows_it_gets_what_attach_gives_and_the_way_back_leads_back(hosts, operator, tmp_path):
    db1, db2 = hosts
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec(f"systemctl restart {db1.unit}")
    before, there, facts = sql(db1, FACTS), beside(db2), look(operator)
    operator.tool("attach", *where(), "--yes")
    attached = look(operator)
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", db2.data, "--delete")
    plan = tmp_path / "db2.plan"
    operator.tool("plan", *where(), "-o", str(plan))
    people = []
    for language in ("en", "ja"):
        paper = tmp_path / f"{language}.md"
        operator.tool("export", "runbook", str(plan), "--lang", language, "-o", str(paper))
        people.append(person(hosts, paper.read_text(encoding="utf-8"), language))
    someone, somebody_else = people
    someone.follow(someone.reader.steps)
    assert unlike(lambda: look(operator), attached) == ()
    assert sql(db2, "SELECT status FROM pg_stat_wal_receiver") == "streaming"
    db2.reboot()
    wait(lambda: streams(db1), 60)
    somebody_else.follow(somebody_else.reader.back)
    assert unlike(lambda: look(operator), facts) == ()
    assert sql(db1, FACTS) == before
    # What was set aside stays: nothing is deleted by hand.
    db2.exec("rm -r /var/lib/postgresql/15/main.detached-*")
    assert beside(db2) == there
