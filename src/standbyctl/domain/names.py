"""Names of nodes, and the names that PostgreSQL objects get from them."""

from __future__ import annotations

import posixpath
import re

# Slot names allow lower-case letters, digits and underscores, 63 bytes (all versions). A node's name is
# its slot's name and its application_name too; five bytes are kept for the role "repl_NAME".
_NAME = re.compile(r"[a-z0-9_]{1,58}")
_SLOT = re.compile(r"[a-z0-9_]{1,63}")


def valid_node_name(name: str) -> bool:
    """Whether a name can be a node's, a slot's and an application_name all at once.

    >>> valid_node_name("db2"), valid_node_name("DB-2"), valid_node_name("")
    (True, False, False)
    """
    return _NAME.fullmatch(name) is not None


def valid_slot_name(name: str) -> bool:
    """Whether PostgreSQL accepts the name for a replication slot."""
    return _SLOT.fullmatch(name) is not None


def name_from_address(host: str, port: int) -> str:
    """The default name of a node: its host and port, in the letters a slot's name may have.

    >>> name_from_address("DB-7.example.com", 5433)
    'db_7_example_com_5433'
    """
    stem = re.sub(r"[^a-z0-9]+", "_", host.lower()).strip("_")[:50].rstrip("_") or "node"
    return f"{stem}_{port}"


def quoted(name: str) -> str:
    """An identifier for SQL that people are shown, always in quotes.

    >>> print(quoted('o"k'))
    "o""k"
    """
    return '"' + name.replace('"', '""') + '"'


def default_role(name: str) -> str:
    """The replication role of one standby: one role each, so that one can be revoked alone."""
    return f"repl_{name}"


def marker(name: str) -> str:
    """What we write beside everything we make for a standby, to know it again without a journal."""
    return f"standbyctl: {name}"


def draft_prefix(data_directory: str, *, inside: bool = False) -> str:
    """What the path of every copy under construction begins with: a hidden neighbour of its destination.

    `inside`: its destination is a mount point, and everything of ours stands in it.

    >>> draft_prefix("/pg/16/main"), draft_prefix("/pg/16/main", inside=True)
    ('/pg/16/.main.standbyctl-', '/pg/16/main/.main.standbyctl-')
    """
    parent, base = posixpath.split(data_directory)
    return posixpath.join(data_directory if inside else parent, f".{base}.standbyctl-")


def within_destination(draft: str, destination: str) -> bool:
    """Whether a draft stands in the very directory where its copy goes: a mount point.

    >>> within_destination("/pg/main/.main.standbyctl-1", "/pg/main"), within_destination("/.main.standbyctl-1", "/pg")
    (True, False)
    """
    return posixpath.dirname(draft) == destination


def passfile_path(data_directory: str) -> str:
    """Where a standby's own passfile stands: beside its data directory, so that a copy cannot contain it."""
    return f"{data_directory}.pgpass"


def replaced_path(data_directory: str, name: str) -> str:
    """Where a cluster stands whose place a standby has taken.

    >>> replaced_path("/pg/16/main", "db2")
    '/pg/16/main.replaced-by-db2'
    """
    return f"{data_directory}.replaced-by-{name}"


def tunnel_path(data_directory: str) -> str:
    """Where the key of a standby's tunnel stands: beside its data directory, as its passfile does."""
    return f"{data_directory}.tunnel"


def condemned_path(data_directory: str, *, inside: bool = False) -> str:
    """Where a data directory stands while it is being deleted; `inside`: what was in it, for it is a mount point.

    >>> condemned_path("/pg/main"), condemned_path("/pg/main", inside=True)
    ('/pg/main.standbyctl-deleting', '/pg/main/main.standbyctl-deleting')
    """
    beside = f"{data_directory}.standbyctl-deleting"
    return posixpath.join(data_directory, posixpath.basename(beside)) if inside else beside
