"""How the house is kept."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import standbyctl
from standbyctl.diagnosis.catalogue import ALL

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "standbyctl"
SOURCES = sorted(SRC.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MOST_LINES = 300
CODE = re.compile(r"[A-Z]\d{3}")
RAISERS = re.compile(r"\w*(Blocker|Error|refusal)")
CATALOGUE = SRC / "diagnosis" / "catalogue"


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_a_module_that_passes_300_lines_is_two_modules() -> None:
    long = [path for path in SOURCES if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES]
    assert list(map(named, long)) == []


def test_classes_of_data_are_made_the_quick_way() -> None:
    of_the_library = [
        named(path)
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        if {each.name for each in node.names} & {"dataclass", "field", "replace"}
    ]
    assert {*of_the_library} == {"src/standbyctl/domain/record.py"}


def first_words(path: Path) -> Iterator[str]:
    """What blockers and errors are called with first, where it is a plain string."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if RAISERS.fullmatch(called) and isinstance(node.args[0].value, str) and len(node.args) > 1:
                yield node.args[0].value


def test_every_error_of_ours_has_a_code() -> None:
    codes = {code: named(path) for path in SOURCES for code in first_words(path)}
    assert len(codes) > 20
    assert [(code, path) for code, path in codes.items() if not CODE.fullmatch(code)] == []


def codes_in_use() -> set[str]:
    """Every string of the sources, outside the catalogue, that is a code and nothing else."""
    return {
        node.value
        for path in SOURCES
        if CATALOGUE not in path.parents
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }


def test_every_code_can_be_explained() -> None:
    assert codes_in_use() - {entry.code for entry in ALL} == set()


def test_nothing_is_explained_that_is_not_there() -> None:
    assert {entry.code for entry in ALL} <= codes_in_use()


def test_nothing_is_mocked() -> None:
    assert [f"{named(path)}: {what}" for path in (*SOURCES, *TESTS) for what in _mocks(path)] == [], (
        "pass a door in instead"
    )


def _mocks(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            names = []
        yield from (name for name in names if name.startswith("unittest.mock"))
        # By whatever name the fixture goes: patch.setattr is the same.
        if isinstance(node, ast.Attribute) and node.attr in {"setattr", "setitem"}:
            yield node.attr


@pytest.mark.parametrize("init", sorted(SRC.rglob("__init__.py")), ids=named)
def test_no_package_is_empty(init: Path) -> None:
    beside = [path for path in init.parent.iterdir() if path.name not in {"__init__.py", "__pycache__"}]
    code = [node for node in tree(init).body if not isinstance(node, ast.Expr)]
    assert beside or code


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in SOURCES if not ast.get_docstring(tree(path)) and path.name != "__main__.py"]
    assert list(map(named, silent)) == []


def test_the_changelog_knows_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## .*\b{re.escape(standbyctl.__version__)}\b", changelog, re.MULTILINE)


def test_the_names_of_tests_are_sentences() -> None:
    short = [
        f"{named(path)}: {node.name}"
        for path in TESTS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and node.name.count("_") < 2
    ]
    assert short == []
