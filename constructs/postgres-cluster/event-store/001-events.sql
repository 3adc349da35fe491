-- The event store: the application's SQLite schema (same names, so its statements carry over) in PostgreSQL's
-- types, with the fields of its log files beside, so that both can be brought in.

CREATE TABLE events (
  -- Order of arrival here. A number taken by a failed append stays unused: gaps are normal.
  sequence_id       bigint      GENERATED ALWAYS AS IDENTITY,
  -- The transaction that appended. sequence_id alone is no cursor: a lower number can become visible after a
  -- higher one. Read in the order (transaction_id, sequence_id) below the oldest transaction still running,
  -- nothing is missed.
  transaction_id    xid8        NOT NULL DEFAULT pg_current_xact_id(),
  "timestamp"       timestamptz NOT NULL CHECK (isfinite("timestamp")),
  created_at        timestamptz NOT NULL DEFAULT now(),
  -- sequence_id of the SQLite store or sequence of a log file; the checksum of a SQLite event is computed
  -- over it.
  source_sequence   bigint,
  aggregate_version bigint      CHECK (aggregate_version >= 0),
  schema_version    integer     NOT NULL DEFAULT 1 CHECK (schema_version >= 1),
  correlation_id    uuid,
  -- Names another event, whose id is not a UUID.
  causation_id      text        CHECK (length(causation_id) BETWEEN 1 AND 255),
  -- <nanoseconds of the monotonic clock>_<counter>_<node>: text, and no wall-clock time can be read from it.
  event_id          text        NOT NULL CHECK (length(event_id) BETWEEN 1 AND 255),
  event_type        text        NOT NULL CHECK (length(event_type) BETWEEN 1 AND 255),
  agent_id          text        CHECK (length(agent_id) BETWEEN 1 AND 255),
  aggregate_id      text        CHECK (length(aggregate_id) BETWEEN 1 AND 1024),
  aggregate_type    text        NOT NULL DEFAULT 'unknown' CHECK (length(aggregate_type) BETWEEN 1 AND 255),
  source_agent      text        CHECK (length(source_agent) BETWEEN 1 AND 255),
  source_component  text        NOT NULL DEFAULT 'unknown' CHECK (length(source_component) BETWEEN 1 AND 255),
  checksum          text        CHECK (checksum ~ '^[0-9a-f]{16}$'),
  event_data        jsonb       NOT NULL CHECK (jsonb_typeof(event_data) = 'object'),
  metadata          jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  -- Replaces the fts5 table; 'simple' because its tokenizer does not stem either. A tsvector holds 1 MiB at
  -- most, an event's JSON too: of a large one only the beginning is indexed, for an event must not be refused
  -- for its search.
  search            tsvector    NOT NULL GENERATED ALWAYS AS (
    to_tsvector('simple', event_type || ' ' || coalesce(agent_id, '')) ||
    CASE WHEN length(event_data::text) + length(metadata::text) <= 100000
      THEN jsonb_to_tsvector('simple', event_data, '["string"]')
        || jsonb_to_tsvector('simple', metadata, '["string"]')
      ELSE to_tsvector('simple', left(event_data::text, 100000))
    END) STORED,
  -- A repeated append carries the same event, so the same timestamp, and is refused. (The key of a
  -- partitioned table has to contain the partition key.)
  PRIMARY KEY (event_id, "timestamp")
) PARTITION BY RANGE ("timestamp");

-- Takes what no day takes, so that no append fails for a wrong clock or a missed maintenance.
CREATE TABLE events_default PARTITION OF events DEFAULT;

-- The SQLite store's indexes on event_type and on agent_id alone are prefixes of these.
CREATE INDEX events_time ON events ("timestamp", sequence_id);
CREATE INDEX events_type ON events (event_type, "timestamp", sequence_id);
CREATE INDEX events_agent ON events (agent_id, "timestamp", sequence_id);
CREATE INDEX events_aggregate ON events (aggregate_id, aggregate_version, sequence_id);
CREATE INDEX events_replay ON events (transaction_id, sequence_id);
-- One event by its number, rarely: some kilobytes do for it, since events lie in the order of their arrival.
CREATE INDEX events_sequence ON events USING brin (sequence_id) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX events_search ON events USING gin (search);

-- The writer's role has no right to change events. This also stops the owner's hand.
CREATE FUNCTION refuse_change_of_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'events are append-only: % on % refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON events
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_events();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_events();

CREATE TABLE store_metadata (
  key        text        PRIMARY KEY,
  value      text        NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);
