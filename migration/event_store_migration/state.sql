-- How far a migration has come, in a schema of its own beside the event store. A batch's rows, its line here and the new
-- position are one transaction.
CREATE SCHEMA IF NOT EXISTS migration;

CREATE TABLE IF NOT EXISTS migration.sources (
  kind                text        PRIMARY KEY CHECK (kind IN ('sqlite', 'logs')),
  path                text        NOT NULL,
  -- The store that the bridge is to use.
  live                text        NOT NULL DEFAULT 'source' CHECK (live IN ('source', 'postgresql')),
  -- Batches up to this one were found to be the same on both sides.
  validated_batch     bigint      NOT NULL DEFAULT 0,
  -- What a later transaction has appended was written after the cutover.
  cutover_transaction xid8,
  cutover_at          timestamptz,
  content_hash        text,
  -- How far a rollback has come.
  returned_transaction xid8,
  returned_sequence    bigint,
  rolled_back_at       timestamptz
);

CREATE TABLE IF NOT EXISTS migration.segments (
  kind     text   NOT NULL REFERENCES migration.sources,
  identity text   NOT NULL,
  name     text   NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (kind, identity)
);

-- The events of a batch are those of its transaction: events.transaction_id.
CREATE TABLE IF NOT EXISTS migration.batches (
  number         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind           text    NOT NULL,
  identity       text    NOT NULL,
  first_position bigint  NOT NULL,
  last_position  bigint  NOT NULL,
  transaction_id xid8    NOT NULL DEFAULT pg_current_xact_id() UNIQUE,
  copied         integer NOT NULL,
  -- Were there before, the same.
  present        integer NOT NULL,
  -- Older than the retention.
  expired        integer NOT NULL,
  rejected       integer NOT NULL,
  FOREIGN KEY (kind, identity) REFERENCES migration.segments
);

CREATE TABLE IF NOT EXISTS migration.rejected (
  kind        text        NOT NULL,
  identity    text        NOT NULL,
  at          bigint      NOT NULL,
  name        text        NOT NULL,
  size        bigint      NOT NULL,
  event_id    text,
  reason      text        NOT NULL,
  -- As found in the store, its first MiB.
  raw         bytea       NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (kind, identity, at)
);
