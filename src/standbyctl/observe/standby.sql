-- What a standby's server says of itself (15 and later).
SELECT jsonb_build_object(
  'in_recovery', pg_is_in_recovery(),
  'timeline', coalesce((SELECT received_tli FROM pg_stat_wal_receiver WHERE status = 'streaming'),
                       (SELECT timeline_id FROM pg_control_checkpoint())),
  'receiving', EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming' AND slot_name = %(slot)s),
  'started_by', current_setting('standbyctl.attach', true),
  'downstreams', (SELECT coalesce(jsonb_agg(application_name ORDER BY application_name), '[]') FROM pg_stat_replication),
  'sessions', (SELECT count(*) FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND application_name <> 'standbyctl')
)
