"""How a standby was attached, from what stands there, where no journal says it."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

from standbyctl.app.values import CHOICES
from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.hba import hba_line
from standbyctl.domain.names import marker, valid_slot_name
from standbyctl.domain.record import replace
from standbyctl.domain.target import Target
from standbyctl.nodes.ports import Server

_SLOT = re.compile(r"(?m)^primary_slot_name *= *'(.*)'")


def as_it_stands(target: Target, server: Server) -> Target:
    """The target with the slot that the standby's configuration names, or none, and as our line has it."""
    return _admission(replace(target, slot=_slot(target)), server)


def _slot(target: Target) -> str:
    try:
        text = Path(target.data_directory, "postgresql.auto.conf").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return target.slot
    found = _SLOT.findall(text)
    return found[-1] if found and (not found[-1] or valid_slot_name(found[-1])) else target.slot


def _admission(target: Target, server: Server) -> Target:
    """With the method and the kind of our line in pg_hba.conf."""
    try:
        [(text,)] = server.observe("SELECT pg_read_file(current_setting('hba_file'))")
    except CannotTellError:
        return target
    lines = text.split("\n")
    for method, sslmode in product(CHOICES["auth_method"], (target.sslmode, "require")):
        stands = replace(target, auth_method=method, sslmode=sslmode)
        if hba_line(target.role, target.source_address, marker(target.name), method, tls=stands.tls) in lines:
            return stands
    return target
