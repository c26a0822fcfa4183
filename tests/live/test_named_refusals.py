"""Refusals that others have been caught out by, each whole, with nothing changed; and odd names that are none."""

import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from standbyctl.domain.version import NEWEST_KNOWN
from tests.conftest import mount_namespace_argv, pooler
from tests.live.conftest import scrub
from tests.live.stages import own_role, reload, restarted, setting
from tests.pair import Pair

pytestmark = [pytest.mark.live, pytest.mark.one_version, pytest.mark.settled]


def conninfo(port, host="127.0.0.1"):
    return f"host={host} port={port} user=postgres dbname=postgres connect_timeout=3"


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def elsewhere(pair, primary):
    return ["-p", primary, *pair.where[2:]]


def test_a_port_where_something_else_answers(pair, refuse):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        stop = threading.Event()

        def answer():
            listener.settimeout(0.2)
            while not stop.is_set():
                try:
                    line, _ = listener.accept()
                    with line:
                        line.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                        time.sleep(0.05)
                except TimeoutError:
                    continue

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            refuse("not-postgresql", 3, *elsewhere(pair, conninfo(listener.getsockname()[1])))
        finally:
            stop.set()
            thread.join()


@pytest.mark.seldom
def test_a_port_that_accepts_and_never_answers(pair, refuse):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(20)
        refuse("never-answers", 3, *elsewhere(pair, conninfo(listener.getsockname()[1])))


