-- Brings a database to the current event-store schema. Run it at every sync, as the database's owner, in the
-- folder of these files (checksums are taken with sha256sum), straight to the primary:
--
--   psql -X -q -v ON_ERROR_STOP=1 -1 -f apply.sql
--
-- One transaction: either everything is applied or nothing is. What was applied is never applied again.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
\o /dev/null

-- Fails outside a transaction, where the lock below would be released at once: -1 was forgotten.
SAVEPOINT applying;

-- Two appliers take turns; the second finds the work done. The maintenance function takes the same lock.
SELECT FROM pg_advisory_xact_lock(hashtextextended('lighthouse event store', 0));

CREATE FUNCTION pg_temp.require(met boolean, otherwise text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF met IS NOT TRUE THEN RAISE EXCEPTION '%', otherwise; END IF;
END $$;

CREATE TABLE IF NOT EXISTS store_migrations (
  version    integer     PRIMARY KEY,
  file       text        NOT NULL,
  checksum   text        NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);

\set version 1
\set file 001-events.sql
\ir migrate.sql

\set version 2
\set file 002-partitions.sql
\ir migrate.sql

SELECT FROM (SELECT max(version) AS newest FROM store_migrations) AS applied, pg_temp.require(newest = :version,
  format('the database is at schema %s, these files end at %s: deploy the newer ones', newest, :version));

\ir settings.sql
\ir grants.sql

\o
SELECT * FROM maintain_event_partitions();
