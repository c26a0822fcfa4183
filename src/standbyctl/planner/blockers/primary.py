"""Why a primary cannot have a standby now."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.deed import literally
from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.facts import Facts, Server
from standbyctl.domain.hba import find_place
from standbyctl.domain.message import Message, listed, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import HbaWay, Target
from standbyctl.domain.version import SUPPORTED_MAJORS, major, version_text
from standbyctl.planner.blockers.chain import role_of_server_blockers
from standbyctl.planner.blockers.restart import need, restart_hint
from standbyctl.planner.plan import has
from standbyctl.steps.base import Impact, Step
from standbyctl.steps.hba import AdmitReplication


def server_blockers(facts: Facts, sample: Sample, target: Target) -> Iterator[Blocker]:
    """What the server is, and what it was started with."""
    server, node = facts.server(target.primary), target.primary
    if major(server.version_num) not in SUPPORTED_MAJORS:
        yield Blocker(
            "P101",
            msg("PostgreSQL {major}: not yet", major=major(server.version_num)),
            msg("{node} runs PostgreSQL {v}.", node=node, v=version_text(server.version_num)),
            msg(
                "This release works with PostgreSQL {majors}.",
                majors=", ".join(map(str, SUPPORTED_MAJORS)),
            ),
        )
    yield from role_of_server_blockers(facts, target)
    if server.setting("wal_level").value == "minimal":
        yield Blocker(
            "P102",
            msg("{node} needs a restart before it can have a standby: wal_level is minimal", node=node),
            msg(
                "With wal_level = minimal the WAL that a standby needs is not written. It is read at server start only:"
                " a reload changes nothing.",
            ),
            restart_hint(server, node, "wal_level"),
            need=need(server, "wal_level"),
        )
    # minimal goes only with 0, but each needs its own change.
    if int(server.setting("max_wal_senders").value) == 0:
        yield Blocker(
            "P103",
            msg("{node} needs a restart before it can have a standby: max_wal_senders is 0", node=node),
            msg("max_wal_senders is read at server start only: a reload changes nothing."),
            restart_hint(server, node, "max_wal_senders"),
            need=need(server, "max_wal_senders"),
        )
    if not sample.reachable and target.apart and _listens_everywhere(server):
        yield Blocker(
            "P105",
            msg("{node} is not reached from where its standby is to run", node=node),
            msg(
                "listen_addresses is '{value}', and nothing answers there at {host}, port {port}.",
                value=server.setting("listen_addresses").value,
                host=target.primary_host,
                port=target.primary_port,
            ),
            msg(
                "Open that port between them, or say where the standby is to connect: --primary-address HOST:PORT. Or"
                " connect by ssh: --via ssh-tunnel."
            ),
            need=Need.WAY,
        )
    elif not sample.reachable or server.setting("listen_addresses").value == "":
        yield Blocker(
            "P105",
            msg("{node} does not listen on TCP where its standby is to run", node=node),
            msg(
                "A standby connects by TCP; listen_addresses is '{value}' and read at server start only, and port"
                " {port} refuses here.",
                value=server.setting("listen_addresses").value,
                port=server.setting("port").value,
            ),
            restart_hint(
                server,
                node,
                "listen_addresses",
                "--listen-addresses LIST",
                _instead(server, target),
            ),
            need=Need.WAY if _tunnel_would_do(server, target) else need(server, "listen_addresses"),
        )
    outside = _outside(server.config_sources, server.setting("data_directory").value)
    if outside and not target.service.config_file:
        yield Blocker(
            "P112",
            msg("the standby would have no postgresql.conf"),
            msg(
                "{node} reads {files}; a base backup does not contain that.",
                node=node,
                files=listed(map(source_words, outside)),
            ),
            msg("Give the standby a cluster of its own host's: --cluster VERSION/NAME, made by pg_createcluster."),
            need=Need.WAY,
        )


def source_words(source: str) -> Message:
    """A file that a server's configuration is read from."""
    path = source.removeprefix("symbolic link ")
    return literally(source) if path == source else msg("symbolic link {path}", path=path)


def _listens_everywhere(server: Server) -> bool:
    listens = {word.strip() for word in server.setting("listen_addresses").value.split(",")}
    return bool(listens & {"*", "0.0.0.0", "::"})  # noqa: S104


def _tunnel_would_do(server: Server, target: Target) -> bool:
    return bool(
        target.apart
        and not target.away
        and not target.head
        and not target.tunnel.used
        and server.setting("listen_addresses").value
    )


def _instead(server: Server, target: Target) -> Message:
    if _tunnel_would_do(server, target):
        return msg(
            "With no restart: --via ssh-tunnel, which connects by ssh from the standby's host. Or give -p an address"
            " that it listens on."
        )
    return msg("Give -p an address that it listens on.")


