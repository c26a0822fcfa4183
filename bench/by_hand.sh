#!/bin/sh
# What a careful person's script does: role, pg_hba.conf, reload, slot, base backup, configuration, start, proof.
# Arguments: bin directory, primary's data directory and port, standby's directory and port.
# As the server's user, with PGPASSFILE for the superuser.
set -eu
bin=$1 primary=$2 port=$3 data=$4 own=$5
sql() { "$bin/psql" -XAtqw -h 127.0.0.1 -p "$1" -U postgres -d postgres -c "$2"; }
password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
umask 077
printf '127.0.0.1:%s:*:repl_hand:%s\n' "$port" "$password" >"$data.pgpass"
sql "$port" "CREATE ROLE repl_hand LOGIN REPLICATION PASSWORD '$password'"
echo 'host replication repl_hand 127.0.0.1/32 scram-sha-256' >>"$primary/pg_hba.conf"
sql "$port" "ALTER SYSTEM SET max_slot_wal_keep_size = '20GB'"
sql "$port" "SELECT pg_reload_conf()" >/dev/null
sql "$port" "SELECT pg_create_physical_replication_slot('hand', true)" >/dev/null
"$bin/pg_basebackup" -d "host=127.0.0.1 port=$port user=repl_hand passfile=$data.pgpass" -D "$data" \
    -X stream -S hand -c fast -w
cat >>"$data/postgresql.auto.conf" <<END
primary_conninfo = 'host=127.0.0.1 port=$port user=repl_hand passfile=$data.pgpass application_name=hand'
primary_slot_name = 'hand'
port = '$own'
END
touch "$data/standby.signal"
"$bin/pg_ctl" start -w -s -D "$data" -l "$data/startup.log" </dev/null
sql "$port" "SELECT pg_logical_emit_message(true, 'hand', 'x')" >/dev/null
lsn=$(sql "$port" "SELECT pg_current_wal_flush_lsn()")
until [ "$(sql "$own" "SELECT pg_last_wal_replay_lsn() >= '$lsn'")" = t ]; do sleep 0.01; done
