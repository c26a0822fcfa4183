"""What a Debian package leaves: the primary listens on localhost, and gets its standby by way of an ssh tunnel."""

import signal
from importlib.resources import files

import pytest

from tests.hosts.operator import DATA, FACTS, Operator, receives, sql, streams, tunnel_files, wait, where

pytestmark = pytest.mark.hosts("bookworm")
VIA = {"--via": "ssh-tunnel"}
GONE = ("--yes", "--remove-data-dir", DATA, "--delete")
UNIT = "standbyctl-tunnel-db2"
KEYS = "/var/lib/postgresql/.ssh"
PROGRAMS = files("standbyctl.nodes").joinpath("scripts")
MAY = 'restrict,port-forwarding,permitopen="127.0.0.1:5432",command="/bin/false"'


@pytest.fixture(scope="module")
def primary(hosts):
    """As it is installed, and never restarted; with something in it."""
    db1, db2 = hosts
    db1.exec("useradd -m walrus")
    db1.exec("cd / && pgbench -i -q -s 10 postgres", user="postgres")
    db2.exec(f"systemctl stop postgresql@15-main && mv {DATA} {DATA}.packaged")
    return db1


@pytest.fixture
def operator(testbed):
    made = Operator(testbed)
    yield made
    made.end()
    testbed.heal()


@pytest.fixture
def nothing_stays(primary, hosts):
    """Afterwards both hosts are as before, and the primary is the one that it was."""
    before = [sql(primary, FACTS), *map(tunnel_files, hosts)]
    yield
    assert [sql(primary, FACTS), *map(tunnel_files, hosts)] == before


def test_what_listens_on_localhost_only_is_reached_by_a_tunnel_that_preflight_and_plan_tell_of(
    nothing_stays, primary, operator
):
    said = operator.tool("preflight", *where(), status=1)
    assert "P105" in said
    assert "With no restart: --via ssh-tunnel" in said
    said = operator.tool("preflight", *where(**VIA))
    assert "READY" in said
    assert "P105 listen_addresses localhost; reached by way of a tunnel" in said
    assert "P138 sshd postgres@db1:22 answers" in said, "by name, as the standby's host resolves it"
    said = operator.tool("plan", *where(**VIA))
    assert f"{UNIT}.service: 127.0.0.1:15432 leads to 127.0.0.1:5432 on db1, as postgres; enabled" in said


def test_one_command_attaches_through_it_for_good_and_the_primary_is_not_restarted(
    nothing_stays, primary, hosts, operator, testbed
):
    assert "ATTACHED db2 streams from" in operator.tool("attach", *where(**VIA), "--yes")
    assert sql(primary, "SHOW listen_addresses") == "localhost"
    assert sql(primary, "SELECT client_addr FROM pg_stat_replication") == "127.0.0.1"
    assert sql(hosts[1], "SELECT sender_host, sender_port FROM pg_stat_wal_receiver") == "127.0.0.1|15432"
    assert hosts[1].exec(f"systemctl is-active {UNIT}; systemctl is-enabled {UNIT}").stdout == "active\nenabled\n"
    assert "VERIFIED" in operator.tool("verify", "db2", "--for", "1s")
    assert "| streaming |" in operator.tool("status")
    # What was begun through a tunnel goes on through it; another way is another attach.
    assert "Nothing to do: db2 streams" in operator.tool("attach", *where(), "--yes")
    assert "with another via" in operator.tool("attach", *where(**{"--via": "direct"}), "--yes", status=2)
    _opens_nothing_but_the_primarys_port(*hosts)
    _streams_again_by_itself(*hosts, testbed)
    operator.tool("detach", "db2", *GONE)


def _opens_nothing_but_the_primarys_port(db1, db2):
    """The key is the server's user's alone."""
    assert db2.exec(f"stat -c '%a %U' {DATA}.tunnel {DATA}.tunnel/id_ed25519").stdout == "700 postgres\n600 postgres\n"
    [line] = [line for line in db1.exec(f"cat {KEYS}/authorized_keys").stdout.splitlines() if "standbyctl" in line]
    assert line.startswith(f"{MAY} ssh-ed25519 ")
    ssh = (
        f"cd {DATA}.tunnel && timeout 10 ssh -F /dev/null -o BatchMode=yes -o UserKnownHostsFile=known_hosts"
        " -o HostKeyAlias=primary -o StrictHostKeyChecking=yes -i id_ed25519"
    )
    for way in ("postgres@db1 id", "-W 127.0.0.1:22 postgres@db1", "-W 127.0.0.1:5433 postgres@db1"):
        done = db2.exec(f"{ssh} {way}", user="postgres", check=False)
        assert done.returncode != 0
        assert "uid=" not in done.stdout
    assert db2.exec(f"{ssh} -W 127.0.0.1:5432 postgres@db1 </dev/null", user="postgres").returncode == 0


def _streams_again_by_itself(db1, db2, testbed):
    """After a reboot, a cut, and a time without sshd."""
    db2.reboot()
    wait(lambda: receives(db2), 90)
    testbed.cut("db1", "db2")
    db2.exec("sleep 7")
    testbed.heal()
    sql(db1, "CREATE TABLE after_the_cut ()")
    wait(lambda: sql(db2, "SELECT 1 FROM pg_class WHERE relname = 'after_the_cut'"), 60)
    sql(db1, "DROP TABLE after_the_cut")
    db1.exec("systemctl stop ssh && pkill -U postgres sshd; sleep 4; systemctl start ssh")
    wait(lambda: receives(db2), 60)