def _outside(paths: tuple[str, ...], data_directory: str) -> tuple[str, ...]:
    return tuple(path for path in paths if not path.startswith(f"{data_directory}/"))


def commit_blockers(facts: Facts, sample: Sample, target: Target) -> Iterator[Blocker]:
    """Commits that would wait for the new standby."""
    if target.head:
        return  # only a primary has commits
    names = facts.server(target.primary).setting("synchronous_standby_names").value
    if _may_name(names, {target.name, f"{target.name}_copy"}):
        alone = sample.wal_senders_in_use == 0
        yield Blocker(
            "P110",
            msg("commits on {node} would wait for the new standby", node=target.primary),
            msg(
                "synchronous_standby_names = '{names}' makes {name}, or the very copy of it, a synchronous"
                " standby: commits wait for it, and hang when it goes away.{now}",
                names=names,
                name=target.name,
                now=msg(" No standby is connected: unless synchronous_commit is off or local, they hang now.")
                if alone
                else "",
            ),
            msg(
                "List the standbys that are meant to be synchronous by name (a reload), without {name}.",
                name=target.name,
            ),
        )


def tls_blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
    """TLS that is asked for, of a server that speaks none."""
    if target.tls and facts.server(target.primary).setting("ssl").value != "on":
        yield Blocker(
            "P130",
            msg("{node} does not speak TLS", node=target.primary),
            msg("sslmode {mode} is asked for, and ssl is off there.", mode=target.sslmode),
            msg(
                "With ssl_cert_file and ssl_key_file in place, ALTER SYSTEM SET ssl = on and a reload do it, without a"
                " restart. Or leave --sslmode out."
            ),
        )


def _may_name(names: str, ours: set[str]) -> bool:
    """Whether the setting counts one of our application names in (names compare without case)."""
    words = names.replace("(", " ").replace(")", " ").replace(",", " ").replace('"', " ").lower().split()
    return "*" in words or bool(ours & set(words))


def reload_blockers(facts: Facts, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """What somebody has written into a file and not loaded, where our reload would put it into force."""
    yield from reload_blockers_of(facts, target.primary, steps)


def reload_blockers_of(facts: Facts, node: str, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """The same of any server."""
    if not any(step.felt is Impact.RELOAD for step in steps):
        return
    server = facts.server(node)
    names = server.setting("synchronous_standby_names")
    if names.in_file and names.in_file != names.value:
        yield Blocker(
            "P110",
            msg("a reload of {node} would make its commits wait", node=node),
            msg("synchronous_standby_names = '{names}' stands in a file and is not loaded yet.", names=names.in_file),
            msg("Reload it yourself if that is meant, or take it out; then run this again."),
        )
    if server.fault:
        yield Blocker(
            "P114",
            msg("the configuration files of {node} have an error", node=node),
            msg("{fault}. A reload would be refused, and so would the next restart.", fault=server.fault),
            msg("Mend it first (SELECT * FROM pg_file_settings WHERE error IS NOT NULL)."),
        )


def hba_blockers(facts: Facts, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """A pg_hba.conf that refuses, is broken, or cannot be edited from here."""
    if not has(steps, AdmitReplication):
        return
    hba = facts.server(target.primary).hba
    if broken := next((rule for rule in hba.rules if rule.error and not rule.type), None):
        yield Blocker(
            "P106",
            msg("{path} is broken already", path=hba.path),
            msg(
                "Line {line}: {error}. A reload would be refused, and so would the next restart.",
                line=broken.line,
                error=broken.error,
            ),
            msg("Mend that line first (SELECT * FROM pg_hba_file_rules WHERE error IS NOT NULL)."),
        )
        return
    found = find_place(hba.rules, hba.path, target.role, target.source_address, tls=target.tls)
    if found.refuses:
        yield Blocker(
            "P106",
            msg("{path} refuses the standby on purpose", path=hba.path),
            msg(
                "Line {line} is a reject for replication from {source}; a line of ours would be dead below it,"
                " and is never put above it.",
                line=found.refuses.line,
                source=target.source_address,
            ),
            msg("If that is not meant, change line {line} yourself, then run this again.", line=found.refuses.line),
        )
    elif found.foreign_file and target.hba is not HbaWay.WAIT:
        yield Blocker(
            "P106",
            msg("the rule that decides about the standby is in an included file"),
            msg("{file} is not edited by standbyctl.", file=found.foreign_file),
            msg("Use --hba wait, and put the line that it prints above that rule."),
        )
    if target.hba is HbaWay.FILE and not hba.at_hand:
        yield Blocker(
            "P106",
            msg("{path} cannot be edited from here", path=hba.path),
            msg("--hba file needs the right to replace that file; this user has not."),
            msg("Run as root or as the server's user, or use --hba wait."),
        )
