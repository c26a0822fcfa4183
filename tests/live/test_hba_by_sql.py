"""--hba sql: the server edits pg_hba.conf itself, byte for byte, and its log has no word of it."""

import base64
import hashlib
import shutil
import threading

import pytest

from standbyctl.domain.effects import EnsureHbaLineBySql, RemoveHbaLineBySql
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.version import NEWEST_KNOWN
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.files import insert_line
from standbyctl.nodes.perform import perform
from standbyctl.nodes.world import World
from tests.live.test_rights import Weak, as_superuser, shown, taken_back

pytestmark = [pytest.mark.live, pytest.mark.settled]
BASE = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"
LINE = "host replication repl_db2 127.0.0.1/32 scram-sha-256 # standbyctl: db2"
SQL = ("--hba", "sql")
FILES = {
    "plain": BASE,
    "crlf": BASE.replace("\n", "\r\n"),
    "no-final-newline": BASE.rstrip("\n"),
    "crlf-no-final-newline": BASE.replace("\n", "\r\n").rstrip("\r\n"),
    "before-another-rule": f"{BASE}# caf\u00e9\nhost replication all 127.0.0.1/32 ident",
    "blank-lines": f"\n\n{BASE}\n\n\n",
}


def hba_of(pair):
    return pair.primary.data / "pg_hba.conf"


def log_of(pair):
    return (pair.area.path / "db1.log").read_text(errors="replace")


def set_hba(pair, text):
    hba_of(pair).write_bytes(text.encode())
    pair.primary.rows("SELECT pg_reload_conf()")


class Stage:
    """Performs single effects on the primary."""

    def __init__(self, pair, **more):
        self.session = pair.session(hba="sql", **more)
        self.world = World(self.session._doors(), SystemClock(), lambda said: None)
        self.node = self.session.target.primary

    def insert(self, path, line=LINE, before=None, digest=None):
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        perform(EnsureHbaLineBySql(self.node, str(path), line, before, digest or found), self.world)

    def remove(self, path, line=LINE):
        perform(RemoveHbaLineBySql(self.node, str(path), line), self.world)


@pytest.fixture
def stage(pair):
    made = Stage(pair)
    yield made
    made.session.close()


def own_file(pair, *parts, text=BASE):
    """A file that the server's user may replace, in a place of its own."""
    path = pair.area.path.joinpath("state", *parts)
    for parent in (pair.area.path / "state", path.parent):
        parent.mkdir(exist_ok=True)
        shutil.chown(parent, pair.area.user)
        parent.chmod(0o755)
    path.write_bytes(text.encode())
    path.chmod(0o640)
    shutil.chown(path, pair.area.user, pair.area.user)
    return path


@pytest.mark.parametrize("name", ["crlf-no-final-newline", "before-another-rule"])
def test_attach_and_detach_are_exact_to_the_byte(pair, name):
    set_hba(pair, FILES[name])
    before, was = hba_of(pair).read_bytes(), hba_of(pair).stat()
    pair.attach(*SQL)
    lines = hba_of(pair).read_bytes().split(b"\n")
    where = lines.index(LINE.encode())
    assert b"\n".join(lines[:where] + lines[where + 1 :]) == before
    assert where == (3 if name == "before-another-rule" else len(lines) - 1)
    [server] = [node.server for node in pair.facts(hba="sql").nodes if node.server]
    assert (server.hba.has_line, server.hba.loaded, server.hba.at_hand) == (True, True, True)
    pair.detach()
    assert hba_of(pair).read_bytes() == before
    now = hba_of(pair).stat()
    assert (now.st_mode, now.st_uid, now.st_gid) == (was.st_mode, was.st_uid, was.st_gid)


@pytest.mark.one_version
def test_every_other_byte_stays_whatever_the_file_is_like(pair, stage, subtests):
    path = own_file(pair, "pg_hba.conf")
    for name, text in FILES.items():
        for before in (None, 1, 2, len(text.splitlines())):
            with subtests.test(name, before=before):
                path.write_bytes(text.encode())
                stage.insert(path, before=before)
                assert path.read_bytes() == insert_line(text.encode(), LINE.encode(), before)
                stage.remove(path)
                assert path.read_bytes() == text.encode()


@pytest.mark.sample
def test_nothing_of_it_is_in_the_servers_log(pair):
    for name, value in (("log_statement", "all"), ("log_min_duration_statement", "0"), ("log_duration", "on")):
        pair.primary.rows(f"ALTER SYSTEM SET {name} = '{value}'")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SHOW log_statement") == [("all",)])
    before, started = pair.raw(), pair.started_at()
    done = pair.attach(*SQL, "--debug")
    assert "EnsureHbaLineBySql: by COPY ... TO PROGRAM" in done.stderr
    pair.detach("--remove-data-dir", pair.data, "--delete")
    log = log_of(pair)
    assert "CREATE ROLE" in log, "the log must show statements, or this proves nothing"
    encoded = base64.b64encode(LINE.encode()).decode()
    assert [word for word in ("COPY", "base64", "sha256sum", "flock", LINE, encoded) if word in log] == []
    assert pair.raw() == before
    assert pair.started_at() == started


