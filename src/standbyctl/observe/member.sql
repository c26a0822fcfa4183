-- What a server of a cluster is, and what a change of roles has to know of it.
SELECT jsonb_build_object(
  'data_directory', current_setting('data_directory'),
  'version_num', current_setting('server_version_num')::int,
  'system_identifier', (SELECT system_identifier::text FROM pg_control_system()),
  'in_recovery', pg_is_in_recovery(),
  'superuser', current_setting('is_superuser')::bool,
  'user', quote_ident(current_user),
  -- The last restartpoint of a standby may be of an earlier one than it receives, or has received until just now: the
  -- segment it replays is there, and those of other branches were removed when it changed to this one.
  'timeline', CASE WHEN pg_is_in_recovery() THEN [[standby_timeline.sql]]
                   ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END,
  'receiving', coalesce((SELECT slot_name FROM pg_stat_wal_receiver WHERE status = 'streaming'), ''),
  'lsn', pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, '0/0')::bigint,
  -- A receiver that was started, and has got nothing, says where it would begin: with a file.
  'unreceived', pg_is_in_recovery() AND coalesce(
    mod(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0'), pg_size_bytes(current_setting('wal_segment_size'))) = 0, true),
  'received', pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                                   ELSE pg_current_wal_lsn() END, '0/0')::bigint,
  'heard_seconds', (SELECT extract(epoch FROM clock_timestamp() - last_msg_receipt_time)::float8
                      FROM pg_stat_wal_receiver WHERE status = 'streaming'),
  'paused', CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END,
  'senders', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', r.application_name, 'state', r.state, 'slot', s.slot_name,
             'logical', coalesce(s.slot_type = 'logical', false),
             'silent_seconds', extract(epoch FROM clock_timestamp() - r.reply_time),
             'behind', pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                                       r.flush_lsn)::bigint)
             ORDER BY r.application_name), '[]')
      FROM pg_stat_replication AS r LEFT JOIN pg_replication_slots AS s ON s.active_pid = r.pid),
  'slots', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', slot_name, 'type', slot_type, 'active', active,
             'failover', coalesce((to_jsonb(s) ->> 'failover')::bool, false)) ORDER BY slot_name), '[]')
      FROM pg_replication_slots AS s WHERE NOT temporary),
  'settings', (
    SELECT jsonb_object_agg(name, setting) FROM pg_settings
     WHERE name IN ('max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions',
                    'max_locks_per_transaction', 'max_replication_slots', 'wal_level', 'recovery_min_apply_delay',
                    'synchronous_standby_names', 'archive_mode', 'archive_command', 'recovery_target_timeline',
                    'promote_trigger_file', 'recovery_end_command', 'default_transaction_read_only', 'restore_command',
                    'max_slot_wal_keep_size')),
  'sessions', (SELECT count(*) FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND application_name <> 'standbyctl'),
  'in_transaction', (SELECT count(*) FROM pg_stat_activity
                      WHERE backend_type = 'client backend' AND state LIKE 'idle in transaction%'),
  'prepared', (SELECT count(*) FROM pg_prepared_xacts),
  'unlogged', (SELECT count(*) FROM pg_class WHERE relpersistence = 'u' AND relkind IN ('r', 'm')),
  'backups', (SELECT count(*) FROM pg_stat_progress_basebackup),
  'archiver_failing', coalesce((SELECT last_failed_time > coalesce(last_archived_time, '-infinity') FROM pg_stat_archiver), false),
  'archive_ready', CASE WHEN current_setting('archive_mode') <> 'off' AND NOT pg_is_in_recovery()
                        THEN (SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready') ELSE 0 END
)
