"""What is carried to a host without pip: one file, with a libpq of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PREAMBLE = ROOT / "packaging/preamble.py"


@pytest.mark.live
@pytest.mark.one_version
def test_one_file_looks_at_a_primary_with_a_libpq_of_its_own(pair, tmp_path):
    subprocess.run(["make", "-C", ROOT, "dist"], check=True, capture_output=True)
    pyz = ROOT / "dist/standbyctl.pyz"
    env = pair.env | {"SHIV_ROOT": str(tmp_path)}
    # As on a host that has nothing of ours: no environment, no site-packages.
    argv = [sys.executable, "-I", "-S", str(pyz)]
    done = subprocess.run([*argv, "preflight", *pair.where, "--json"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "READY"
    asked = "import psycopg, standbyctl; print(psycopg.pq.__impl__, standbyctl.__file__)"
    done = subprocess.run([*argv, "-c", asked], env=env | {"SHIV_INTERPRETER": "1"}, capture_output=True, text=True)
    assert done.stdout.split()[0] == "binary", done.stderr
    assert str(tmp_path) in done.stdout


@pytest.mark.parametrize(("built", "status"), [("{}{}", 0), ("27", 2), ("399", 2)])
def test_another_python_than_the_one_it_was_built_for_is_told_so(tmp_path, built, status):
    tag = built.format(*sys.version_info)
    (tmp_path / "psycopg_binary").mkdir()
    (tmp_path / f"psycopg_binary/_psycopg.cpython-{tag}-x86_64-linux-gnu.so").touch()
    code = f"from pathlib import Path; site_packages = Path({str(tmp_path)!r}); exec({PREAMBLE.read_text()!r})"
    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    if status:
        assert f"built for Python {tag[0]}.{tag[1:]}, and this is {sys.version_info[0]}." in done.stderr
