-- What a standby's server says of itself.
SELECT jsonb_build_object(
  'data_directory', current_setting('data_directory'),
  'in_recovery', pg_is_in_recovery(),
  'timeline', [[standby_timeline.sql]],
  'receiving', EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming' AND coalesce(slot_name, '') = %(slot)s),
  'started_by', current_setting('standbyctl.attach', true),
  -- A slot is a downstream that may merely be away; slots synchronised from the primary (17 and later) are not.
  'downstreams', (
    SELECT coalesce(jsonb_agg(name ORDER BY name), '[]') FROM (
      SELECT application_name AS name FROM pg_stat_replication
      UNION SELECT slot_name FROM pg_replication_slots AS s
             WHERE NOT temporary AND (to_jsonb(s) ->> 'synced')::boolean IS NOT TRUE) AS every),
  'sessions', (SELECT count(*) FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND application_name <> 'standbyctl')
)
