"""Where a line may stand in pg_hba.conf.

The first record that matches decides; there is no fall-through, so an appended line can be dead, and a line
put too high can let somebody in whom a `reject` kept out. `all` in the database column does not match
physical replication (all versions). This is advice for placing the line: the proof is a connection.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from standbyctl.domain.facts import HbaRule
from standbyctl.domain.record import dataclass

_PASSWORD_METHODS = frozenset({"scram-sha-256", "md5", "password", "trust"})
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the line goes: before a line (None: at the end), or why nowhere.

    `admits`: this rule lets the role in already. `refuses`: this `reject` stands in the way.
    `foreign_file`: the place would be in an included file, which is not edited. `doubtful`: this rule may let the
    role in, and only the server can tell (TLS, groups, host names).
    """

    before_line: int | None = None
    admits: HbaRule | None = None
    refuses: HbaRule | None = None
    foreign_file: str = ""
    doubtful: HbaRule | None = None


def hba_line(
    role: str, source_address: str, marker: str, method: str = "scram-sha-256", *, tls: bool | None = None
) -> str:
    """The record that admits one role from one address for replication; by TLS only, where `tls` is true.

    >>> hba_line("repl_db2", "10.0.0.7", "standbyctl: db2")
    'host replication repl_db2 10.0.0.7/32 scram-sha-256 # standbyctl: db2'
    """
    kind = "hostssl" if tls else "host"
    bits = 32 if ip_address(source_address).version == 4 else 128  # noqa: PLR2004
    # A name that is also a keyword (all, replication), or has odd letters, must be quoted.
    plain = _PLAIN_NAME.fullmatch(role) and role not in {"all", "replication", "sameuser", "samerole"}
    user = role if plain else '"' + role.replace('"', '""') + '"'
    return f"{kind} replication {user} {source_address}/{bits} {method} # {marker}"


def find_place(
    rules: tuple[HbaRule, ...], main_file: str, role: str, source: str, *, tls: bool | None = None
) -> Placement:
    """Where a line for the role must stand to be reached, without ever passing a `reject`.

    `tls`: whether the connection is known to be encrypted, or not to be.
    """
    relevant = [rule for rule in rules if _could_match(rule, role, source) and _crypto(rule, tls) is not False]
    if not relevant:
        return Placement()
    first = relevant[0]
    if first.method == "reject":
        return Placement(refuses=first)
    if first.method in _PASSWORD_METHODS and _crypto(first, tls) and _surely_matches(first, role, source):
        return Placement(admits=first)
    if reject := next((rule for rule in relevant if rule.method == "reject"), None):
        return Placement(refuses=reject)
    doubtful = first if first.method in _PASSWORD_METHODS else None
    if first.file not in {"", main_file}:
        return Placement(foreign_file=first.file, doubtful=doubtful)
    return Placement(before_line=first.line, doubtful=doubtful)


def may_admit(rules: tuple[HbaRule, ...], role: str, source: str) -> bool:
    """Whether some rule could let the role in; in doubt it could."""
    return any(rule.method != "reject" and _could_match(rule, role, source) for rule in rules)


def _could_match(rule: HbaRule, role: str, source: str) -> bool:
    """Whether the rule might decide about the connection; in doubt it might."""
    if rule.error or rule.type == "local" or "replication" not in rule.databases:
        return False
    user = any(name in {"all", role} or name[:1] in {"+", "/"} for name in rule.users)
    return user and _covers(rule, source) is not False


def _surely_matches(rule: HbaRule, role: str, source: str) -> bool:
    """Whether the rule decides about the connection for certain, whatever groups do."""
    return bool({"all", role} & set(rule.users)) and _covers(rule, source) is True


def _crypto(rule: HbaRule, tls: bool | None) -> bool | None:
    """Whether the rule is for such a connection; None where only both ends can tell. GSSAPI is never asked for."""
    match rule.type:
        case "host":
            return True
        case "hostssl":
            return tls
        case "hostnossl":
            return None if tls is None else not tls
    return None


def _covers(rule: HbaRule, source: str) -> bool | None:
    """Whether the rule's address covers the source; None where only the server can tell (host names)."""
    if rule.address == "all":
        return True
    try:
        network = ip_network(f"{rule.address}/{_prefix(rule.netmask)}", strict=False)
    except ValueError:
        return None
    address = ip_address(source)
    return address.version == network.version and address in network


def _prefix(netmask: str) -> int:
    """The length of a netmask as pg_hba_file_rules writes it.

    >>> _prefix("255.255.255.0"), _prefix("ffff:ffff::")
    (24, 32)
    """
    return int(ip_address(netmask)).bit_count()
