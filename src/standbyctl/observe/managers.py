"""Who else rules a server, by evidence: a managed service, or a tool for high availability. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# Roles that only the service makes.
_SERVICES = {
    "rds_superuser": "Amazon RDS",
    "cloudsqlsuperuser": "Google Cloud SQL",
    "alloydbsuperuser": "Google AlloyDB",
    "azure_pg_admin": "Azure Database for PostgreSQL",
    "neon_superuser": "Neon",
    "supabase_admin": "Supabase",
    "doadmin": "DigitalOcean",
}
TELLING_ROLES = (*_SERVICES, "pgautofailover_monitor", "pgautofailover_replicator", "streaming_replica", "stolon")

# What each tool leaves on the servers that it rules: extension, part of an application_name, configuration file.
_TOOLS: dict[str, dict[str, tuple[str, ...]]] = {
    "patroni": {
        "applications": ("patroni",),
        "sourcefiles": ("postgresql.base.conf",),
    },
    "repmgr": {
        "extensions": ("repmgr",),
        "applications": ("repmgr",),
        "preloaded": ("repmgr",),
    },
    "pg_auto_failover": {
        "extensions": ("pgautofailover",),
        "applications": ("pgautofailover", "pg_auto_failover"),
        "sourcefiles": ("postgresql-auto-failover.conf",),
        "preloaded": ("pgautofailover",),
        "roles": ("pgautofailover_monitor", "pgautofailover_replicator"),
    },
    "cloudnativepg": {
        "applications": ("cnpg",),
        "sourcefiles": ("/pgdata/custom.conf",),
        "roles": ("streaming_replica",),
    },
    "stolon": {
        "applications": ("stolon",),
        "roles": ("stolon",),
    },
}


def find_managed(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Services, each with what shows it."""
    for role in raw["roles"]:
        if role in _SERVICES:
            yield _SERVICES[role], f"role {role}"
    if "aurora_version" in raw["functions"]:
        yield "Amazon Aurora", "function aurora_version()"


def find_managers(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Tools, each with the first thing that shows it."""
    preloaded = next((s["value"] for s in raw["settings"] if s["name"] == "shared_preload_libraries"), "")
    seen = {
        "extensions": ("extension", raw["extensions"]),
        "applications": ("application_name", raw["applications"]),
        "sourcefiles": ("file", raw["sourcefiles"]),
        "preloaded": ("shared_preload_libraries", preloaded.replace('"', "").replace(" ", "").split(",")),
        "roles": ("role", raw["roles"]),
    }
    for tool, marks in _TOOLS.items():
        found = next(
            (
                f"{label} {value}"
                for kind, wanted in marks.items()
                for label, values in [seen[kind]]
                for value in values
                if any(_shows(kind, mark, value) for mark in wanted)
            ),
            None,
        )
        if found:
            yield tool, found


def _shows(kind: str, mark: str, value: str) -> bool:
    if kind == "applications":
        return value.lower().startswith(mark)
    if kind == "sourcefiles":
        return value.endswith(mark)
    return value == mark
