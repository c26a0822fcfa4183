-- Which version of its library's collation each database was made with, and which the library here has (15 and later).
-- The C locale has no version: bytes are compared, everywhere the same.
SELECT jsonb_build_object(
  'connected', current_database(),
  'databases', (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
             'name', datname,
             'collate', coalesce(CASE WHEN to_jsonb(d) ->> 'datlocprovider' <> 'c'
                                      THEN coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') END,
                                 datcollate),
             'recorded', datcollversion,
             'actual', pg_database_collation_actual_version(oid)) ORDER BY datname), '[]')
      FROM pg_database AS d WHERE datallowconn),
  'objects', (
    SELECT coalesce(jsonb_agg(collname ORDER BY collname), '[]')
      FROM pg_collation WHERE collversion IS NOT NULL AND collversion <> pg_collation_actual_version(oid))
)
