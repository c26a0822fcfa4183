-- A server as one end of a replication, in its own words. Whoever may see little still gets an answer:
-- what is not shown to a role is null. %(parameters)s: the rows of pg_settings to read.
SELECT jsonb_build_object(
  'version_num', current_setting('server_version_num')::int,
  'system_identifier', (SELECT system_identifier::text FROM pg_control_system()),
  'in_recovery', pg_is_in_recovery(),
  'timeline', CASE WHEN pg_is_in_recovery()
              THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver WHERE status = 'streaming'),
                            (SELECT timeline_id FROM pg_control_checkpoint()))
              ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END,
  'started_at', extract(epoch FROM pg_postmaster_start_time())::text,
  'started_epoch', extract(epoch FROM pg_postmaster_start_time())::bigint,
  'port', current_setting('port')::int,
  -- Left out of pg_settings, not refused, for a role without pg_read_all_settings.
  'data_directory', (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
  'primary_conninfo', (SELECT setting FROM pg_settings WHERE name = 'primary_conninfo'),
  'primary_slot_name', (SELECT setting FROM pg_settings WHERE name = 'primary_slot_name'),
  'cluster_name', (SELECT setting FROM pg_settings WHERE name = 'cluster_name'),
  'may_create_databases', (SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user),
  'parameters', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', name, 'value', setting, 'boot', boot_val,
             'pending', pending_restart) ORDER BY name), '[]')
      FROM pg_settings WHERE name = ANY (%(parameters)s)),
  'pending', (SELECT coalesce(jsonb_agg(name ORDER BY name), '[]') FROM pg_settings WHERE pending_restart),
  'senders', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('application_name', r.application_name, 'state', r.state,
             'slot_name', s.slot_name)), '[]')
      FROM pg_stat_replication AS r LEFT JOIN pg_replication_slots AS s ON s.active_pid = r.pid),
  'slots', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', slot_name, 'slot_type', slot_type, 'active', active,
             'wal_status', wal_status, 'safe_bytes', safe_wal_size,
             'retained_bytes', CASE WHEN NOT pg_is_in_recovery()
                                    THEN pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint END)), '[]')
      FROM pg_replication_slots WHERE NOT temporary),
  'receiver', (
    SELECT jsonb_build_object('status', status, 'slot_name', slot_name, 'sender_host', sender_host,
             'sender_port', sender_port) FROM pg_stat_wal_receiver),
  'replay_state', CASE WHEN pg_is_in_recovery() THEN
    pg_get_wal_replay_pause_state() -- 14+
    CASE WHEN pg_is_wal_replay_paused() THEN 'paused' ELSE 'not paused' END -- <14
    END,
  'damage', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('database', datname, 'failures', checksum_failures)), '[]')
      FROM pg_stat_database WHERE checksum_failures > 0),
  'databases', (
    SELECT jsonb_agg(jsonb_build_object('name', datname, 'comment', shobj_description(oid, 'pg_database'),
             'connectable', datallowconn AND datconnlimit <> -2) ORDER BY datname)
      FROM pg_database)
)
