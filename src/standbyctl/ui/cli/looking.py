"""What the verbs share that look at a running cluster: which one, and by which configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from standbyctl.app.cluster import Cluster, open_cluster
from standbyctl.app.config import Config, load_config
from standbyctl.nodes.clock import SystemClock
from standbyctl.ui.cli.call import state


def which(command: Callable[..., Any]) -> Callable[..., Any]:
    """--primary and --config."""
    primary = click.option(
        "-p",
        "--primary",
        metavar="CONNINFO",
        help="The primary: its conninfo, or a node's name that is known here. Default: the only one that is known.",
    )
    return primary(click.option("-c", "--config", metavar="FILE", help="standbyctl.toml.")(command))


def asked_for(primary: str | None, config: str | None) -> tuple[str, str, Config]:
    """A conninfo or a name that is known here, the name that the configuration has for it, and that itself."""
    loaded = load_config(config, os.environ)
    node = loaded.node(primary or "")
    return (node.conninfo, node.name, loaded) if node and node.conninfo else (primary or "", "", loaded)


@contextmanager
def opened(primary: str | None, config: str | None) -> Iterator[tuple[Cluster, Config]]:
    """The cluster that is asked for, and the configuration; raises StandbyctlError."""
    asked, name, loaded = asked_for(primary, config)
    with open_cluster(asked, name, loaded, state(), SystemClock()) as cluster:
        yield cluster, loaded
