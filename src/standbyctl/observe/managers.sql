-- What shows who else rules the server (managers.py).
'roles', (SELECT coalesce(jsonb_agg(rolname ORDER BY rolname), '[]') FROM pg_roles WHERE rolname = ANY (%(telling_roles)s)),
'extensions', (SELECT coalesce(jsonb_agg(extname ORDER BY extname), '[]') FROM pg_extension),
'functions', (SELECT coalesce(jsonb_agg(DISTINCT proname), '[]') FROM pg_proc
               WHERE proname IN ('aurora_version', 'alloydb_version') AND oid >= 1),
'applications', (SELECT coalesce(jsonb_agg(DISTINCT application_name ORDER BY application_name), '[]')
                   FROM pg_stat_activity AS a JOIN pg_roles AS r ON r.oid = a.usesysid
                  -- Anybody may call himself anything: what rules a server connects as one who could.
                  WHERE application_name <> '' AND (rolsuper OR rolreplication))
