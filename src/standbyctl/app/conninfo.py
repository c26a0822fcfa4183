"""What an operator types to say where a server is."""

from __future__ import annotations

from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import Message, msg
from standbyctl.nodes.libpq import parse_conninfo

_SECRETS = {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}


def connection_params(conninfo: str, whose: str | Message = "the primary") -> dict[str, str]:
    """Parse a conninfo, URI or host name; a password in it is refused, for it would be kept in journals."""
    text = conninfo if "=" in conninfo or "://" in conninfo or not conninfo else f"host={conninfo}"
    try:
        params = parse_conninfo(text)
    except ValueError as error:
        # libpq's own words are not shown: they may quote what was meant as a password.
        raise UsageError(
            "C103",
            msg("cannot read the conninfo of {whose}", whose=whose),
            hint=msg("Write it as libpq takes it: 'host=db1 user=postgres', a URI, or service=NAME."),
        ) from error
    if _SECRETS & set(params):
        raise UsageError(
            "C104",
            msg("the conninfo contains a password"),
            detail=msg("It would be seen in ps, and kept in plans and journals."),
            hint=msg("Put it into .pgpass, a service file or PGPASSWORD."),
        )
    return params
