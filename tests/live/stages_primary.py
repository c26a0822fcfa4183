"""One condition each on a running primary: what a preflight must see, and nothing else."""

import shutil
import subprocess
import threading
import time

from tests.live.stages import OWN, file_changed, own_role, reload, setting, stage, statements


@stage("P106", "OK", "admits repl_db2")
def a_rule_that_admits(pair):
    for _ in file_changed(pair.primary.data / "pg_hba.conf", "host replication all 127.0.0.1/32 scram-sha-256\n"):
        reload(pair)
        yield
    reload(pair)


@stage("P106", "BLOCK", "refuses the standby on purpose")
def an_earlier_reject(pair):
    yield from file_changed(pair.primary.data / "pg_hba.conf", "host replication all 0.0.0.0/0 reject\n")
    reload(pair)


@stage("P106", "BLOCK", "is broken already")
def a_broken_hba(pair):
    yield from file_changed(pair.primary.data / "pg_hba.conf", "hots all all all trust\n")
    reload(pair)


@stage("P107", "BLOCK", "not ours")
def a_role_of_that_name(pair):
    yield from statements(pair, "CREATE ROLE repl_db2", "DROP ROLE repl_db2")


@stage("P107", "BLOCK", "has expired", *OWN, also="P106")
def a_role_that_has_expired(pair):
    yield from own_role(pair, "VALID UNTIL '2020-01-01'")


@stage("P108", "OK", "1 GB")
def a_cap_that_is_there(pair):
    yield from setting(pair, "max_slot_wal_keep_size", "'1GB'")


@stage("P108", "WARN", "no limit", "--wal-cap", "keep")
def no_cap_wanted(pair):
    yield


@stage("P109", "WARN", "full_page_writes is off")
def torn_pages(pair):
    yield from setting(pair, "full_page_writes", "off")


@stage("P110", "BLOCK", "synchronous_standby_names = '*'")
def commits_that_would_wait(pair):
    yield from setting(pair, "synchronous_commit", "local", ("synchronous_standby_names", "'*'"))


@stage(
    "P110",
    "BLOCK",
    "would wait",
)
def a_list_that_names_us(pair):
    yield from setting(pair, "synchronous_commit", "local", ("synchronous_standby_names", "'FIRST 1 (other, \"DB2\")'"))


@stage("P110", "OK", "synchronous_standby_names = 'other'")
def a_list_of_others(pair):
    yield from setting(pair, "synchronous_commit", "local", ("synchronous_standby_names", "'other'"))


@stage("P112", "BLOCK", "outside the data directory")
def configuration_elsewhere(pair):
    elsewhere = pair.area.path / "more.conf"
    elsewhere.write_text("work_mem = '5MB'\n")
    shutil.chown(elsewhere, pair.area.user)
    yield from file_changed(pair.primary.data / "postgresql.conf", f"include '{elsewhere}'\n")
    elsewhere.unlink()


@stage("P114", "BLOCK", "unrecognized configuration parameter")
def a_setting_that_is_none(pair):
    yield from file_changed(pair.primary.data / "postgresql.conf", "no_such_setting = 1\n")


@stage("P115", "BLOCK", "not allowed", since=17)
def alter_system_is_off(pair):
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("allow_alter_system = off\n")
    reload(pair)
    yield
    path = pair.primary.data / "postgresql.conf"
    path.write_text(path.read_text().replace("allow_alter_system = off\n", ""))
    reload(pair)


@stage("P117", "BLOCK", "Amazon RDS")
def a_managed_service(pair):
    yield from statements(pair, "CREATE ROLE rds_superuser", "DROP ROLE rds_superuser")


@stage("P117", "WARN", "overridden", "--despite", "managed-service")
def a_managed_service_overridden(pair):
    yield from statements(pair, "CREATE ROLE rds_superuser", "DROP ROLE rds_superuser")


@stage("P118", "BLOCK", "patroni seems to rule")
def patroni(pair):
    with pair.primary.connect(application_name="Patroni heartbeat"):
        yield


@stage("P118", "WARN", "overridden", "--despite", "patroni")
def patroni_overridden(pair):
    with pair.primary.connect(application_name="Patroni heartbeat"):
        yield


@stage("P118", "BLOCK", "pg_auto_failover seems to rule")
def pg_auto_failover(pair):
    yield from statements(pair, "CREATE ROLE pgautofailover_monitor", "DROP ROLE pgautofailover_monitor")