def test_extensions_that_count_or_explain_statements_see_nothing_of_it(pair):
    libraries = pair.area.bin.parent / "lib"
    if not (libraries / "pg_stat_statements.so").exists():
        return  # this build has no contrib modules
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("shared_preload_libraries = 'pg_stat_statements, auto_explain'\n")
        conf.write("auto_explain.log_min_duration = 0\npg_stat_statements.track = all\n")
    pair.primary.stop("fast")
    pair.primary.start()
    pair.primary.rows("CREATE EXTENSION pg_stat_statements")
    pair.attach(*SQL)
    pair.detach("--remove-data-dir", pair.data, "--delete")
    counted = "\n".join(query for (query,) in pair.primary.rows("SELECT query FROM pg_stat_statements"))
    assert "CREATE ROLE" in counted
    assert "Query Text" in log_of(pair)
    assert [word for word in ("COPY", "base64", "sha256sum", LINE) if word in counted + log_of(pair)] == []


@pytest.mark.one_version
def test_what_fails_is_not_in_the_log_either(pair, stage):
    pair.primary.rows("ALTER SYSTEM SET log_statement = 'all'")
    pair.primary.rows("SELECT pg_reload_conf()")
    path = own_file(pair, "pg_hba.conf")
    with pytest.raises(StoppedError, match="has changed since it was looked at"):
        stage.insert(path, digest="0" * 64)
    path.chmod(0o644)
    shutil.chown(path, "root", "root")
    with pytest.raises(StoppedError, match="does not belong to the server's user"):
        stage.insert(path)
    shutil.chown(path, pair.area.user, pair.area.user)
    shutil.chown(path.parent, "root", "root")
    with pytest.raises(StoppedError, match="failed"):
        stage.insert(path)
    assert path.read_text() == BASE
    assert [word for word in ("COPY", "sha256sum", LINE, "program") if word in log_of(pair)] == []


@pytest.mark.one_version
@pytest.mark.parametrize(
    "parts", [('it\'s a "place" $HOME `id` \\n', "pg_hba.conf"), ("c", "-rf"), ("\u8a2d\u5b9a", "hba % 1")]
)
def test_odd_paths_are_only_paths(pair, stage, parts):
    path = own_file(pair, *parts)
    stage.insert(path, before=2)
    assert path.read_text() == BASE.replace("\n", f"\n{LINE}\n", 1)
    stage.remove(path)
    assert path.read_text() == BASE
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.one_version
def test_a_symbolic_link_stays_one_and_its_file_is_edited(pair, stage):
    path = own_file(pair, "kept", "real.conf")
    link = pair.area.path / "state" / "pg_hba.conf"
    link.symlink_to("kept/real.conf")
    stage.insert(link)
    assert link.is_symlink()
    assert path.read_text() == f"{BASE}{LINE}\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.owner() == pair.area.user
    stage.remove(link)
    assert path.read_text() == BASE
    assert sorted(each.name for each in path.parent.iterdir()) == ["real.conf"]


@pytest.mark.one_version
def test_done_twice_is_as_done_once_and_every_copy_of_the_line_goes(pair, stage):
    path = own_file(pair, "pg_hba.conf")
    stage.insert(path)
    once, inode = path.read_bytes(), path.stat().st_ino
    stage.insert(path, digest="0" * 64)
    assert (path.read_bytes(), path.stat().st_ino) == (once, inode)
    path.write_bytes(once + f"# more\n{LINE}\nlast".encode())
    stage.remove(path)
    assert path.read_text() == f"{BASE}# more\nlast"
    inode = path.stat().st_ino
    stage.remove(path)
    assert (path.read_text(), path.stat().st_ino) == (f"{BASE}# more\nlast", inode)


@pytest.mark.one_version
def test_many_at_once_lose_nothing(pair, stage):
    """Each session of its own; one that comes too late is refused, and never overwrites."""
    path = own_file(pair, "pg_hba.conf")
    done, refused = [], []

    def add(n):
        try:
            stage.insert(path, line=f"# line {n}")
            done.append(n)
        except StoppedError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=add, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) + len(refused) == 8
    assert done
    assert all("has changed since" in each for each in refused)
    assert sorted(path.read_text().removeprefix(BASE).splitlines()) == sorted(f"# line {n}" for n in done)


