-- Values from configuration; applied at every sync, written only where they differ.
SELECT FROM pg_temp.require(@RETENTION_DAYS@ >= 1, 'retention must be at least 1 day, got @RETENTION_DAYS@');
SELECT FROM pg_temp.require(@PARTITIONS_AHEAD_DAYS@ >= 1,
  'partitions ahead must be at least 1 day, got @PARTITIONS_AHEAD_DAYS@');

INSERT INTO store_metadata AS held (key, value) VALUES
  ('schema_version', :'version'),
  ('retention_days', '@RETENTION_DAYS@'),
  ('partitions_ahead_days', '@PARTITIONS_AHEAD_DAYS@')
ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now() WHERE held.value <> excluded.value;
