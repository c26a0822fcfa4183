"""Versions that this release does not work with, whether it knows them or not."""

import pytest

from standbyctl.app.route import _check_version
from standbyctl.domain.errors import BlockedError
from standbyctl.domain.version import END_OF_LIFE, NEWEST_KNOWN, SUPPORTED_MAJORS


@pytest.mark.parametrize("major", SUPPORTED_MAJORS)
def test_a_version_that_is_supported_is_not_remarked_upon(major: int) -> None:
    _check_version("db1", major * 10000 + 3)


@pytest.mark.parametrize(
    ("number", "status", "what", "detail"),
    [
        (NEWEST_KNOWN * 10000 + 10001, 4, f"PostgreSQL {NEWEST_KNOWN + 1} is not known to this release",
         f"db1 runs PostgreSQL {NEWEST_KNOWN + 1}.1."),
        (120022, 1, "PostgreSQL 12: not yet",
         "db1 runs PostgreSQL 12.22. That is past its end of life since 2024-11-21."),
        (100023, 1, "PostgreSQL 10: not yet",
         "db1 runs PostgreSQL 10.23. That is past its end of life since 2022-11-10."),
    ],
    ids=["newer", "past its end of life", "long past it"],
)  # fmt: skip
def test_a_version_that_is_not_is_refused_with_what_is_known_of_it(
    number: int, status: int, what: str, detail: str
) -> None:
    with pytest.raises(BlockedError) as told:
        _check_version("db1", number)
    assert told.value.status == status
    [blocker] = told.value.blockers
    assert (blocker.code, str(blocker.what), str(blocker.detail)) == ("P101", what, detail)
    assert str(blocker.hint) == "This release works with PostgreSQL 13, 14, 15, 16, 17, 18."


def test_a_version_before_all_that_is_known_is_refused_too() -> None:
    assert 9 not in END_OF_LIFE
    with pytest.raises(BlockedError, match=r"PostgreSQL 9: not yet") as told:
        _check_version("db1", 90624)
    assert told.value.status == 1
