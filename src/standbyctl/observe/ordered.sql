-- What in this database is in an order that libc or ICU decides: indexes, and tables partitioned by range. %(most)s of
-- each are named. Bytes are compared in C and POSIX, by the builtin provider (17 and later), by the operator classes
-- that are named after patterns, and where a hash index has a deterministic collation.
-- Version by version columns come and go: to_jsonb has what there is.
WITH used AS (
  SELECT i.indexrelid AS oid, k.collid, a.amname = 'hash' AS hashed
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i' AND c.relpersistence = 'p'
    JOIN pg_am AS a ON a.oid = c.relam,
         unnest(i.indcollation::oid[], i.indclass::oid[]) AS k (collid, opclass)
    JOIN pg_opclass AS o ON o.oid = k.opclass
   WHERE k.collid <> 0 AND o.opcname NOT IN ('text_pattern_ops', 'varchar_pattern_ops', 'bpchar_pattern_ops')
  UNION ALL
  -- Expressions and predicates with collations of their own.
  SELECT c.oid, d.refobjid, false
    FROM pg_depend AS d
    JOIN pg_class AS c ON c.oid = d.objid AND c.relkind = 'i' AND c.relpersistence = 'p'
    JOIN pg_index AS i ON i.indexrelid = c.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
   WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_collation'::regclass AND d.objsubid = 0
  UNION ALL
  SELECT p.partrelid, k.collid, false
    FROM pg_partitioned_table AS p, unnest(p.partcollation::oid[]) AS k (collid)
   WHERE p.partstrat = 'r' AND k.collid <> 0),
known AS (
  SELECT l.oid, coalesce((to_jsonb(l) ->> 'collisdeterministic')::boolean, true) AS deterministic,
         CASE WHEN l.collprovider = 'd' THEN coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') ELSE l.collprovider::text END AS provider,
         CASE WHEN l.collprovider = 'd' THEN d.datcollate ELSE l.collcollate END AS locale
    FROM pg_collation AS l, pg_database AS d WHERE d.datname = current_database()),
found AS (
  SELECT DISTINCT CASE k.provider WHEN 'c' THEN 'libc' ELSE 'icu' END AS provider,
         format('%%s.%%s.%%s', current_database(), n.nspname, c.relname)
           || CASE c.relkind WHEN 'p' THEN ' (partitioned by range)' ELSE '' END AS name
    FROM used AS u
    JOIN known AS k ON k.oid = u.collid
    JOIN pg_class AS c ON c.oid = u.oid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
   WHERE (k.provider = 'i' OR k.provider = 'c' AND lower(k.locale) <> ALL ('{c,posix}') AND lower(k.locale) NOT LIKE 'c.%%')
     AND NOT (u.hashed AND k.deterministic)),
numbered AS (
  SELECT provider, name, count(*) OVER (PARTITION BY provider) AS count,
         row_number() OVER (PARTITION BY provider ORDER BY name) AS number
    FROM found)
SELECT provider, name, count FROM numbered WHERE number <= %(most)s ORDER BY provider, number
