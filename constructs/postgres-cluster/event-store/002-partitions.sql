-- One partition per UTC day. Run daily, and at every sync: a second run, or two at once, find nothing to do.
-- Tells what it did, one row per partition; `events` is the planner's estimate where a whole partition is
-- dropped.
CREATE FUNCTION maintain_event_partitions()
RETURNS TABLE (action text, partition text, events bigint)
LANGUAGE plpgsql
SET search_path = public, pg_temp
SET timezone = 'UTC'
-- While this waits for its lock, appends wait behind it. Two seconds once a day are 0.002 % of the time; when
-- they are not enough, the run fails and is repeated.
SET lock_timeout = '2s'
AS $$
#variable_conflict use_column
DECLARE
  retention integer := (SELECT value FROM store_metadata WHERE key = 'retention_days');
  ahead     integer := (SELECT value FROM store_metadata WHERE key = 'partitions_ahead_days');
  -- Every event is kept for `retention` whole days; the oldest day is then dropped at once.
  oldest    date := clock_timestamp()::date - retention;
  newest    date := clock_timestamp()::date + ahead;
  missing   date[];
  expired   date[];
  strays    boolean;
  columns   text;
  each      date;
  name      text;
BEGIN
  IF retention IS NULL OR ahead IS NULL THEN
    RAISE EXCEPTION 'store_metadata has no retention_days or partitions_ahead_days: run apply.sql';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('lighthouse event store', 0));

  WITH present AS (
    SELECT to_date(relname, '"events_"YYYY_MM_DD') AS day
    FROM pg_inherits JOIN pg_class ON oid = inhrelid
    WHERE inhparent = 'events'::regclass AND relname ~ '^events_\d{4}_\d\d_\d\d$'
  ), wanted AS (
    SELECT oldest + n AS day FROM generate_series(0, newest - oldest) AS n
  )
  SELECT (SELECT array_agg(day ORDER BY day) FROM wanted WHERE day NOT IN (SELECT day FROM present)),
         (SELECT array_agg(day ORDER BY day) FROM present WHERE day < oldest),
         EXISTS (SELECT FROM events_default WHERE "timestamp" < newest + 1)
  INTO missing, expired, strays;

  IF missing IS NOT NULL OR expired IS NOT NULL OR strays THEN
    -- The strongest lock first: taken after a weaker one it could deadlock with a query.
    LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
    -- A day cannot be created while the default partition holds its events; and detached, it is an ordinary
    -- table, without the trigger that refuses a DELETE.
    ALTER TABLE events DETACH PARTITION events_default;

    FOREACH each IN ARRAY coalesce(expired, '{}') LOOP
      name := to_char(each, '"events_"YYYY_MM_DD');
      RETURN QUERY SELECT 'dropped', name, greatest(reltuples, 0)::bigint
        FROM pg_class WHERE oid = name::regclass;
      EXECUTE format('DROP TABLE %I', name);
    END LOOP;

    FOREACH each IN ARRAY coalesce(missing, '{}') LOOP
      name := to_char(each, '"events_"YYYY_MM_DD');
      EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
        name, each::timestamptz, (each + 1)::timestamptz);
      RETURN QUERY SELECT 'created', name, 0::bigint;
    END LOOP;

    IF strays THEN
      WITH gone AS (DELETE FROM events_default WHERE "timestamp" < oldest RETURNING 1)
      SELECT 'expired', 'events_default', count(*) FROM gone INTO action, partition, events;
      RETURN NEXT;

      SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
      WHERE attrelid = 'events'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' INTO columns;
      EXECUTE format('INSERT INTO events (%1$s) OVERRIDING SYSTEM VALUE
        SELECT %1$s FROM events_default WHERE "timestamp" < %2$L', columns, newest + 1);
      WITH gone AS (DELETE FROM events_default WHERE "timestamp" < newest + 1 RETURNING 1)
      SELECT 'moved', 'events_default', count(*) FROM gone INTO action, partition, events;
      RETURN NEXT;
    END IF;

    ALTER TABLE events ATTACH PARTITION events_default DEFAULT;
  END IF;

  SELECT 'ahead of time', 'events_default', count(*) FROM events_default INTO action, partition, events;
  IF events > 0 THEN
    RAISE WARNING '% events are more than % days ahead of the clock; they wait in events_default', events, ahead;
    RETURN NEXT;
  END IF;
END $$;

REVOKE EXECUTE ON FUNCTION maintain_event_partitions() FROM PUBLIC;
