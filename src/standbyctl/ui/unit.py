"""The unit of systemd that runs a watch."""

from __future__ import annotations

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
Environment=STANDBYCTL_STATE={directory}
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


def render_unit(user: str, directory: Path, argv: list[str]) -> str:
    """For a user whose state is in that directory: what was attached from there is known there."""
    below = directory.parent == _STATE_ROOT
    state = f"StateDirectory={directory.name}\nStateDirectoryMode=0700" if below else f"ReadWritePaths={directory}"
    return _UNIT.format(user=user, directory=directory, state=state, command=" ".join(map(_quoted, argv)))


def _quoted(word: str) -> str:
    """As systemd reads a command: % and $ are its own."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if not word or set(word) & set(" \t'\"\\;") else escaped
