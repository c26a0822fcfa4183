-- What moves, or what no step is about: for a report. %(role)s: the standby's replication role.
WITH versions AS (
  -- Before 15 a database records none: initdb's, of the collation of the same name, is taken for it.
  SELECT datname, datcollate, datcollversion AS recorded, pg_database_collation_actual_version(oid) AS actual -- 15+
  SELECT datname, datcollate, c.collversion AS recorded, pg_collation_actual_version(c.oid) AS actual -- <15
    FROM pg_database AS d
    LEFT JOIN LATERAL ( -- <15
      SELECT oid, collversion FROM pg_collation -- <15
       WHERE collprovider = 'c' AND collencoding IN (-1, d.encoding) -- <15
         AND lower(replace(collcollate, '-', '')) = lower(replace(d.datcollate, '-', '')) -- <15
       ORDER BY oid LIMIT 1) AS c ON true -- <15
   WHERE datallowconn)
SELECT jsonb_build_object(
  'today', current_date::text,
  'up_seconds', extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float,
  'database', current_database(),
  'superuser', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
  'settings', (
    SELECT jsonb_agg(jsonb_build_object('name', name, 'value', setting, 'source', source, 'context', context,
             'pending', pending_restart, 'file', coalesce(sourcefile, '')) ORDER BY name)
      FROM pg_settings WHERE name = ANY (%(settings)s)),
  'pending', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', s.name, 'value', s.setting, 'source', s.source,
             'context', s.context, 'pending', true, 'file', coalesce(f.sourcefile, ''), 'in_file', f.setting)
             ORDER BY s.name), '[]')
      FROM pg_settings AS s LEFT JOIN LATERAL (
        SELECT sourcefile, setting FROM pg_show_all_file_settings() AS f WHERE f.name = s.name ORDER BY seqno DESC LIMIT 1) AS f ON true
     -- A value that was taken out of the file again leaves the flag standing (all versions).
     WHERE s.pending_restart AND coalesce(f.setting, s.boot_val) IS DISTINCT FROM s.setting),
  [[managers.sql]],
  'sourcefiles', (SELECT coalesce(jsonb_agg(DISTINCT sourcefile ORDER BY sourcefile), '[]') FROM pg_show_all_file_settings()),
  'role', (
    SELECT jsonb_build_object('expires_in_seconds', CASE WHEN rolvaliduntil < 'infinity' THEN extract(epoch FROM rolvaliduntil - clock_timestamp())::float END)
      FROM pg_roles WHERE rolname = %(role)s),
  'slots', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', slot_name, 'slot_type', slot_type, 'active', active,
             'wal_status', coalesce(wal_status, ''),
             'held_bytes', CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint END,
             -- Columns of 17 and later.
             'idle_seconds', extract(epoch FROM clock_timestamp() - (to_jsonb(s) ->> 'inactive_since')::timestamptz)::float,
             'failover', coalesce((to_jsonb(s) ->> 'failover')::boolean, false),
             'xmin_age', greatest(age(xmin), age(catalog_xmin))) ORDER BY slot_name), '[]')
      FROM pg_replication_slots AS s WHERE NOT temporary),
  'wal', (SELECT jsonb_build_object('bytes', wal_bytes, 'since_seconds', extract(epoch FROM clock_timestamp() - stats_reset)::float)
            FROM pg_stat_wal -- 14+
            FROM (SELECT NULL AS wal_bytes, NULL::timestamptz AS stats_reset) AS not_counted -- <14
         ),
  'wal_directory_bytes', (SELECT sum(size)::bigint FROM pg_ls_waldir()),
  'lsn', CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint END,
  'clock', extract(epoch FROM clock_timestamp())::float,
  'archiver', (SELECT jsonb_build_object('failures', failed_count, 'last_failed_wal', coalesce(last_failed_wal, ''),
                        'failing', coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)) FROM pg_stat_archiver),
  'sessions', (
    SELECT jsonb_build_object(
      'oldest_transaction', extract(epoch FROM clock_timestamp() - min(xact_start) FILTER (WHERE state <> 'idle'))::float,
      'idle_in_transaction', extract(epoch FROM clock_timestamp() - min(state_change) FILTER (WHERE state LIKE 'idle in transaction%%'))::float,
      'backups', (SELECT count(*) FROM pg_stat_progress_basebackup),
      'prepared', (SELECT count(*) FROM pg_prepared_xacts),
      'oldest_prepared', (SELECT extract(epoch FROM clock_timestamp() - min(prepared))::float FROM pg_prepared_xacts))
      FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()),
  'publications', (SELECT count(*) FROM pg_publication),
  'unlogged', (SELECT count(*) FROM pg_class WHERE relpersistence = 'u' AND relkind IN ('r', 'm')),
  'collations', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('database', datname, 'recorded', recorded, 'actual', actual)
             ORDER BY datname), '[]') FROM versions
     WHERE recorded IS NOT NULL AND recorded IS DISTINCT FROM actual),
  -- C and POSIX have no version, nor has a build that records none.
  'unversioned', (SELECT count(*) FROM versions WHERE recorded IS NULL
                   AND datcollate NOT IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8')),
  'locales', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', name, 'databases', (databases)[1:3]) ORDER BY name), '[]')
      FROM (SELECT name, array_agg(DISTINCT datname ORDER BY datname) AS databases
              FROM pg_database, unnest(ARRAY[datcollate::text, datctype::text]) AS name
             WHERE datallowconn GROUP BY name) AS l),
  'libraries', (SELECT coalesce(jsonb_agg(DISTINCT probin ORDER BY probin), '[]') FROM pg_proc
                 WHERE probin IS NOT NULL AND oid >= 16384)
)
