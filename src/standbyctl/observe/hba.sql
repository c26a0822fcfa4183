-- pg_hba.conf as the server itself reads it, for whoever cannot read it on the host.
-- %(path)s: the file. %(line)s: the sha256 of the line that we would add, so that no log has the line itself.
SELECT jsonb_build_object(
  'digest', encode(sha256(content), 'hex'),
  -- As escaped text, for the file may be in any encoding, or in several.
  'has_line', EXISTS (SELECT FROM unnest(string_to_array(encode(content, 'escape'), chr(10))) AS each(line)
                       WHERE encode(sha256(decode(line, 'escape')), 'hex') = %(line)s),
  -- A whole second is all that pg_stat_file tells: what was written in the second of a load may not be loaded.
  'loaded', modification < date_trunc('second', pg_conf_load_time()))
  FROM pg_read_binary_file(%(path)s) AS content, pg_stat_file(%(path)s)
