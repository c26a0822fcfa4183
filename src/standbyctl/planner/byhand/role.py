"""A replication role whose password nobody chooses: random letters that stand in one file."""

from __future__ import annotations

import posixpath
import shlex

from standbyctl.domain import effects as fx
from standbyctl.domain.hand import Hand, psql, shell
from standbyctl.domain.message import msg
from standbyctl.domain.names import quoted


def write_passfile(effect: fx.WritePassfile) -> tuple[Hand, ...]:
    """Two lines: ours with a key, a digest of the other; and the entry that libpq reads. The password is not shown."""
    entry = shlex.quote(effect.entry)
    path, parent = shlex.quote(effect.path), shlex.quote(posixpath.dirname(effect.path))
    made = " &&\n  ".join(
        (
            "( umask 077 && set -C",
            f"entry={entry}$(head -c 48 /dev/urandom | base64 -w 0 | tr -d '+/=')",
            "key=$(printf '%s' \"$entry\" | sha256sum | cut -c 1-16)",
            f'printf \'%s\\n\' "# {effect.marker}, key $key" "$entry" >{path}',
            f"sync {path} {parent} )",
        )
    )
    seen = msg("one line that ends with a key of 16 letters: it is asked for when the role is made")
    return (shell(effect.node, made, f"head -n 1 {path}", expected=seen),)


def remove_passfile(effect: fx.RemovePassfile) -> tuple[Hand, ...]:
    """Ours alone."""
    path = shlex.quote(effect.path)
    seen = msg('the first line begins with "{mark}", key: otherwise leave the file', mark=f"# {effect.marker}")
    return (
        shell(effect.node, f"head -n 1 {path}", expected=seen),
        shell(effect.node, f"rm {path}", expected=msg("no error")),
    )


def make_role(effect: fx.MakeRole) -> tuple[Hand, ...]:
    """psql sends a verifier, never the password. The comment says whose the role is, and goes with the passfile."""
    name, literal = quoted(effect.role), effect.role.replace("'", "''")
    mark = effect.marker.replace("'", "''")
    comment = (
        f"SELECT format('COMMENT ON ROLE %I IS %L', rolname, '{mark}, key KEY, '"
        " || left(encode(sha256(convert_to(rolpassword, 'UTF8')), 'hex'), 16))"
        f" FROM pg_authid WHERE rolname = '{literal}' \\gexec"
    )
    there = {"path": effect.passfile, "node": effect.passfile_node}
    return (
        psql(
            effect.node,
            f"SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = '{literal}';",
            expected=msg('no row, or "{mark}" (an earlier attempt): otherwise stop', mark=effect.marker),
        ),
        psql(
            effect.node,
            "BEGIN;",
            f"SELECT 'CREATE ROLE {name} LOGIN REPLICATION' WHERE NOT EXISTS"
            f" (SELECT FROM pg_roles WHERE rolname = '{literal}') \\gexec",
            f"COMMENT ON ROLE {name} IS '{mark}, begun by hand';",
            "COMMIT;",
            expected=msg("COMMIT"),
        ),
        shell(
            effect.passfile_node,
            f"sed -n '2s/.*://p' {shlex.quote(effect.passfile)}",
            expected=msg("the password: stop logging of the terminal before, and clear the screen after the next step"),
        ),
        psql(
            effect.node,
            "SET password_encryption = 'scram-sha-256';",
            f"\\password {name}",
            expected=msg("the password from {path} on {node}, twice; then no error", **there),
        ),
        psql(
            effect.node,
            comment,
            expected=msg("with the key from the first line of {path} on {node} in place of KEY: COMMENT", **there),
        ),
    )
