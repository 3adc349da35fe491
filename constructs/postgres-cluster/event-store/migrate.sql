-- Applies the migration :file as number :version, once; refuses it if it was applied with other content.
-- Values from configuration therefore never stand in a migration: they would change its checksum.
\set checksum `sha256sum < :'file' | cut -d' ' -f1`
SELECT FROM pg_temp.require(:'checksum' ~ '^[0-9a-f]{64}$',
  format('no checksum of %s: run psql in the folder of the migrations, with sha256sum installed', :'file'));

SELECT NOT EXISTS (SELECT FROM store_migrations WHERE version = :version) AS is_new \gset
\if :is_new
  \ir :file
  INSERT INTO store_migrations (version, file, checksum) VALUES (:version, :'file', :'checksum');
\endif

SELECT FROM store_migrations, pg_temp.require(checksum = :'checksum',
  format('migration %s (%s) was changed after it was applied at %s: restore it and write a new one',
    version, file, applied_at))
WHERE version = :version;
