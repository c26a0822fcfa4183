"""A primary that is reached by way of an ssh tunnel."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

PRIMARY = (
    Entry(
        "P138",
        msg("the sshd of the primary's host"),
        means=msg("The standby's host does not reach the sshd of the primary's host, or would not know that it is it."),
        why=msg(
            "With --via ssh-tunnel the standby's host connects by ssh. Where to was tried, with ssh-keyscan, and what"
            " answered was compared with the public host keys that the primary's host has in /etc/ssh: these come over"
            " the connection that you have verified, and no other key is trusted."
        ),
        do=(
            msg("See what is in the way, on the standby's host:\nssh-keyscan -T 5 db1"),
            msg(
                "Say where that sshd is, as the standby's host knows it, beside what you gave before:"
                "\nstandbyctl preflight --tunnel-login @10.0.0.1:2222"
            ),
        ),
    ),
)
STANDBY = (
    Entry(
        "P214",
        msg("the tunnel on the standby's host"),
        means=msg("The standby's host cannot have a tunnel, or something that is not ours stands where it goes."),
        why=msg(
            "The tunnel is an ssh that systemd starts at boot and starts again when it ends. It needs the OpenSSH"
            " client, and the unit is installed by root. Its key stands beside the data directory, in DIR.tunnel."
        ),
        do=(
            msg("Install the client (Debian; elsewhere: dnf install openssh-clients):\napt-get install openssh-client"),
            msg("Log in as root, or as somebody who may become root:\nstandbyctl preflight --standby-ssh admin@db2"),
            msg("See what stands there:\nsystemctl cat standbyctl-tunnel-db2"),
        ),
    ),
)
RUN = (
    Entry(
        "A214",
        msg("the tunnel does not come up"),
        means=msg("That sshd does not let the tunnel's key in, or does not forward its connection."),
        why=msg(
            "It is tried before the unit is installed. A key that is refused: the account is locked, or not in"
            " AllowUsers or AllowGroups, its home or .ssh is writable by others, or AuthorizedKeysFile is another file."
            " A connection that is refused (administratively prohibited): AllowTcpForwarding or PermitOpen."
        ),
        do=(
            msg("See why, on the primary's host:\njournalctl -u ssh -n 20"),
            msg(
                "Allow it for that account alone, in /etc/ssh/sshd_config, then reload sshd:\n"
                "Match User postgres\n    AllowTcpForwarding local"
            ),
            msg("Or take everything back, and attach by another account (--tunnel-login):\nstandbyctl detach db2"),
        ),
    ),
)
USAGE = (
    Entry(
        "C122",
        msg("a tunnel from nowhere"),
        means=msg("--via ssh-tunnel was asked for with both servers on one host, or for an account that is not there."),
        why=msg("A tunnel goes from the standby's host to another one, and logs in there to an account that exists."),
        do=(
            msg(
                "Say where the servers are, beside --via ssh-tunnel:\n"
                "standbyctl preflight --primary-ssh db1 --standby-ssh db2"
            ),
            msg("See which accounts there are, on the primary's host:\ngetent passwd"),
        ),
    ),
)
