"""Hosts that are reached by ssh, and the clusters of Debian there."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "A212",
        msg("a host is not reached by ssh"),
        means=msg("A host could not be reached by ssh, or the connection to it was lost."),
        why=msg(
            "The OpenSSH client is used as it is set up for you: ssh_config, agent, ProxyJump, known_hosts. It never"
            " asks (BatchMode), verifies host keys, and gives up on a line that is silent for 15 s. What was running"
            " there ends by itself within half a minute."
        ),
        do=(
            msg("Try the same by hand:\nssh -o BatchMode=yes HOST true"),
            msg(
                "Another program, file or key is named by $STANDBYCTL_SSH, as in a shell:"
                "\nSTANDBYCTL_SSH='ssh -F /etc/standbyctl/ssh_config' standbyctl status"
            ),
            msg("Then run the same command again: it looks at what was done, and goes on."),
        ),
    ),
    Entry(
        "A213",
        msg("another user by sudo"),
        means=msg("The user who logs in by ssh may not become the one that the server runs as, or root."),
        why=msg(
            "Files of a server belong to its own user, and a unit is started by root. Where the login is neither, sudo"
            " is asked, without a password: nobody is there to type one."
        ),
        do=(
            msg("Log in as that user, or as root:\nstandbyctl preflight --standby-ssh postgres@db2"),
            msg("Or allow it on the host (visudo); root is asked for systemctl:\nadmin ALL=(ALL) NOPASSWD: ALL"),
        ),
    ),
)
USAGE = (
    Entry(
        "C120",
        msg("a Debian cluster that is not there"),
        means=msg("--cluster names none of that host's clusters, or one with another directory."),
        why=msg(
            "On Debian the configuration of a cluster is in /etc/postgresql/VERSION/NAME, outside its data directory."
            " A standby's is that of its own host: it has to be there before."
        ),
        do=(
            msg("See which there are:\npg_lsclusters"),
            msg("Make one, without starting it:\npg_createcluster 15 standby"),
        ),
    ),
    Entry(
        "C121",
        msg("a name that ssh would not take"),
        means=msg(
            "--primary-ssh or --standby-ssh begins with a dash, and ssh would read an option in it; or $STANDBYCTL_SSH"
            " has a quote that does not end."
        ),
        why=msg("Names come from files and scripts too; an option such as ProxyCommand would run a program here."),
        do=(msg("Give HOST, USER@HOST, or the name of a Host in your ssh_config."),),
    ),
)
