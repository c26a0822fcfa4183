"""The unit of systemd that runs a watch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# systemd makes this one itself, with the right owner.
_STATE_ROOT = Path("/var/lib")
_UNIT = """\
# /etc/systemd/system/standbyctl-watch.service
[Unit]
Description=standbyctl watch
Wants=network-online.target
After=network-online.target
# It is started again for ever: a primary that is away at boot is no reason to give up.
StartLimitIntervalSec=0

[Service]
Type=notify
User={user}
{state}
{environment}
ExecStart={command}
Restart=on-failure
RestartSec=5s
WatchdogSec=60s
TimeoutStopSec=10s
MemoryMax=512M
Nice=5

UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
# /tmp is not private: a Unix socket of PostgreSQL may be there.
ReadWritePaths=/tmp

[Install]
WantedBy=multi-user.target
"""


def render_unit(user: str, directory: Path, argv: list[str], files: Mapping[str, str] | None = None) -> str:
    """For a user whose state is in that directory: what was attached from there is known there.

    `files`: of the environment, what names a file that it needs to get in.
    """
    below = directory.parent == _STATE_ROOT
    state = f"StateDirectory={directory.name}\nStateDirectoryMode=0700" if below else f"ReadWritePaths={directory}"
    named = {"STANDBYCTL_STATE": str(directory), **(files or {})}
    environment = "\n".join(f"Environment={_assigned(name, value)}" for name, value in named.items())
    return _UNIT.format(user=user, state=state, environment=environment, command=" ".join(map(_quoted, argv)))


def _assigned(name: str, value: str) -> str:
    """As systemd reads an assignment: % is its own, $ is not."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{name}={escaped}"' if set(value) & set(" \t'\"\\") else f"{name}={escaped}"


def _quoted(word: str) -> str:
    """As systemd reads a command: % and $ are its own."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if not word or set(word) & set(" \t'\"\\;") else escaped
