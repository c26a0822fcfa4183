"""P1xx: who gets in, who may do what, and who else looks after this server."""

from __future__ import annotations

from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg

ENTRIES = (
    Entry(
        "P106",
        msg("pg_hba.conf"),
        means=msg(
            "The standby is not let in, and the line that would let it in cannot or must not be written: the"
            " file is broken already, a reject decides, the deciding rule is in an included file, or this user"
            " may not replace the file."
        ),
        why=msg(
            "The first line that matches decides, and none after it is read. A line for the database all does"
            " not match a standby: the word replication does. One line that cannot be parsed makes the server"
            " refuse the whole file at a reload (the old rules stay) and refuse to start at the next restart."
            " Included files: 16 and later. standbyctl never puts its line above a reject."
        ),
        do=(
            msg(
                "See the rules, and what is wrong in the file (it is parsed as it stands on disk):"
                "\nSELECT line_number, type, database, user_name, address, auth_method,"
                "\n       error FROM pg_hba_file_rules;"
            ),
            msg("Have the line printed, put it there yourself, and let attach wait for it: --hba wait"),
            msg(
                "Where the file is out of reach, have the server itself edit it: --hba sql. That takes a superuser, or"
                " the right to run programs there and to keep them out of the log; the HINT has the statements."
            ),
            msg("Or change the rule that refuses, if it is not meant, then reload:\nSELECT pg_reload_conf();"),
        ),
    ),
    Entry(
        "P107",
        msg("the replication role and its passfile"),
        means=msg(
            "The role is somebody else's, was changed since attach made it, has expired or is not fit for"
            " replication; or its passfile is missing, unsafe or not ours."
        ),
        why=msg(
            "A standby connects as a role with LOGIN and REPLICATION; REPLICATION is not inherited from a role"
            " it is a member of. VALID UNTIL is looked at when a connection begins: a stream goes on after it,"
            " and its next reconnect fails. CONNECTION LIMIT does not hold for replication connections. libpq"
            " ignores a passfile that group or others may read. The password of a role that attach did not make"
            " is not known here, and is never changed."
        ),
        do=(
            msg(
                "See the role:"
                "\nSELECT rolcanlogin, rolreplication, rolvaliduntil"
                "\n  FROM pg_roles WHERE rolname = 'NAME';"
            ),
            msg("Let attach make one of its own: leave --role and --passfile out, or give another --role."),
            msg(
                "Or give one that exists with its passfile (--role, --passfile; mode 0600, owned by the server's"
                " user). Its line is:"
                "\nHOST:PORT:*:ROLE:PASSWORD"
            ),
            msg("Mend a role that is yours:\nALTER ROLE NAME LOGIN REPLICATION VALID UNTIL 'infinity';"),
        ),
    ),
    Entry(
        "P116",
        msg("the rights of the role that standbyctl connects as"),
        means=msg(
            "It is no superuser, and some right that this plan needs has not been granted to it; or only a superuser"
            " can tell whether what attach has made is still as it was made."
        ),
        why=msg(
            "pg_monitor shows data_directory, hba_file and the rows of others in pg_stat_replication. The functions"
            " below pg_hba_file_rules and pg_file_settings are granted, each in the database that is connected to; the"
            " views are not used. Slots need REPLICATION, which is not inherited. ALTER SYSTEM can be granted by"
            " parameter since 15. Only what the plan needs is asked for: no reload, no grant for it. Without a"
            " superuser standbyctl makes no role: the standby's is made for it, and comes with its passfile."
        ),
        do=(
            msg(
                "Once, as a superuser, in the database that -p names:"
                "\nALTER ROLE NAME REPLICATION;"
                "\nGRANT pg_monitor TO NAME;"
                "\nGRANT EXECUTE ON FUNCTION pg_reload_conf(), pg_hba_file_rules(),"
                "\n      pg_show_all_file_settings() TO NAME;"
            ),
            msg("15 and later:\nGRANT ALTER SYSTEM ON PARAMETER max_slot_wal_keep_size TO NAME;"),
            msg(
                "Up to 14 only a superuser alters parameters: --settings print leaves that to one, --wal-cap keep does"
                " without."
            ),
            msg(
                "The standby's role too, its password set with \\password in psql; attach then takes --role and"
                " --passfile:"
                "\nCREATE ROLE repl_NAME LOGIN REPLICATION;"
            ),
            msg("Or connect as a superuser. REPLICATION alone can read every byte of the cluster: guard it as such."),
        ),
    ),
    Entry(
        "P117",
        msg("a managed cloud service"),
        means=msg(
            "The server is run by a cloud provider: its roles say so (rds_superuser, cloudsqlsuperuser,"
            " azure_pg_admin and the like)."
        ),
        why=msg(
            "Such services give no superuser, no pg_hba.conf, no file of the data directory, and let no"
            " physical replication connection in from outside. A physical standby outside the service cannot be"
            " had by any setting."
        ),
        do=(
            msg("Inside the service: its own read replicas."),
            msg("If it is your own server, and a role's name only looks like it: --despite managed-service"),
            msg(
                "Outside it: logical replication, which many services allow. It copies tables, not sequences, roles"
                " or DDL; they need a primary key or REPLICA IDENTITY. There, and on the server of your own:"
                "\nCREATE PUBLICATION NAME FOR ALL TABLES;"
                "\nCREATE SUBSCRIPTION NAME CONNECTION 'CONNINFO' PUBLICATION NAME;"
            ),
        ),
    ),
    Entry(
        "P118",
        msg("an HA manager owns this server"),
        means=msg(
            "Patroni, repmgr, pg_auto_failover, CloudNativePG or Stolon looks after this cluster, by the evidence that"
            " is shown. Others, such as Pacemaker, leave no trace in the server, and are not seen."
        ),
        why=msg(
            "It owns slots, roles, settings and who is primary. Patroni drops a slot that it does not know"
            " within seconds, writes postgresql.conf and pg_hba.conf anew, and may promote or rebuild what it"
            " finds. A standby made behind its back loses its slot, or its primary, without a word."
        ),
        do=(
            msg("Have the manager make the standby: that is what it is for."),
            msg(
                "With Patroni a foreign slot can be kept: list it under slots or ignore_slots in the dynamic"
                " configuration first:"
                "\npatronictl edit-config"
            ),
            msg("If the evidence is a leftover, remove it. To attach beside it all the same: --despite NAME"),
        ),
    ),
    Entry(
        "P130",
        msg("TLS is off"),
        means=msg(
            "ssl is off on the primary: the stream, and so every row that is written, crosses the network in clear."
            " Where --sslmode asks for TLS, the standby could not connect, and nothing is begun."
        ),
        why=msg(
            "The password is safe with scram-sha-256; the WAL is not. Between two servers on one machine it"
            " does not matter. ssl and its files have been changed by a reload since 10. The key must be"
            " readable by the server's user alone (0600), or belong to root with 0640: else the log says that"
            " the SSL configuration was not reloaded, and nothing changes. Some builds have no SSL at all."
        ),
        do=(
            msg(
                "With server.crt and server.key in the data directory, no restart:"
                "\nALTER SYSTEM SET ssl = on;"
                "\nSELECT pg_reload_conf();"
                "\nSHOW ssl;"
            ),
            msg("Then attach with --sslmode require or more: pg_hba.conf gets hostssl, so that it cannot be left out."),
        ),
    ),
    Entry(
        "P135",
        msg("a pooler answers instead of PostgreSQL"),
        means=msg(
            "What listens at the given host and port is pgbouncer or another pooler: the session is not the"
            " server's own."
        ),
        why=msg(
            "pgbouncer (before 1.23) and pgpool carry no replication connections, an advisory lock or a setting"
            " made through a pooler belongs to a server session that others get next, and the address that"
            " pg_hba.conf sees is the pooler's. The standby has to reach PostgreSQL itself."
        ),
        do=(
            msg(
                "Ask through it where the server is:"
                "\nSELECT inet_server_addr(), current_setting('port'),"
                "\n       current_setting('unix_socket_directories');"
            ),
            msg("Give that with -p:\nstandbyctl plan -p 'host=SERVER port=PORT user=postgres' -D DIR"),
        ),
    ),
)
