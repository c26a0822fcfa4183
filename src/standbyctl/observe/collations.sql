-- Which version of its library's collation each database was made with, and which the library here has. Before 15 a
-- database records none: initdb's, of the collation of the same name, is taken for it.
-- The C locale has no version: bytes are compared, everywhere the same.
SELECT jsonb_build_object(
  'connected', current_database(),
  'databases', (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
             'name', datname,
             'collate', coalesce(CASE WHEN to_jsonb(d) ->> 'datlocprovider' <> 'c'
                                      THEN coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') END,
                                 datcollate),
             'recorded', datcollversion, -- 15+
             'actual', pg_database_collation_actual_version(oid)) ORDER BY datname), '[]') -- 15+
             'recorded', c.collversion, -- <15
             'actual', pg_collation_actual_version(c.oid)) ORDER BY datname), '[]') -- <15
      FROM pg_database AS d
      LEFT JOIN LATERAL ( -- <15
        SELECT oid, collversion FROM pg_collation -- <15
         WHERE collprovider = 'c' AND collencoding IN (-1, d.encoding) -- <15
           AND lower(replace(collcollate, '-', '')) = lower(replace(d.datcollate, '-', '')) -- <15
         ORDER BY oid LIMIT 1) AS c ON true -- <15
     WHERE datallowconn),
  'objects', (
    SELECT coalesce(jsonb_agg(collname ORDER BY collname), '[]')
      FROM pg_collation WHERE collversion IS NOT NULL AND collversion <> pg_collation_actual_version(oid))
)
