-- What a cluster is, and what it holds that initdb has not put there; of objects, those of the database one is in.
SELECT jsonb_build_object(
  'data_directory', current_setting('data_directory'),
  'system_identifier', (SELECT system_identifier::text FROM pg_control_system()),
  'in_recovery', pg_is_in_recovery(),
  'started_by', current_setting('standbyctl.attach', true),
  'holds', (
    SELECT coalesce(jsonb_agg(word ORDER BY word), '[]') FROM (
      SELECT 'database ' || datname AS word FROM pg_database
       WHERE datname NOT IN ('postgres', 'template0', 'template1')
      UNION SELECT 'role ' || rolname FROM pg_roles WHERE oid >= 16384
      UNION SELECT 'tablespace ' || spcname FROM pg_tablespace WHERE oid >= 16384
      UNION SELECT 'slot ' || slot_name FROM pg_replication_slots
      UNION SELECT 'standby ' || application_name FROM pg_stat_replication
      UNION SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts
      UNION SELECT 'subscription ' || subname FROM pg_subscription
      UNION SELECT 'replication origin ' || roname FROM pg_replication_origin
      UNION SELECT 'setting of a role or database' FROM pg_db_role_setting
      UNION SELECT 'session of ' || coalesce(usename, '?') FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND application_name <> 'standbyctl'
      UNION SELECT 'schema ' || nspname || ' in ' || current_database() FROM pg_namespace
             WHERE oid >= 16384 AND nspname !~ '^pg_(toast_)?temp_'
      UNION SELECT 'relation ' || relname || ' in ' || current_database() FROM pg_class
             WHERE oid >= 16384 AND relkind NOT IN ('i', 'I', 't')
      UNION SELECT 'function ' || proname || ' in ' || current_database() FROM pg_proc WHERE oid >= 16384
      UNION SELECT 'type ' || typname || ' in ' || current_database() FROM pg_type
             WHERE oid >= 16384 AND typrelid = 0 AND typelem = 0
      UNION SELECT 'extension ' || extname || ' in ' || current_database() FROM pg_extension WHERE extname <> 'plpgsql'
      UNION SELECT 'publication ' || pubname || ' in ' || current_database() FROM pg_publication
      UNION SELECT 'event trigger ' || evtname || ' in ' || current_database() FROM pg_event_trigger
      UNION SELECT 'foreign data wrapper ' || fdwname || ' in ' || current_database() FROM pg_foreign_data_wrapper
      UNION SELECT 'large object in ' || current_database() FROM pg_largeobject_metadata
    ) AS every)
)
