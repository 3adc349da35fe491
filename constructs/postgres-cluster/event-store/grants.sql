-- What the roles may do; applied at every sync, so that a right given by hand does not last. The operator
-- makes the roles.
SELECT FROM unnest(ARRAY['lighthouse_writer', 'lighthouse_reader']) AS role,
  pg_temp.require(to_regrole(role) IS NOT NULL,
    format('role %s does not exist: declare it among the managed roles of the cluster', role));

REVOKE ALL ON events, store_metadata, store_migrations FROM PUBLIC, lighthouse_writer, lighthouse_reader;
GRANT USAGE ON SCHEMA public TO lighthouse_writer, lighthouse_reader;
GRANT SELECT ON events, store_metadata TO lighthouse_writer, lighthouse_reader;

-- sequence_id, transaction_id and created_at are the database's to give. No rights on partitions are needed:
-- the way in is the parent.
GRANT INSERT (event_id, event_type, "timestamp", agent_id, aggregate_id, aggregate_type, aggregate_version,
  correlation_id, causation_id, source_agent, source_component, schema_version, source_sequence,
  event_data, metadata, checksum) ON events TO lighthouse_writer;

-- Vault's login has nothing, and nobody has anything of it, but where lender.sql is applied after this.
SELECT 'REVOKE ALL ON events, store_metadata, store_migrations FROM lighthouse_lender CASCADE'
WHERE to_regrole('lighthouse_lender') IS NOT NULL \gexec
