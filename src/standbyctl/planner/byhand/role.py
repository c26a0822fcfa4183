"""A replication role whose password nobody chooses: random letters that stand in one file."""

from __future__ import annotations

import shlex

from standbyctl.domain import effects as fx
from standbyctl.domain.conf import passfile_entry
from standbyctl.domain.hand import Hand, psql, shell
from standbyctl.domain.message import msg
from standbyctl.domain.names import quoted


def write_passfile(effect: fx.WritePassfile) -> tuple[Hand, ...]:
    """Two lines: ours with a key, a digest of the other; and the entry that libpq reads."""
    entry = shlex.quote(passfile_entry(effect.host, effect.port, effect.role))
    path = shlex.quote(effect.path)
    return (
        shell(
            effect.node,
            "umask 077",
            f"entry={entry}$(head -c 48 /dev/urandom | base64 -w 0 | tr -d '+/=')",
            "key=$(printf '%s' \"$entry\" | sha256sum | cut -c 1-16)",
            f'printf \'%s\\n\' "# {effect.marker}, key $key" "$entry" >{path}',
            f"sync {path}",
            f"cat {path}",
            expected=msg(
                "two lines: the key (16 letters, end of the first) and the password (after the last colon) are asked"
                " for when the role is made; they go nowhere else"
            ),
        ),
    )


def remove_passfile(effect: fx.RemovePassfile) -> tuple[Hand, ...]:
    """Ours alone."""
    path = shlex.quote(effect.path)
    seen = msg('the first line begins with "{mark}", key: otherwise leave the file', mark=f"# {effect.marker}")
    return shell(effect.node, f"head -n 1 {path}", expected=seen), shell(effect.node, f"rm {path}")


def make_role(effect: fx.MakeRole) -> tuple[Hand, ...]:
    """psql sends a verifier, never the password. The comment says whose the role is, and goes with the passfile."""
    name, literal = quoted(effect.role), effect.role.replace("'", "''")
    mark = effect.marker.replace("'", "''")
    comment = (
        f"SELECT format('COMMENT ON ROLE %I IS %L', rolname, '{mark}, key ' || :'key' || ', '"
        " || left(encode(sha256(convert_to(rolpassword, 'UTF8')), 'hex'), 16))"
        f" FROM pg_authid WHERE rolname = '{literal}' \\gexec"
    )
    return (
        psql(
            effect.node,
            f"CREATE ROLE {name} LOGIN REPLICATION;",
            "SET password_encryption = 'scram-sha-256';",
            f"\\password {name}",
            expected=msg(
                "the password from {path} on {node}, twice; then no error",
                path=effect.passfile,
                node=effect.passfile_node,
            ),
        ),
        psql(
            effect.node,
            "\\prompt 'key: ' key",
            comment,
            expected=msg("the key from the first line of {path}; then COMMENT", path=effect.passfile),
        ),
    )
