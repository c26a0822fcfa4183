"""The queries and scripts that looking is done with."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def text(name: str) -> str:
    """The text of one of them."""
    return files("standbyctl.observe").joinpath(name).read_text(encoding="utf-8")
