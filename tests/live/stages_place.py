"""One condition each of the place where a standby goes: what a preflight must see, and nothing else."""

import fcntl
import shutil
import socket

from tests.conftest import mount_namespace_argv
from tests.live.stages import reload, setting, stage


@stage("P201", "BLOCK", "is not empty")
def a_stray_file(pair):
    pair.data.mkdir(mode=0o700)
    (pair.data / "notes.txt").write_text("mine\n")
    shutil.chown(pair.data, pair.area.user)
    yield
    shutil.rmtree(pair.data)


@stage("P201", "OK", "is empty")
def an_empty_directory(pair):
    pair.data.mkdir(mode=0o700)
    shutil.chown(pair.data, pair.area.user)
    yield
    shutil.rmtree(pair.data)


@stage("P204", "BLOCK", "still being written")
def a_copy_that_is_being_written(pair):
    draft = pair.area.path / ".db2.standbyctl-1"
    draft.mkdir()
    (draft / "lock").touch()
    with (draft / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    shutil.rmtree(draft)


@stage("P205", "BLOCK", "is taken")
def a_port_that_is_taken(pair):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", pair.port))
        listener.listen()
        yield


@stage("P207", "OK", "running values: max_connections", also="P120")
def files_that_say_less_than_what_runs(pair):
    yield from setting(pair, "max_connections", "20")


@stage("P208", "BLOCK", "more than the memory", also="P120")
def more_buffers_than_memory(pair):
    yield from setting(pair, "shared_buffers", "'8000GB'")


@stage("P209", "BLOCK", "nowhere_lib", also="P120")
def a_library_that_is_not_there(pair):
    # ALTER SYSTEM tries to load the library; a person with an editor does not.
    path = pair.primary.data / "postgresql.conf"
    before = path.read_bytes()
    path.write_bytes(before + b"shared_preload_libraries = 'nowhere_lib'\n")
    reload(pair)
    yield
    path.write_bytes(before)
    reload(pair)


# --- a copy that is there

KEPT = "P106 P107 P108 P201"


def stopped(pair):
    pair.attach()
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")


def given_back(pair):
    pair.detach("--remove-data-dir", pair.data, "--delete")
    reload(pair)


@stage("P203", "OK", "is stopped; what it needs next is kept", also=f"P104 {KEPT}")
def a_copy_that_is_stopped(pair):
    stopped(pair)
    yield
    given_back(pair)


@stage("P203", "BLOCK", "has fallen behind", also=KEPT)
def a_copy_whose_slot_was_dropped(pair):
    stopped(pair)
    pair.primary.rows("SELECT pg_drop_replication_slot('db2')")
    yield
    given_back(pair)


# --- room, and programs: only the tool sees these mounts, so that the server goes on as before


def mounted(options, place):
    mount = f'mount -t tmpfs -o {options} tmpfs "{place}" && exec "$@"'
    return [*mount_namespace_argv(), "sh", "-c", mount, "sh"]


def small_place(pair, options):
    small = pair.area.path / "small"
    small.mkdir()
    shutil.chown(small, pair.area.user)
    yield mounted(f"{options},mode=777", small)
    shutil.rmtree(small)


@stage("P206", "BLOCK", "the disk is too small", "-D", "small/db2", also="P201", mounts=True)
def a_disk_that_is_too_small(pair):
    yield from small_place(pair, "size=64m")


@stage("P212", "BLOCK", "too few inodes", "-D", "small/db2", also="P201", mounts=True)
def a_disk_with_too_few_inodes(pair):
    yield from small_place(pair, "size=1g,nr_inodes=100")


@stage("P136", "OK", "4 MB free", also="P108", mounts=True)
def a_small_disk_for_wal(pair):
    yield mounted("size=4m,mode=777", pair.primary.data / "pg_wal")


@stage("P208", "BLOCK", "more than the memory", mounts=True)
def a_cgroup_that_allows_less_than_shared_buffers(pair):
    room = "mount -t tmpfs tmpfs /sys/fs/cgroup && echo 9000000 >/sys/fs/cgroup/memory.max"
    yield [*mount_namespace_argv(), "sh", "-c", f'{room} && exec "$@"', "sh"]


@stage("P213", "WARN", "the copy's is in its data directory")
def a_pg_wal_that_is_elsewhere(pair):
    wal, elsewhere = pair.primary.data / "pg_wal", pair.area.path / "wal"
    pair.primary.stop("fast")
    shutil.move(wal, elsewhere)
    wal.symlink_to(elsewhere)
    pair.primary.start()
    yield
    pair.primary.stop("fast")
    wal.unlink()
    shutil.move(elsewhere, wal)
    pair.primary.start()


@stage("P202", "BLOCK", "none found", also="P106 P101 P108 P136", mounts=True)
def programs_that_are_not_there(pair):
    yield mounted("mode=755", pair.area.bin)


@stage("P230", "BLOCK", "cannot go into", also="P113")
def a_tablespace_on_the_same_machine(pair):
    space = pair.area.path / "space"
    space.mkdir(mode=0o700)
    shutil.chown(space, pair.area.user)
    pair.primary.rows(f"CREATE TABLESPACE fast LOCATION '{space}'")
    yield
    pair.primary.rows("DROP TABLESPACE fast")
    shutil.rmtree(space)
