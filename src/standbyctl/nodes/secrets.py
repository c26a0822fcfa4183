"""The password: made here, written to a file, sent as a verifier. It is never an argument and never logged."""

from __future__ import annotations

import hashlib
import secrets

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.message import msg
from standbyctl.nodes.libpq import quote
from standbyctl.nodes.world import World

KEY_LETTERS = 16


def write_passfile(effect: fx.WritePassfile, world: World) -> None:
    """Two lines: ours, with a key that is a digest of the second, and the entry that libpq reads."""
    entry = effect.entry + secrets.token_urlsafe(32)
    text = f"# {effect.marker}, key {key_of(entry)}\n{entry}\n"
    world.run(effect.node, "write_passfile.sh", effect.path, f"# {effect.marker}, key ", data=text.encode())


def remove_passfile(effect: fx.RemovePassfile, world: World) -> None:
    """Remove it, if it is ours."""
    world.run(effect.node, "remove_passfile.sh", effect.path, f"# {effect.marker}, key ")


def make_role(effect: fx.MakeRole, world: World) -> None:
    """Make the role, or set the password of our own, and write into its comment which key it goes with."""
    text = world.run(effect.passfile_node, "read_file.sh", effect.passfile).stdout.decode()
    entry = text.splitlines()[1]
    server = world.doors[effect.node].server
    verifier = server.encrypt_password(entry.rsplit(":", 1)[1], effect.role)
    comment = f"{effect.marker}, key {key_of(entry)}, {key_of(verifier)}"
    session = server.session()
    try:
        found = session.rows("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = %s", effect.role)
        if found and not str(found[0][0] or "").startswith(f"{effect.marker},"):
            raise StoppedError("A204", msg('the role "{role}" is not ours', role=effect.role))
        verb = "ALTER" if found else "CREATE"
        # One implicit transaction: the password and the word about it are never apart.
        session.rows(
            f"{verb} ROLE {quote(effect.role)} LOGIN REPLICATION PASSWORD '{verifier}';"
            f" COMMENT ON ROLE {quote(effect.role)} IS '{comment}'"
        )
    finally:
        session.close()


def key_of(text: str) -> str:
    """A short digest by which two places that hold parts of one secret are known to belong together."""
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LETTERS]
