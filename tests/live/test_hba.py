"""pg_hba.conf: where our line goes, that it is checked before the reload, and what is done by hand."""

import pytest

pytestmark = pytest.mark.live


def text(done):
    return " ".join((done.stdout + done.stderr).split())


def set_hba(pair, content):
    path = pair.primary.data / "pg_hba.conf"
    path.write_text(content)
    pair.primary.rows("SELECT pg_reload_conf()")
    return path


BASE = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"


def test_a_reject_for_replication_blocks_and_nothing_is_put_above_it(pair):
    path = set_hba(pair, f"{BASE}host replication all 0.0.0.0/0 reject\n")
    before = path.read_bytes()
    done = pair.attach(status=1)
    assert "refuses the standby on purpose" in text(done)
    assert "Line 3 is a reject" in text(done)
    assert path.read_bytes() == before


def test_a_rule_that_admits_already_is_used_and_the_file_left_alone(pair):
    path = set_hba(pair, f"{BASE}host replication all 127.0.0.1/32 scram-sha-256\n")
    before = path.read_bytes()
    done = pair.attach()
    assert "pg_hba.conf" not in done.stdout
    assert path.read_bytes() == before


def test_a_rule_of_another_method_gets_our_line_before_it(pair):
    path = set_hba(pair, f"{BASE}host replication all 127.0.0.1/32 ident\n")
    before = path.read_bytes()
    pair.attach()
    lines = path.read_text().splitlines()
    assert lines[2].startswith("host replication repl_db2 127.0.0.1/32 scram-sha-256")
    assert lines[3] == "host replication all 127.0.0.1/32 ident"
    pair.detach()
    assert path.read_bytes() == before


def test_a_file_without_a_last_newline_gets_it_back_so(pair):
    path = set_hba(pair, BASE.rstrip("\n"))
    before = path.read_bytes()
    pair.attach()
    pair.detach()
    assert path.read_bytes() == before


@pytest.mark.one_version
def test_a_file_that_is_broken_already_is_not_touched(pair):
    path = pair.primary.data / "pg_hba.conf"
    path.write_text(f"{BASE}nonsense here\n")
    before = path.read_bytes()
    done = pair.attach(status=1)
    assert "is broken already" in text(done)
    assert path.read_bytes() == before


@pytest.mark.one_version
def test_changes_that_wait_for_a_reload_are_named(pair):
    path = pair.primary.data / "pg_hba.conf"
    path.write_text(f"{BASE}host app app 10.0.0.0/8 scram-sha-256\n")
    done = pair.tool("plan", *pair.where, status=0)
    assert "was changed and not reloaded: our reload puts those changes into force too" in text(done)


@pytest.mark.one_version
def test_a_role_with_an_odd_name_is_quoted(pair):
    pair.attach("--role", "Repl-All")
    assert '"Repl-All"' in (pair.primary.data / "pg_hba.conf").read_text()
    assert pair.facts(role="Repl-All").place("db2").upstream
    pair.detach()
    assert "Repl-All" not in (pair.primary.data / "pg_hba.conf").read_text()
    assert pair.primary.rows("SELECT 1 FROM pg_roles WHERE rolname = 'Repl-All'") == []


@pytest.mark.one_version
def test_by_hand_the_line_is_printed_and_the_run_goes_on_once_it_is_there(pair):
    run = pair.start_tool("attach", *pair.where, "--yes", "--hba", "wait")
    seen = ""
    while "host replication" not in seen or "then reload it:" not in seen:
        line = run.stdout.readline()
        assert line, seen
        seen += line
    path = pair.primary.data / "pg_hba.conf"
    before = path.read_text()
    wanted = run.stdout.readline().strip()
    assert wanted.startswith("host replication repl_db2 127.0.0.1/32 scram-sha-256")
    path.write_text(f"{before}{wanted}\n")
    pair.primary.rows("SELECT pg_reload_conf()")
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 0, output
    done = pair.detach()
    assert "was edited by hand; take this line out again" in text(done)
    assert path.read_text() == f"{before}{wanted}\n"


@pytest.mark.one_version
def test_configuration_outside_the_data_directory_is_refused_by_name(pair):
    outside = pair.area.path / "pg_hba.conf"
    outside.write_text(BASE)
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write(f"hba_file = '{outside}'\n")
    pair.primary.stop("fast")
    outside.chmod(0o644)
    pair.primary.start()
    done = pair.attach(status=1)
    assert "the standby would have no postgresql.conf" in text(done)
    assert "P112" in text(done)