@pytest.mark.parametrize("ignores", [False, True], ids=["refuses options", "ignores options"])
@pytest.mark.needs("pooler")
def test_a_pooler_in_front(pair, golden, ignores):
    program = pooler()
    listens = socket.socket()
    listens.bind(("127.0.0.1", 0))
    port = listens.getsockname()[1]
    listens.close()
    users, conf = pair.area.path / "users.txt", pair.area.path / "pgbouncer.ini"
    users.write_text(f'"postgres" "{pair.primary.password}"\n')
    conf.write_text(
        f"[databases]\n* = host=127.0.0.1 port={pair.primary.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = plain\nauth_file = {users}\nunix_socket_dir =\n"
        + ("ignore_startup_parameters = options\n" if ignores else "")
    )
    process = subprocess.Popen(
        [*pair.area.as_user(), program, "-q", str(conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        pair.wait(lambda: listening(port))
        before = pair.raw()
        done = pair.tool("plan", *elsewhere(pair, conninfo(port)), status=4)
        assert done.stderr == pair.tool("attach", *elsewhere(pair, conninfo(port)), "--yes", status=4).stderr
        assert done.stderr == pair.tool("preflight", *elsewhere(pair, conninfo(port)), status=4).stderr
        golden("pooler.txt", scrub(pair, done.stderr))
        assert pair.raw() == before
    finally:
        process.terminate()
        process.wait()


def test_a_slot_that_is_read_elsewhere(pair, refuse):
    pair.primary.rows("SELECT pg_create_physical_replication_slot('db2', true)")
    with (pair.primary.data / "pg_hba.conf").open("a") as hba:
        hba.write("local replication postgres trust\n")
    reload(pair)
    place = pair.area.path / "wal"
    place.mkdir()
    shutil.chown(place, pair.area.user)
    reader = subprocess.Popen(
        [*pair.area.as_user(), str(pair.area.bin / "pg_receivewal"), "-h", str(pair.area.path), "-p",
         str(pair.primary.port), "-U", "postgres", "-D", str(place), "-S", "db2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
    )  # fmt: skip
    try:
        pair.wait(lambda: pair.primary.rows("SELECT active FROM pg_replication_slots") == [(True,)])
        refuse("slot-read-elsewhere", 1, *pair.where)
    finally:
        reader.terminate()
        reader.wait()


def test_a_list_that_names_the_standby(pair, refuse):
    for _ in setting(pair, "synchronous_commit", "local", ("synchronous_standby_names", "'FIRST 1 (db9, db2)'")):
        refuse("synchronous-list", 1, *pair.where)


def test_a_primary_without_tcp(pair, golden):
    restarted(pair, listen_addresses="")
    where = elsewhere(pair, f"host={pair.area.path} port={pair.primary.port} user=postgres dbname=postgres")
    done = pair.tool("attach", *where, "--yes", status=1)
    assert done.stderr == pair.tool("plan", *where, status=1).stderr
    assert "Nothing was changed" in done.stderr
    assert pair.beside() == []
    golden("no-tcp.txt", scrub(pair, done.stderr))


def test_a_pg_hba_conf_that_is_broken_already(pair, refuse):
    with (pair.primary.data / "pg_hba.conf").open("a") as hba:
        hba.write("hots all all all trust\n")
    refuse("hba-broken", 1, *pair.where)


def test_an_earlier_reject(pair, refuse):
    path = pair.primary.data / "pg_hba.conf"
    path.write_text("host replication all 127.0.0.0/8 reject\n" + path.read_text())
    refuse("hba-reject", 1, *pair.where)


@pytest.mark.majors(16, NEWEST_KNOWN)
def test_a_rule_in_an_included_file(pair, refuse):
    path = pair.primary.data / "pg_hba.conf"
    (pair.primary.data / "team.conf").write_text("host replication all 127.0.0.1/32 ident\n")
    shutil.chown(pair.primary.data / "team.conf", pair.area.user)
    path.write_text(path.read_text() + "include team.conf\n")
    refuse("hba-include", 1, *pair.where)


def test_a_directory_with_a_running_server(pair, template, refuse):
    other = Pair.make(template)
    try:
        refuse("running-server", 4, *pair.where[:2], "-D", str(other.primary.data), *pair.where[4:])
    finally:
        other.end()


def test_a_directory_with_another_cluster(pair, refuse):
    pair.area.run("initdb", "-D", str(pair.data), "-U", "postgres", "--auth=trust", "--no-sync")
    refuse("another-cluster", 4, *pair.where)


def test_programs_of_another_major(pair, refuse):
    """The primary's own directory of programs lacks pg_basebackup, as where only a server's packages were unpacked."""
    hidden = pair.area.bin / "pg_basebackup"
    if not str(hidden).startswith("/tmp/"):
        return  # the system's own programs are not hidden from others
    hidden.rename(hidden.with_name("hidden"))
    try:
        refuse("no-programs", 1, *pair.where)
    finally:
        hidden.with_name("hidden").rename(hidden)


def test_a_preload_library_that_is_missing(pair, refuse):
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("shared_preload_libraries = 'nowhere_lib'\n")
    reload(pair)
    refuse("missing-library", 1, *pair.where)


def test_a_file_that_the_server_cannot_read(pair, refuse):
    (pair.primary.data / "server.key").write_text("secret")
    (pair.primary.data / "server.key").chmod(0)
    refuse("unreadable-file", 1, *pair.where)


def test_a_tablespace_on_the_same_machine(pair, refuse):
    place = pair.area.path / "space"
    place.mkdir()
    shutil.chown(place, pair.area.user)
    pair.primary.rows(f"CREATE TABLESPACE fast_disk LOCATION '{place}'")
    refuse("tablespace", 4, *pair.where)


def test_a_role_whose_password_has_expired(pair, refuse):
    for _ in own_role(pair, "VALID UNTIL '2020-01-01'"):
        refuse("role-expired", 1, *pair.where, "--role", "walrus", "--passfile", str(pair.area.path / "own.pgpass"))


def test_a_managed_service_and_a_tool_that_rules(pair, refuse):
    pair.primary.rows("CREATE ROLE rds_superuser")
    with pair.primary.connect(application_name="Patroni heartbeat"):
        refuse("ruled-by-others", 4, *pair.where)


def test_a_managed_service_is_said_before_the_rights_that_nobody_has_there(pair):
    pair.primary.rows(f"CREATE ROLE rds_superuser; CREATE ROLE master LOGIN PASSWORD '{pair.primary.password}'")
    everybody = pair.area.path / "everybody.pgpass"
    everybody.write_text(f"*:*:*:*:{pair.primary.password}\n")
    everybody.chmod(0o600)
    where = elsewhere(pair, conninfo(pair.primary.port).replace("user=postgres", "user=master"))
    env = {"PGPASSFILE": str(everybody)}
    for verb in ("preflight", "plan"):
        done = pair.tool(verb, *where, env=env, status=4)
        assert "Amazon RDS" in done.stderr
        assert "CODE:   P117" in done.stderr
    overridden = pair.tool("plan", *where, "--despite", "managed-service", env=env, status=3)
    assert "CODE:   P116" in overridden.stderr


# --- what is no reason to refuse


@pytest.mark.every_version
def test_more_connections_on_the_primary_than_in_its_files_are_no_obstacle(pair):
    """A standby with less would not start (13) or stop replaying (14 and later): the copy gets what runs."""
    restarted(pair, max_connections="50", max_worker_processes="12")
    for name in ("max_connections", "max_worker_processes"):
        pair.primary.rows(f"ALTER SYSTEM SET {name} = 5")
    reload(pair)
    started = pair.started_at()
    pair.attach()
    with pair.standby() as conn:
        assert conn.execute("SHOW max_connections").fetchone() == ("50",)
        assert conn.execute("SHOW max_worker_processes").fetchone() == ("12",)
    assert pair.started_at() == started


def test_a_connection_limit_does_not_count_for_replication(pair):
    for _ in own_role(pair, "CONNECTION LIMIT 0"):
        where = ["--role", "walrus", "--passfile", str(pair.area.path / "own.pgpass")]
        pair.tool("preflight", *pair.where, *where, status=0)
        pair.attach(*where)
        pair.detach()


ODD = ['o"dd', "it's", "back\\slash", "two words", "UPPER", "複製", "a:b"]


@pytest.mark.turns
@pytest.mark.parametrize("odd", ODD)
def test_odd_names_and_passwords_are_only_names_and_passwords(pair, odd):
    from psycopg.sql import SQL, Identifier, Literal

    with pair.primary.connect() as conn:
        make = SQL("CREATE ROLE {} LOGIN REPLICATION PASSWORD {}").format(Identifier(odd), Literal(f"{odd} {odd}"))
        conn.execute(make)
    passfile = pair.area.path / "odd.pgpass"
    escaped = odd.replace("\\", "\\\\").replace(":", "\\:")
    passfile.write_text(f"*:*:*:{escaped}:{escaped} {escaped}\n")
    passfile.chmod(0o600)
    shutil.chown(passfile, pair.area.user)
    before = pair.raw()
    pair.tool("preflight", *pair.where, "--role", odd, "--passfile", passfile, status=0)
    pair.attach("--role", odd, "--passfile", passfile)
    assert pair.primary.rows("SELECT usename FROM pg_stat_replication") == [(odd,)]
    pair.detach()
    assert pair.raw() == before


def test_no_home_directory_and_closed_streams_change_nothing(pair):
    before = pair.raw()
    done = pair.tool("preflight", *pair.where, env={"HOME": "/nonexistent"}, status=0)
    assert "READY" in done.stdout
    import sys

    command = [sys.executable, "-m", "standbyctl", "preflight", *map(str, pair.where)]
    for closed in (">&-", "2>&-", ">&- 2>&- <&-"):
        ended = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *command], env=pair.env, check=False, timeout=60
        )
        assert ended.returncode in {0, 1}, closed
    assert pair.raw() == before


@pytest.mark.needs("mount namespace")
@pytest.mark.sample
def test_a_disk_that_fills_up_during_the_copy_stops_it_and_the_next_run_goes_on(pair, golden):
    """The room was there when it was looked at, and is not any more."""
    argv = mount_namespace_argv()
    small = pair.area.path / "small"
    small.mkdir()
    shutil.chown(small, pair.area.user)
    mount = f"mount -t tmpfs -o size=120m,mode=777 tmpfs {small} && "
    begun = f"while ! ls -d {small}/.db2.standbyctl-1/data 2>/dev/null; do sleep 0.02; done"
    fill = f"({begun}; dd if=/dev/zero of={small}/junk bs=1M count=110 2>/dev/null) & "
    where = ["-p", pair.primary.conninfo, "-D", str(small / "db2"), "--name", "db2", "--port", str(pair.port)]
    import sys

    tool = [sys.executable, "-m", "standbyctl", "attach", *where, "--yes", "--max-rate", "20M"]
    done = subprocess.run(
        [*argv, "sh", "-c", f'{mount}{fill}"$@"; status=$?; ls -A {small} >&2; exit $status', "sh", *tool],
        env=pair.env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 5, done.stdout + done.stderr
    # Which file it was, and which of pg_basebackup's two processes met it, differs from run to run.
    met = re.sub(
        r"(?m)^DETAIL: .*No space left on device.*$", "DETAIL: ... No space left on device", scrub(pair, done.stderr)
    )
    golden("disk-full.txt", met)
    pair.detach()
