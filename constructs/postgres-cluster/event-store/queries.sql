-- The statements the event store's indexes are made for. Each stands alone: nothing is kept in the session,
-- so they run through a pooler in transaction mode.

-- name: append
INSERT INTO events (event_id, event_type, "timestamp", agent_id, aggregate_id, aggregate_type, aggregate_version,
  event_data, metadata)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING sequence_id;

-- name: by_event_id
SELECT sequence_id, event_id, event_type, "timestamp", agent_id, aggregate_id, aggregate_version,
  event_data, metadata, checksum
FROM events WHERE event_id = $1;

-- name: newest
-- Bounded by the clock, or one event from the far future would be the newest for ever.
SELECT sequence_id, event_id, event_type, "timestamp", agent_id, aggregate_id, aggregate_version,
  event_data, metadata, checksum
FROM events WHERE "timestamp" <= now() ORDER BY "timestamp" DESC, sequence_id DESC LIMIT $1;

-- name: by_time
SELECT sequence_id, event_id, event_type, "timestamp", agent_id, aggregate_id, aggregate_version,
  event_data, metadata, checksum
FROM events WHERE "timestamp" >= $1 AND "timestamp" < $2 ORDER BY "timestamp", sequence_id LIMIT $3;

-- name: by_type
SELECT sequence_id, event_id, event_type, "timestamp", agent_id, aggregate_id, aggregate_version,
  event_data, metadata, checksum
FROM events WHERE event_type = $1 AND "timestamp" >= $2 AND "timestamp" < $3
ORDER BY "timestamp", sequence_id LIMIT $4;

-- name: by_agent
SELECT sequence_id, event_id, event_type, "timestamp", agent_id, aggregate_id, aggregate_version,
  event_data, metadata, checksum
FROM events WHERE agent_id = $1 AND "timestamp" >= $2 AND "timestamp" < $3
ORDER BY "timestamp", sequence_id LIMIT $4;

-- name: by_aggregate
SELECT sequence_id, event_id, event_type, "timestamp", agent_id, aggregate_id, aggregate_version,
  event_data, metadata, checksum
FROM events WHERE aggregate_id = $1 ORDER BY aggregate_version, sequence_id;

-- name: search
SELECT sequence_id, event_id, event_type, "timestamp", agent_id, aggregate_id, aggregate_version,
  event_data, metadata, checksum
FROM events WHERE search @@ websearch_to_tsquery('simple', $1) AND "timestamp" >= $2 AND "timestamp" < $3
ORDER BY "timestamp" DESC LIMIT $4;

-- name: count_per_type_last_hour
SELECT event_type, count(*) FROM events
WHERE "timestamp" > now() - interval '1 hour' AND "timestamp" <= now() GROUP BY event_type;

-- name: replay_cursor
-- Where to begin a replay after an event of which only the number is known.
SELECT transaction_id, sequence_id FROM events WHERE sequence_id = $1;

-- name: replay
-- From a cursor (0 and 0: from the beginning), the last row of one page being the cursor of the next.
-- Complete while others append: what is not yet certain to be complete is left for the next page.
SELECT transaction_id, sequence_id, event_id, event_type, "timestamp", agent_id, aggregate_id, aggregate_version,
  event_data, metadata, checksum
FROM events
WHERE (transaction_id, sequence_id) > ($1::xid8, $2::bigint)
  AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY transaction_id, sequence_id LIMIT $3;
