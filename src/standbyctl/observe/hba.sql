-- pg_hba.conf as the server itself reads it, for whoever cannot read it on the host (15 and later).
-- %(path)s: the file. %(line)s: the line that we would add, in base64.
SELECT jsonb_build_object(
  'digest', encode(sha256(content), 'hex'),
  'has_line', position(decode('0a', 'hex') || decode(%(line)s, 'base64') || decode('0a', 'hex')
                       IN decode('0a', 'hex') || content || decode('0a', 'hex')) > 0,
  -- A whole second is all that pg_stat_file tells: what was written in the second of a load may not be loaded.
  'loaded', modification < date_trunc('second', pg_conf_load_time()))
  FROM pg_read_binary_file(%(path)s) AS content, pg_stat_file(%(path)s)