@stage("P118", "BLOCK", "repmgr seems to rule")
def repmgr(pair):
    with pair.primary.connect(application_name="repmgrd"):
        yield


@stage("P119", "WARN", "a mark of ansible")
def a_file_that_ansible_writes(pair):
    drop_in = pair.primary.data / "conf.d"
    drop_in.mkdir()
    (drop_in / "10.conf").write_text("# Ansible managed\nwork_mem = '5MB'\n")
    for path in (drop_in, drop_in / "10.conf"):
        shutil.chown(path, pair.area.user)
    yield from file_changed(pair.primary.data / "postgresql.conf", "include_dir 'conf.d'\n")
    shutil.rmtree(drop_in)


@stage("P119", "WARN", "ALTER SYSTEM would override it")
def a_cap_in_a_file_of_its_own(pair):
    extra = pair.primary.data / "slots.conf"
    extra.write_text("max_slot_wal_keep_size = -1\n")
    shutil.chown(extra, pair.area.user)
    yield from file_changed(pair.primary.data / "postgresql.conf", "include 'slots.conf'\n")
    extra.unlink()


@stage("P120", "WARN", "max_wal_senders 10 -> 20")
def a_setting_that_waits_for_a_restart(pair):
    yield from setting(pair, "max_wal_senders", "20")


RUNNING = "SELECT 1 FROM pg_stat_progress_basebackup WHERE phase LIKE 'streaming%'"


@stage("P122", "WARN", "1 running", also="P103")
def another_base_backup(pair):
    for _ in file_changed(pair.primary.data / "pg_hba.conf", "local replication postgres trust\n"):
        reload(pair)
        target = pair.area.path / "other-backup"
        process = subprocess.Popen(
            [*pair.area.as_user(), str(pair.area.bin / "pg_basebackup"), "-h", str(pair.area.path), "-p",
             str(pair.primary.port), "-U", "postgres", "-D", str(target), "-X", "none", "-c", "fast", "-r", "32k"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        try:
            pair.wait(lambda: pair.primary.rows(RUNNING))
            yield
        finally:
            process.kill()
            process.wait()
            shutil.rmtree(target, ignore_errors=True)
            pair.wait(lambda: not pair.primary.rows("SELECT 1 FROM pg_stat_replication"))
    reload(pair)


@stage("P124", "WARN", "nobody reads old", also="P104")
def a_slot_that_nobody_reads(pair):
    yield from statements(
        pair, "SELECT pg_create_physical_replication_slot('old', true)", "SELECT pg_drop_replication_slot('old')"
    )


@stage("P125", "WARN", "the slot would be lost", "--wal-cap", "64MB", "--max-rate", "32k")
def more_wal_than_the_cap_allows(pair):
    stop = threading.Event()

    def write():
        with pair.primary.connect() as conn:
            conn.execute("CREATE TABLE churn (t text)")
            while not stop.is_set():
                conn.execute("INSERT INTO churn SELECT repeat('x', 500) FROM generate_series(1, 2000)")
            conn.execute("DROP TABLE churn")

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.3)
    try:
        yield
    finally:
        stop.set()
        writer.join()


@stage("P126", "WARN", "loses its slot", since=18)
def idle_slots_are_dropped(pair):
    yield from setting(pair, "idle_replication_slot_timeout", "'1h'")


@stage("P128", "WARN", "1 in database postgres")
def an_unlogged_table(pair):
    yield from statements(pair, "CREATE UNLOGGED TABLE fleeting (n int)", "DROP TABLE fleeting")


@stage("P129", "WARN", "never noticed")
def no_sender_timeout(pair):
    yield from setting(pair, "wal_sender_timeout", "0")


@stage("P132", "WARN", "0.1 -> none")
def a_collation_of_another_library(pair):
    change = "UPDATE pg_database SET datcollversion = {} WHERE datname = 'template1'"
    if pair.area.major < 15:  # initdb's word for the collation of that name stands for it
        change = "UPDATE pg_collation SET collversion = {} WHERE collname = 'C'"
    yield from statements(pair, change.format("'0.1'"), change.format("NULL"))


@stage("P133", "BLOCK", "root-only")
def a_file_that_the_server_cannot_read(pair):
    path = pair.primary.data / "root-only"
    path.write_text("secret")
    path.chmod(0)
    yield
    path.unlink()


@stage("P134", "OK", "spread: up to", "--checkpoint", "spread")
def a_spread_checkpoint(pair):
    yield
