-- Which rights the role that asks has not: everybody may ask that. Those on parameters can be granted since 15.
-- %(altered)s: parameters that are to be altered. %(quiet)s: those that --hba sql turns off, and %(off)s their values.
SELECT coalesce(jsonb_agg(r.name ORDER BY r.name), '[]') FROM (
  VALUES ('replication', (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user)),
         ('monitor', pg_has_role('pg_read_all_settings', 'USAGE') AND pg_has_role('pg_read_all_stats', 'USAGE')),
         ('hba rules', has_function_privilege('pg_hba_file_rules()', 'EXECUTE')),
         ('file settings', has_function_privilege('pg_show_all_file_settings()', 'EXECUTE')),
         ('reload', has_function_privilege('pg_reload_conf()', 'EXECUTE')),
         ('program', pg_has_role('pg_execute_server_program', 'USAGE')),
         ('read file', has_function_privilege('pg_read_binary_file(text)', 'EXECUTE')
                       AND has_function_privilege('pg_stat_file(text)', 'EXECUTE'))
  UNION ALL
  SELECT 'alter ' || name,
         has_parameter_privilege(name, 'ALTER SYSTEM') -- 15+
         current_setting('is_superuser')::bool -- <15
    FROM unnest(%(altered)s::text[]) AS name
  UNION ALL
  SELECT 'set ' || s.name,
         has_parameter_privilege(s.name, 'SET') -- 15+
         s.context = 'user' OR current_setting('is_superuser')::bool -- <15
    FROM unnest(%(quiet)s::text[], %(off)s::text[]) AS q(name, value) JOIN pg_settings AS s USING (name)
   WHERE s.setting <> q.value
) AS r(name, held) WHERE NOT r.held
