"""The queries and scripts that looking is done with."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_PART = re.compile(r"\[\[(\w+\.(?:sql|sh))\]\]")


@cache
def text(name: str) -> str:
    """The text of one of them. [[name]] stands for the text of another: what is asked in more than one of them."""
    whole = files("standbyctl.observe").joinpath(name).read_text(encoding="utf-8")
    return _PART.sub(lambda part: text(part[1]).strip(), whole)
