-- What is known of a server's next restart, in one round trip. %(settings)s: the parameters asked about.
-- The files come first: reading them marks, in this very session, what waits for a restart as pending.
WITH files AS MATERIALIZED (
  SELECT lower(name) AS name, setting, seqno, sourcefile, sourceline, error,
         sourcefile = current_setting('data_directory') || '/postgresql.auto.conf' AS auto
    FROM pg_show_all_file_settings())
SELECT jsonb_build_object(
  'files', (SELECT count(*) FROM files),
  'fault', (
    SELECT format('%%s line %%s: %%s', sourcefile, sourceline, error) FROM files AS f
     WHERE error IS NOT NULL AND NOT EXISTS (SELECT FROM pg_settings AS s WHERE lower(s.name) = f.name AND s.pending_restart)
     LIMIT 1),
  'user', quote_ident(current_user),
  'version_num', current_setting('server_version_num')::int,
  'system_identifier', (SELECT system_identifier::text FROM pg_control_system()),
  'in_recovery', pg_is_in_recovery(),
  'started_at', pg_postmaster_start_time()::text,
  'settings', (
    SELECT jsonb_agg(jsonb_build_object(
             'name', s.name, 'value', s.setting, 'source', s.source, 'context', s.context,
             'alterable', has_parameter_privilege(s.name, 'ALTER SYSTEM'), -- 15+
             'alterable', current_setting('is_superuser')::bool, -- <15
             'pending', s.pending_restart, 'most', coalesce(s.max_val, ''),
             'file', coalesce((SELECT f.sourcefile FROM files AS f WHERE f.name = s.name ORDER BY f.seqno DESC LIMIT 1), ''),
             'auto_conf', (SELECT f.setting FROM files AS f WHERE f.name = s.name AND f.auto ORDER BY f.seqno DESC LIMIT 1),
             'beneath', coalesce(
               (SELECT f.setting FROM files AS f WHERE f.name = s.name AND NOT f.auto ORDER BY f.seqno DESC LIMIT 1),
               s.boot_val, ''),
             'in_file', (SELECT f.setting FROM files AS f WHERE f.name = s.name ORDER BY f.seqno DESC LIMIT 1))
           ORDER BY s.name)
      FROM pg_settings AS s WHERE s.name = ANY (%(settings)s)),
  'slots', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', slot_name, 'slot_type', slot_type) ORDER BY slot_name), '[]')
      FROM pg_replication_slots WHERE NOT temporary),
  'slots_in_use', (SELECT count(*) FROM pg_replication_slots),
  -- Their progress (pg_replication_origin_status) is a superuser's to read; those that exist are never fewer.
  'origins', (SELECT count(*) FROM pg_replication_origin),
  'streams', (
    SELECT coalesce(jsonb_agg(application_name ORDER BY application_name), '[]')
      FROM pg_stat_replication WHERE state <> 'backup'),
  'senders_in_use', (SELECT count(*) FROM pg_stat_replication)
)
