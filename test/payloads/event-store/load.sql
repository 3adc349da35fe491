-- 300,000 events over the six days up to now: five types, 200 agents, 3,000 aggregates, one rare word in
-- 10,000 events.
INSERT INTO events (event_id, event_type, "timestamp", agent_id, aggregate_id, aggregate_type, aggregate_version,
  event_data, metadata)
SELECT format('%s_0_lighthouse-01', 1000000 * n),
  (ARRAY['command_received', 'command_validated', 'file_modified', 'agent_heartbeat', 'custom'])[1 + n % 5],
  now() - interval '6 days' + n * (interval '6 days' / 300000),
  'agent-' || n % 200, 'aggregate-' || n % 3000, 'project', n / 3000,
  jsonb_build_object(
    'path', format('/src/module%s/file%s.py', n % 997, n % 5003), 'bytes', n,
    'message', CASE
      WHEN n % 10000 = 0 THEN 'kingfisher sighted'
      ELSE 'ordinary work of an agent on word' || n % 20011 END),
  '{"session_id": "s-1"}'
FROM generate_series(1::bigint, 300000) AS n;
