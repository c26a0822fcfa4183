-- What a server believes, in one round trip. %(role)s: the standby's replication role.
-- %(ours)s: the application_names that the standby and its copy connect with. %(slotless)s: it is to have no slot.
-- %(restored)s: its copy is there already.
-- [rights]: rights.sql. [roles]: pg_authid, or what everybody may see of it.
-- The files come first: reading them marks, in this very session, what waits for a restart as pending.
WITH files AS MATERIALIZED (
  SELECT name, setting, seqno, sourcefile,
         sourcefile = current_setting('data_directory') || '/postgresql.auto.conf' AS auto
    FROM pg_show_all_file_settings()),
timeline AS (
  -- The last restartpoint of a standby may be of an earlier one than it receives.
  SELECT CASE WHEN pg_is_in_recovery()
              THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver WHERE status = 'streaming'),
                            (SELECT timeline_id FROM pg_control_checkpoint()))
              ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END AS number)
SELECT jsonb_build_object(
  'files', (SELECT count(*) FROM files),
  'version_num', current_setting('server_version_num')::int,
  'system_identifier', (SELECT system_identifier::text FROM pg_control_system()),
  'in_recovery', pg_is_in_recovery(),
  'superuser', current_setting('is_superuser')::bool,
  'user', quote_ident(current_user),
  'database', quote_ident(current_database()),
  'lacks', ([rights]),
  'timeline', (SELECT number FROM timeline),
  'loaded_at', extract(epoch FROM pg_conf_load_time()),
  'started_at', pg_postmaster_start_time()::text,
  'settings', (
    SELECT jsonb_agg(jsonb_build_object(
             'name', s.name,
             [[setting.sql]],
             'context', s.context,
             'pending', s.pending_restart,
             'alterable', has_parameter_privilege(s.name, 'ALTER SYSTEM'), -- 15+
             'alterable', current_setting('is_superuser')::bool, -- <15
             'file', coalesce((SELECT f.sourcefile FROM files AS f WHERE f.name = s.name ORDER BY f.seqno DESC LIMIT 1), ''),
             'auto_conf', (SELECT f.setting FROM files AS f WHERE f.name = s.name AND f.auto ORDER BY f.seqno DESC LIMIT 1),
             'in_file', (SELECT f.setting FROM files AS f WHERE f.name = s.name ORDER BY f.seqno DESC LIMIT 1))
           ORDER BY s.name)
      FROM pg_settings AS s WHERE s.name = ANY (%(settings)s)),
  'fault', (
    SELECT format('%%s line %%s: %%s', sourcefile, sourceline, error) FROM pg_show_all_file_settings() AS f
     WHERE error IS NOT NULL AND NOT EXISTS (SELECT FROM pg_settings AS s WHERE s.name = f.name AND s.pending_restart)
     LIMIT 1),
  'sources', (
    SELECT jsonb_agg(DISTINCT path) FROM (
      SELECT f.sourcefile AS path FROM files AS f
      UNION ALL SELECT setting FROM pg_settings WHERE name IN ('config_file', 'hba_file', 'ident_file')
      UNION ALL SELECT 'data_directory in ' || sourcefile FROM files WHERE name IN ('data_directory', 'hba_file', 'ident_file')
    ) AS every),
  'tablespaces', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('oid', oid::bigint, 'name', spcname, 'location', location)
             ORDER BY spcname), '[]')
      FROM pg_tablespace, pg_tablespace_location(oid) AS location WHERE location LIKE '/%%'),
  'slots', (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
             'slot_name', slot_name, 'slot_type', slot_type, 'wal_status', wal_status,
             'restart_lsn', restart_lsn) ORDER BY slot_name), '[]')
      FROM pg_replication_slots WHERE NOT temporary),
  -- Without a slot what is still there decides; files of other timelines cannot be what comes next.
  'oldest_wal', CASE WHEN %(slotless)s THEN (
    SELECT min(name) FROM pg_ls_waldir()
     WHERE name ~ '^[0-9A-F]{24}$' AND left(name, 8) = (SELECT lpad(upper(to_hex(number)), 8, '0') FROM timeline)) END,
  -- What a copy needs that is there already may be of an earlier timeline.
  'oldest_of_all', CASE WHEN %(restored)s THEN (
    SELECT name FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' ORDER BY substr(name, 9), name LIMIT 1) END,
  'roles', (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
             'name', rolname, 'login', rolcanlogin, 'replication', rolreplication,
             'superuser', rolsuper,
             'comment', shobj_description(oid, 'pg_authid'),
             'fingerprint', left(encode(sha256(convert_to(rolpassword, 'UTF8')), 'hex'), 16),
             'altered', rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR NOT rolinherit
                        OR rolconnlimit <> -1 OR rolvaliduntil IS NOT NULL
                        OR EXISTS (SELECT FROM pg_db_role_setting WHERE setrole = a.oid)
                        OR EXISTS (SELECT FROM pg_auth_members WHERE a.oid IN (roleid, member))
                        -- Grants, or anything it owns; and standbys of others that use it.
                        OR EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = a.oid)
                        OR EXISTS (SELECT FROM pg_stat_replication AS r
                                    WHERE r.usesysid = a.oid AND NOT r.application_name = ANY (%(ours)s)))), '[]')
      FROM [roles] AS a WHERE rolname = %(role)s),
  'hba', (SELECT coalesce(jsonb_agg(to_jsonb(h)), '[]') FROM pg_hba_file_rules() AS h),
  'streaming', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('application_name', r.application_name, 'state', r.state,
             'slot_name', s.slot_name)), '[]')
      FROM pg_stat_replication AS r LEFT JOIN pg_replication_slots AS s ON s.active_pid = r.pid)
)
