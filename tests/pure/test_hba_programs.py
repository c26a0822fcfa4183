"""The programs that edit pg_hba.conf do to every file what our own functions do, and nothing where they refuse."""

from __future__ import annotations

import hashlib
import subprocess
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from standbyctl.nodes.files import insert_line, remove_line
from standbyctl.nodes.programs import program_text

limit = settings(max_examples=60, derandomize=True, deadline=None, database=None)
LINE = 'host replication "o""dd \\\\ name" 127.0.0.1/32 scram-sha-256 # standbyctl: db2'
# Lines of pg_hba.conf are any bytes but NUL; some look nearly like ours.
contents = st.lists(
    st.sampled_from(
        [b"", b"local all all peer\r", b"# caf\xe9 \xff", LINE.encode() + b"\r", b" " + LINE.encode(), b"\\"]
    )
    | st.binary(max_size=20).map(lambda some: some.replace(b"\0", b"0").replace(b"\n", b"n")),
    max_size=6,
).map(b"\n".join)


def run(script: str, path: Path, *args: str, line: str = LINE) -> int:
    data = b64encode(line.encode()) + b"\n"
    return subprocess.run(["sh", "-c", program_text(script, str(path), *args)], input=data, check=False).returncode


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


@limit
@given(contents, st.none() | st.integers(1, 7))
def test_the_line_goes_in_where_it_should_and_comes_out_without_a_trace(text: bytes, before: int | None) -> None:
    before = None if before is None else min(before, max(1, len(text.split(b"\n"))))
    if LINE.encode() in text.split(b"\n"):
        return
    with TemporaryDirectory() as directory:
        path = Path(directory, "pg_hba.conf")
        path.write_bytes(text)
        assert run("hba_insert.sh", path, digest(text), "" if before is None else str(before)) == 0
        assert path.read_bytes() == insert_line(text, LINE.encode(), before)
        again = path.read_bytes()
        assert run("hba_insert.sh", path, "another", "") == 0
        assert path.read_bytes() == again
        assert run("hba_remove.sh", path) == 0
        assert path.read_bytes() == remove_line(again, LINE.encode())
        assert path.read_bytes() == text
        assert [each.name for each in Path(directory).iterdir()] == ["pg_hba.conf"]


def test_a_file_that_has_changed_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pg_hba.conf"
    path.write_bytes(b"theirs\n")
    assert run("hba_insert.sh", path, digest(b"ours\n"), "") == 90
    assert path.read_bytes() == b"theirs\n"
    assert [each.name for each in tmp_path.iterdir()] == ["pg_hba.conf"]


def test_without_a_line_or_a_file_nothing_happens(tmp_path: Path) -> None:
    path = tmp_path / "pg_hba.conf"
    assert run("hba_insert.sh", path, digest(b""), "") != 0
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"a\n\nb\n")
    assert run("hba_remove.sh", path, line="") != 0
    assert path.read_bytes() == b"a\n\nb\n"
