-- What is set for our own session, role or database is not what the server runs with.
'value', CASE WHEN s.source NOT IN ('client', 'database', 'user', 'database user') THEN s.setting
         ELSE coalesce((SELECT f.setting FROM files AS f WHERE f.name = s.name ORDER BY f.seqno DESC LIMIT 1), s.boot_val) END,
'source', CASE WHEN s.source NOT IN ('client', 'database', 'user', 'database user') THEN s.source
          WHEN EXISTS (SELECT FROM files AS f WHERE f.name = s.name) THEN 'configuration file' ELSE 'default' END
