-- What moves slowly, or costs more to ask. What is in pg_wal is put in for roles that may see it.
SELECT jsonb_build_object(
  'lsn', CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
              ELSE pg_current_wal_lsn() END,
  'cap_megabytes', (SELECT nullif(setting, '-1')::bigint FROM pg_settings WHERE name = 'max_slot_wal_keep_size'),
  -- Where nothing is archived nothing fails, and nothing succeeds.
  'archiver_failing', (SELECT CASE WHEN current_setting('archive_mode') <> 'off'
                                   THEN coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) END
                         FROM pg_stat_archiver),
  'archiver_failing_since', (SELECT last_failed_time FROM pg_stat_archiver),
  'data_directory', (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
  'settings', (SELECT coalesce(jsonb_object_agg(name, setting), '{}') FROM pg_settings
                WHERE name = ANY (%(told)s) AND setting IS NOT NULL),
  'wal', ([waldir]))