@pytest.mark.seldom
def test_killed_while_it_copies_the_same_command_goes_on_and_what_somebody_changed_then_is_kept(
    nothing_stays, primary, hosts, operator
):
    db1, db2 = hosts
    process = operator.start("attach", *where(**VIA), "--yes", "--max-rate", "8M")
    wait(lambda: sql(primary, "SELECT 1 FROM pg_stat_progress_basebackup WHERE backup_streamed > 10000000"))
    process.send_signal(signal.SIGKILL)
    # The writer of the draft ends within a moment.
    wait(lambda: not sql(primary, "SELECT 1 FROM pg_stat_progress_basebackup"), 30)
    assert "ATTACHED" in operator.tool("attach", *where(), "--yes")
    db1.exec(f"sed -i 's/^restrict/from=\"*\",restrict/' {KEYS}/authorized_keys")
    db2.exec(f"echo '# mine' >>/etc/systemd/system/{UNIT}.service")
    assert "Nothing to do" in operator.tool("attach", *where(), "--yes")
    said = operator.tool("detach", "db2", *GONE)
    assert "ssh account: not as we left it, so it is kept as it is" in said
    assert "tunnel: not as we left it, so it is kept as it is" in said
    assert db2.exec(f"systemctl is-enabled {UNIT}").stdout == "enabled\n"
    db2.exec(f"systemctl disable --now {UNIT}; rm /etc/systemd/system/{UNIT}.service; systemctl daemon-reload")
    db2.exec(f"systemctl reset-failed {UNIT}", check=False)
    db1.exec(f"sed -i '/standbyctl: db2$/d' {KEYS}/authorized_keys")


def test_other_logins_and_another_account_and_address_will_do_and_what_was_made_in_its_home_goes(
    nothing_stays, primary, hosts, operator
):
    db1 = hosts[0]
    operator.tool("attach", *where("admin", **VIA), "--tunnel-login", f"walrus@[{db1.ipv6}]", "--yes")
    assert streams(primary)
    assert "standbyctl: db2" in db1.exec("cat /home/walrus/.ssh/authorized_keys").stdout
    operator.tool("detach", "db2", *GONE)
    assert db1.exec("ls -A /home/walrus | grep ssh", check=False).stdout == ""


def test_a_login_that_may_not_be_root_is_refused_before_anything(nothing_stays, operator):
    said = operator.tool("attach", *where("postgres", **VIA), "--yes", status=1)
    assert "P214" in said
    assert f"{UNIT}.service is root's, and the login there is neither root nor may it be" in said


def test_an_sshd_that_does_not_forward_is_named_and_what_was_begun_is_taken_back(nothing_stays, primary, operator):
    primary.exec("echo 'AllowTcpForwarding no' >/etc/ssh/sshd_config.d/no.conf && systemctl reload ssh")
    said = operator.tool("attach", *where(**VIA), "--yes", status=5)
    assert "A214" in said
    assert "administratively prohibited" in said
    primary.exec("rm /etc/ssh/sshd_config.d/no.conf && systemctl reload ssh")
    operator.tool("detach", "db2", "--yes")


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ({"--tunnel-login": "nobody2"}, 2, "there is no account nobody2 on the primary's host"),
        ({"--tunnel-login": "@operator"}, 1, "does not reach the sshd of"),
        ({"--tunnel-login": "@db2"}, 1, "What answers at db2 is another host"),
        ({"--tunnel-login": "-x"}, 2, "is no value of tunnel_login"),
        ({"--via": "pigeon"}, 2, "pigeon"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said_and_nothing_is_changed(nothing_stays, operator, options, status, words):
    assert words in operator.tool("attach", *where(**VIA | options), "--yes", status=status)


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("", None),
        ("mkdir -m 700 .ssh", None),
        ("mkdir -m 750 .ssh; touch .ssh/authorized_keys", ""),
        ("mkdir -m 700 .ssh; printf 'a\\n' >.ssh/authorized_keys; chmod 640 .ssh/authorized_keys", "a\n"),
        ("mkdir -m 700 .ssh; printf 'a' >.ssh/authorized_keys", "a"),
        ("mkdir -m 700 .ssh; printf '\\na\\n\\n' >.ssh/authorized_keys", "\na\n\n"),
        ("mkdir -m 700 .ssh; printf '%s' 'x ssh-ed25519 AA standbyctl: db2' >.ssh/authorized_keys", None),
    ],
)
def test_an_authorized_keys_gets_one_line_and_is_to_the_byte_as_it_was_without_it(hosts, primary, before, text):
    look = "find .ssh -printf '%p %m %u\\n' -type f -exec cat {} + 2>/dev/null | od -c"
    home = "cd /home/walrus && "

    def run(script, given=""):
        parts = [PROGRAMS.joinpath(name).read_text() for name in ("tunnel_lines.sh", script)]
        body = f"set -- '{MAY}' 'standbyctl: db2'\n" + "".join(parts)
        hosts[0].exec(f"cat >/tmp/script && printf '{given}' | sh /tmp/script", user="walrus", text=body)

    hosts[0].exec(f"{home}rm -rf .ssh; umask 022; {before}", user="walrus")
    was = hosts[0].exec(home + look, user="walrus").stdout
    for key in ("AAAA", "AAAA", "BBBB"):  # the same again changes nothing, and another key takes its place
        run("tunnel_admit.sh", f"ssh-ed25519 {key}\\n")
        lines = hosts[0].exec(f"{home}cat .ssh/authorized_keys", user="walrus").stdout.splitlines()
        assert [line for line in lines if line.startswith(MAY)] == [f"{MAY} ssh-ed25519 {key} standbyctl: db2"]
        assert text is None or "\n".join(lines[:-1]) in {text, text.rstrip("\n"), text[:-1]}
    for _ in range(2):
        run("tunnel_expel.sh")
        assert hosts[0].exec(home + look, user="walrus").stdout == was
    hosts[0].exec(f"{home}rm -rf .ssh; rm -f /tmp/script", user="walrus")
