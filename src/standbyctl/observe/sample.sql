-- What moves, in one round trip that costs little: asked every second. Numbers are of bigint, LSNs are text.
SELECT jsonb_build_object(
  'clock', extract(epoch FROM clock_timestamp())::float8,
  'in_recovery', pg_is_in_recovery(),
  'lsn', CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() END,
  'receive_lsn', CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() END,
  'replay_lsn', CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END,
  'committed', CASE WHEN pg_is_in_recovery() THEN extract(epoch FROM pg_last_xact_replay_timestamp())::float8 END,
  'paused', CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END,
  'timeline', CASE WHEN pg_is_in_recovery()
                   -- The last restartpoint may be of an earlier one than what was replayed since.
                   THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver WHERE status = 'streaming'),
                                 greatest((SELECT timeline_id FROM pg_control_checkpoint()),
                                          (SELECT min_recovery_end_timeline FROM pg_control_recovery())))
                   ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END,
  'receiver', (
    SELECT jsonb_build_object('status', status, 'slot', nullif(slot_name, ''),
             'host', sender_host, 'port', sender_port, -- 11+
             'application_name', trim(substring(conninfo from 'application_name=(''.*?''|\S+)'), ''''))
      FROM pg_stat_wal_receiver WHERE pid IS NOT NULL),
  'senders', (
    SELECT coalesce(jsonb_agg(jsonb_build_array(r.application_name, r.state, host(r.client_addr), s.slot_name, r.sync_state,
             coalesce(s.slot_type = 'logical', false),
             r.sent_lsn, r.write_lsn, r.flush_lsn, r.replay_lsn) ORDER BY r.application_name, r.pid), '[]')
      FROM pg_stat_replication AS r LEFT JOIN pg_replication_slots AS s ON s.active_pid = r.pid),
  'slots', (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
             'name', slot_name, 'slot_type', slot_type, 'active', active, 'database', database,
             -- On a standby both are reckoned from where it last wrote WAL itself: only that it is lost is true there.
             'wal_status', CASE WHEN NOT pg_is_in_recovery() OR wal_status = 'lost' THEN wal_status END, -- 13+
             'safe_bytes', CASE WHEN NOT pg_is_in_recovery() THEN safe_wal_size END, -- 13+
             'inactive_since', inactive_since, 'invalidation_reason', invalidation_reason, 'synced', synced, -- 17+
             'xmin_age', greatest(age(xmin), age(catalog_xmin)),
             'retained_bytes', pg_wal_lsn_diff(
               CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                    ELSE pg_current_wal_lsn() END, restart_lsn)::bigint) ORDER BY slot_name), '[]')
      FROM pg_replication_slots WHERE NOT temporary))