@pytest.mark.one_version
def test_an_edit_between_look_and_act_is_refused_and_kept(pair):
    """The plan was made; then somebody edits; then attach runs that plan."""
    session = pair.session(hba="sql")
    digest = session.look().server(session.target.primary).hba.digest
    session.close()
    theirs = hba_of(pair).read_text() + "# theirs\n"
    set_hba(pair, theirs)
    stage = Stage(pair)
    with pytest.raises(StoppedError, match="has changed since it was looked at"):
        stage.insert(hba_of(pair), digest=digest)
    stage.session.close()
    assert hba_of(pair).read_text() == theirs


@pytest.mark.one_version
def test_a_line_that_the_server_does_not_accept_is_out_again_before_any_reload(pair, stage):
    before, loaded = hba_of(pair).read_bytes(), pair.primary.rows("SELECT pg_conf_load_time()")
    with pytest.raises(StoppedError, match="does not accept the new line") as told:
        stage.insert(hba_of(pair), line="host replication nonsense")
    assert "The file is again as it was" in str(told.value)
    assert hba_of(pair).read_bytes() == before
    assert pair.primary.rows("SELECT pg_conf_load_time()") == loaded


@pytest.mark.majors(16, NEWEST_KNOWN)  # there is no include before
def test_an_included_file_that_decides_is_not_edited(pair):
    more = pair.primary.data / "more_hba.conf"
    more.write_text("host replication all 127.0.0.1/32 ident\n")
    more.chmod(0o644)
    set_hba(pair, f"{BASE}include more_hba.conf\n")
    before = hba_of(pair).read_bytes()
    assert "is in an included file" in " ".join(pair.attach(*SQL, status=1).stderr.split())
    more.write_text("host app all 127.0.0.1/32 ident\n")
    pair.attach(*SQL)
    assert hba_of(pair).read_bytes() == before + f"{LINE}\n".encode()
    pair.detach("--remove-data-dir", pair.data, "--delete")
    assert hba_of(pair).read_bytes() == before
    assert more.read_text() == "host app all 127.0.0.1/32 ident\n"


@pytest.mark.one_version
@pytest.mark.majors(15, NEWEST_KNOWN)  # before, no right to set parameters can be granted
def test_the_right_to_run_programs_is_enough_and_without_it_nothing_is_done(pair):
    weak = Weak(pair)
    weak.make_theirs()
    as_superuser(pair, *shown(weak.tool("plan", *weak.where, *weak.theirs, status=3)))
    before = pair.raw()
    done = weak.tool("plan", *weak.where, *weak.theirs, *SQL, status=1)
    assert "P106" in done.stderr
    statements = shown(done)
    as_superuser(pair, *statements)
    for statement in statements:
        as_superuser(pair, taken_back(statement))
        assert shown(weak.tool("plan", *weak.where, *weak.theirs, *SQL, status=1)) == [statement]
        as_superuser(pair, statement)
    weak.tool("attach", *weak.where, *weak.theirs, *SQL, "--yes")
    as_superuser(pair, *map(taken_back, statements))
    attached = pair.raw()
    assert sorted(shown(weak.tool("detach", "db2", "--yes", status=1))) == sorted(statements)
    assert pair.raw() == attached
    as_superuser(pair, *statements)
    weak.tool("detach", "db2", "--yes")
    assert pair.raw() == before


class Dying:
    """Runs the tool so that it is killed around an effect of a kind."""

    def __init__(self, pair):
        self.pair, self.note = pair, pair.area.path / "state" / "note"
        self.note.parent.mkdir(exist_ok=True)

    def run(self, point, kind, *args):
        self.note.write_text("")
        env = {"DYING_POINT": point, "DYING_DELAY": "0.02", "DYING_NOTE": str(self.note)}
        self.pair.tool(*args, "--yes", module="tests.faults.dying", env=env, status=-9)
        assert self.note.read_text().splitlines()[-1] == f"{kind} died"


@pytest.mark.one_version
@pytest.mark.turns
@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_killed_around_it_the_same_command_again_finishes(pair, when):
    dying, before, started = Dying(pair), pair.raw(), pair.started_at()
    dying.run(f"{when}:3", "EnsureHbaLineBySql", "attach", *pair.where, *SQL)
    pair.attach(*SQL)
    assert hba_of(pair).read_text().splitlines().count(LINE) == 1
    dying.run(f"{when}:6", "RemoveHbaLineBySql", "detach", "db2")
    pair.detach()
    assert pair.raw() == before
    assert pair.started_at() == started


@pytest.mark.seldom
@pytest.mark.one_version
def test_killed_before_the_reload_both_ways_finish(pair):
    dying, before = Dying(pair), pair.raw()
    dying.run("before:5", "Reload", "attach", *pair.where, *SQL)
    pair.detach()
    assert pair.raw() == before
    dying.run("before:4", "WaitUntil", "attach", *pair.where, *SQL)
    pair.attach(*SQL)
    dying.run("before:8", "Reload", "detach", "db2")
    pair.detach()
    assert pair.raw() == before
