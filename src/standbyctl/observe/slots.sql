-- The slots of a server, who reads them, and what bounds what they keep, in one round trip. %(settings)s: the parameters
-- asked about. [files]: what the files say, or nothing where that may not be seen. [rights]: rights.sql.
WITH files AS MATERIALIZED (
  SELECT name, setting, seqno, sourcefile, sourceline, error,
         sourcefile LIKE '%%/postgresql.auto.conf' AS auto
    FROM [files] AS f),
written AS (
  SELECT CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
              ELSE pg_current_wal_lsn() END AS lsn)
SELECT jsonb_build_object(
  'files', (SELECT count(*) FROM files),
  'version_num', current_setting('server_version_num')::int,
  'system_identifier', (SELECT system_identifier::text FROM pg_control_system()),
  'in_recovery', pg_is_in_recovery(),
  'superuser', current_setting('is_superuser')::bool,
  'user', quote_ident(current_user),
  'database', quote_ident(current_database()),
  'lacks', ([rights]),
  'started_at', pg_postmaster_start_time()::text,
  'settings', (
    SELECT jsonb_agg(jsonb_build_object(
             'name', s.name,
             [[setting.sql]],
             'context', s.context,
             'pending', s.pending_restart,
             'file', coalesce((SELECT f.sourcefile FROM files AS f WHERE f.name = s.name ORDER BY f.seqno DESC LIMIT 1), ''),
             'auto_conf', (SELECT f.setting FROM files AS f WHERE f.name = s.name AND f.auto ORDER BY f.seqno DESC LIMIT 1),
             'in_file', (SELECT f.setting FROM files AS f WHERE f.name = s.name ORDER BY f.seqno DESC LIMIT 1))
           ORDER BY s.name)
      FROM pg_settings AS s WHERE s.name = ANY (%(settings)s)),
  'fault', (
    SELECT format('%%s line %%s: %%s', sourcefile, sourceline, error) FROM files AS f
     WHERE error IS NOT NULL AND NOT EXISTS (SELECT FROM pg_settings AS s WHERE s.name = f.name AND s.pending_restart)
     LIMIT 1),
  'slots', (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
             'name', slot_name, 'slot_type', slot_type, 'active', s.active, 'wal_status', coalesce(wal_status, ''),
             'held_bytes', pg_wal_lsn_diff((SELECT lsn FROM written), restart_lsn)::bigint,
             'plugin', coalesce(plugin, ''), 'database', coalesce(s.database, ''), 'temporary', temporary,
             -- Columns of 17 and later.
             'synced', coalesce((to_jsonb(s) ->> 'synced')::boolean, false),
             'failover', coalesce((to_jsonb(s) ->> 'failover')::boolean, false),
             'idle_seconds', extract(epoch FROM clock_timestamp() - (to_jsonb(s) ->> 'inactive_since')::timestamptz)::float,
             'xmin_age', greatest(age(s.xmin), age(catalog_xmin)),
             'pid', active_pid, 'application', coalesce(a.application_name, ''),
             'client', coalesce(host(a.client_addr), CASE WHEN a.backend_start IS NOT NULL THEN 'local' END, ''),
             'since', coalesce(date_trunc('second', a.backend_start)::text, '')) ORDER BY slot_name), '[]')
      FROM pg_replication_slots AS s LEFT JOIN pg_stat_activity AS a ON a.pid = s.active_pid),
  'streams', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('application', r.application_name, 'slot', coalesce(s.slot_name, ''),
             'client', coalesce(host(r.client_addr), '')) ORDER BY r.application_name), '[]')
      FROM pg_stat_replication AS r LEFT JOIN pg_replication_slots AS s ON s.active_pid = r.pid),
  [[managers.sql]],
  'sourcefiles', (SELECT coalesce(jsonb_agg(DISTINCT sourcefile ORDER BY sourcefile), '[]') FROM files)
)
