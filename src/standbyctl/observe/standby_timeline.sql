coalesce((SELECT received_tli FROM pg_stat_wal_receiver WHERE status = 'streaming'),
         greatest((SELECT timeline_id FROM pg_control_checkpoint()),
                  CASE WHEN has_function_privilege('pg_ls_waldir()', 'EXECUTE') THEN (
                    SELECT max(('x' || left(name, 8))::bit(32)::int) FROM pg_ls_waldir()
                     WHERE name ~ '^[0-9A-F]{24}$') END))
