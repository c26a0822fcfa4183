-- What a standby that is to be copied says of itself, beyond server.sql. %(settings)s: names.
SELECT jsonb_build_object(
  'address', host(inet_client_addr()),
  'started', extract(epoch FROM pg_postmaster_start_time())::float,
  'timeline', coalesce((SELECT received_tli FROM pg_stat_wal_receiver WHERE status = 'streaming'),
                       (SELECT timeline_id FROM pg_control_checkpoint())),
  'sender', (SELECT format('%%s:%%s', sender_host, sender_port) FROM pg_stat_wal_receiver WHERE status = 'streaming'),
  'senders', (SELECT count(*) FROM pg_stat_replication),
  'slots', (SELECT count(*) FROM pg_replication_slots),
  -- The receiver's word is the beginning of a file after a restart.
  'backlog', CASE WHEN pg_is_in_recovery() THEN
    pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), pg_last_wal_replay_lsn())::bigint END,
  'paused', CASE WHEN pg_is_in_recovery() THEN
    pg_get_wal_replay_pause_state() <> 'not paused' -- 14+
    pg_is_wal_replay_paused() -- <14
    ELSE false END,
  'settings', (
    SELECT jsonb_agg(jsonb_build_object('name', s.name, 'value', s.setting, 'source', s.source, 'context', s.context,
             'pending', s.pending_restart, 'in_file', f.setting) ORDER BY s.name)
      FROM pg_settings AS s LEFT JOIN LATERAL (
        SELECT setting FROM pg_show_all_file_settings() AS f WHERE f.name = s.name ORDER BY seqno DESC LIMIT 1) AS f ON true
     WHERE s.name = ANY (%(settings)s))
)
