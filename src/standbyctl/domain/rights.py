"""What a role that is no superuser must have been granted, and the statement that grants it.

REPLICATION is an attribute: it is not inherited with a membership (all versions). The functions are granted, not the
views over them: whoever may call them needs no view.
"""

from __future__ import annotations

from collections.abc import Iterable

from standbyctl.domain.version import NEWEST_KNOWN

# Without these a primary cannot be looked at.
LOOKING = ("monitor", "hba rules", "file settings")
# What --hba sql needs besides, and the parameters that it sets in its own session so that nothing of it is logged.
BY_SQL = ("program", "read file")
QUIET = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_min_error_statement": "panic",
    "log_min_messages": "panic",
    "auto_explain.log_min_duration": "-1",
    "pg_stat_statements.track": "none",
    "pgaudit.log": "none",
}
_GRANTS = {
    "replication": "ALTER ROLE {role} REPLICATION;",
    "monitor": "GRANT pg_monitor TO {role};",
    "hba rules": "GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO {role};",
    "file settings": "GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO {role};",
    "reload": "GRANT EXECUTE ON FUNCTION pg_reload_conf() TO {role};",
    # Rights on parameters can be granted since 15.
    "alter": "GRANT ALTER SYSTEM ON PARAMETER {name} TO {role};",
    "program": "GRANT pg_execute_server_program TO {role};",
    "read file": "GRANT EXECUTE ON FUNCTION pg_read_binary_file(text), pg_stat_file(text) TO {role};",
    "set": "GRANT SET ON PARAMETER {name} TO {role};",
}
ON_PARAMETERS_SINCE = 15
_BEFORE_15 = {
    "alter": "-- Before PostgreSQL 15 only a superuser may alter {name}.",
    "set": "-- Before PostgreSQL 15 only a superuser may set {name}.",
}


def grants(rights: Iterable[str], role: str, major: int = NEWEST_KNOWN) -> tuple[str, ...]:
    """The statements that grant these to a role (quoted already), in the order of the recipe.

    What cannot be granted on that major is a comment among them.

    >>> grants({"alter wal_keep_size", "replication"}, '"Tool"')
    ('ALTER ROLE "Tool" REPLICATION;', 'GRANT ALTER SYSTEM ON PARAMETER wal_keep_size TO "Tool";')
    """
    wanted = sorted(rights)
    kinds = _GRANTS if major >= ON_PARAMETERS_SINCE else {**_GRANTS, **_BEFORE_15}
    return tuple(
        statement.format(role=role, name=right.partition(" ")[2])
        for kind, statement in kinds.items()
        for right in wanted
        if right == kind or ("{name}" in statement and right.partition(" ")[0] == kind)
    )


def by_sql(lacks: Iterable[str]) -> tuple[str, ...]:
    """Those of the lacking rights that --hba sql needs."""
    return tuple(right for right in lacks if right in BY_SQL or right.startswith("set "))
