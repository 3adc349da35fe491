/** A line as a container wrote it, and what must become of it. */
export interface Line {
  readonly namespace: string;
  readonly container: string;
  /** Name of the pod; the workload's name in `service`. */
  readonly pod: string;
  readonly text: string;
  /** What is found of it: level, and where they are looked at, logger, message, time and trace. */
  readonly want: Readonly<Record<string, string>>;
}

const FAILED = { level: 'unknown', parser: 'failed' };

const redis = (text: string, want: Line['want']): Line => ({
  namespace: 'redis',
  container: 'redis',
  pod: 'cache-members-0',
  text,
  want,
});

const haproxy = (text: string, want: Line['want']): Line => ({
  namespace: 'redis',
  container: 'haproxy',
  pod: 'cache-7d9c8b6f5-x2w4z',
  text,
  want,
});

const edge = (text: string, want: Line['want']): Line => ({
  namespace: 'edge',
  container: 'haproxy',
  pod: 'edge-7d9c8b6f5-x2w4z',
  text,
  want,
});

/** What PostgreSQL says, in the form in which CloudNativePG's instance manager passes it on (its documentation, "Logging"). */
const postgres = (record: object, want: Line['want']): Line => ({
  namespace: 'postgres',
  container: 'postgres',
  pod: 'events-1',
  text: JSON.stringify({
    level: 'info',
    ts: '2026-11-26T08:14:36.700Z',
    logger: 'postgres',
    msg: 'record',
    record,
  }),
  want,
});

const bridge = (text: string, want: Line['want']): Line => ({
  namespace: 'lighthouse',
  container: 'bridge',
  pod: 'bridge-0',
  text,
  want,
});

const other = (
  container: string,
  namespace: string,
  pod: string,
  text: string,
  want: Line['want'],
): Line => ({
  namespace,
  container,
  pod,
  text,
  want,
});

/**
 * Written by redis-server and redis-sentinel 7.0.15, HAProxy 2.6.12 and PostgreSQL 15.18; the bridge's by the format that it
 * logs in; the rest by the documentation or the sources of their programs.
 */
export const LINES: readonly Line[] = [
  redis('14403:M 26 Nov 2026 08:14:11.686 * Ready to accept connections', {
    level: 'info',
    logger: 'master',
    time: '26 Nov 2026 08:14:11.686',
    message: 'Ready to accept connections',
  }),
  redis('14403:M 26 Nov 2026 08:14:14.727 # Connection with replica 127.0.0.1:7002 lost.', {
    level: 'warn',
    logger: 'master',
    message: 'Connection with replica 127.0.0.1:7002 lost.',
  }),
  redis('14583:C 26 Nov 2026 08:14:14.748 * DB saved on disk', { level: 'info', logger: 'child' }),
  redis('14502:S 26 Nov 2026 08:14:12.717 * MASTER <-> REPLICA sync started', {
    level: 'info',
    logger: 'replica',
  }),
  redis('14502:signal-handler (1795680854) Received SIGTERM scheduling shutdown...', {
    level: 'info',
    logger: 'signal-handler',
    message: 'Received SIGTERM scheduling shutdown...',
  }),
  redis('                _._                                                  ', FAILED),
  {
    ...redis('14601:X 26 Nov 2026 08:14:16.524 # +elected-leader master m 127.0.0.1 7001', {
      level: 'warn',
      logger: 'sentinel',
      message: '+elected-leader master m 127.0.0.1 7001',
    }),
    container: 'sentinel',
  },
  haproxy('[NOTICE]   (15632) : Loading success.', { level: 'info', message: 'Loading success.' }),
  haproxy("[ALERT]    (15640) : backend 'redis' has no server available!", { level: 'error' }),
  haproxy(
    'Server redis/cache-members-0 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.',
    { level: 'error', logger: 'redis/cache-members-0' },
  ),
  haproxy('backend redis has no server available!', { level: 'fatal', logger: 'redis' }),
  haproxy(
    '127.0.0.1:40240 [26/Nov/2026:08:15:02.780] redis redis/cache-members-0 1/0/27 7 -- 1/1/0/0/0 0/0',
    {
      level: 'info',
      logger: 'redis',
      time: '26/Nov/2026:08:15:02.780',
    },
  ),
  haproxy('127.0.0.1:40246 [26/Nov/2026:08:15:07.838] redis redis/<NOSRV> -1/-1/0 0 SC 1/1/0/0/0 0/0', {
    level: 'warn',
    logger: 'redis',
  }),
  edge(
    '{"time":"2026-11-26T13:14:11Z","client":"127.0.0.1","port":58800,"method":"GET","path":"/event/query","route":"event-query","agent":"8cb7b3a9402a5496","certificate":"-","status":200,"refused":"-","mode":"normal","received_bytes":93,"sent_bytes":159,"server":"bridge/bridge1","retries":"0","ended":"--","request_ms":0,"queue_ms":0,"connect_ms":0,"response_ms":0,"total_ms":0,"protocol":"HTTP/1.1","tls":"TLSv1.3","trace_id":"620b26c826b34972bd312f1248d99fdd","span_id":"ce7c45e2e1e5403e"}',
    {
      level: 'info',
      logger: 'bridge/bridge1',
      time: '2026-11-26T13:14:11Z',
      trace_id: '620b26c826b34972bd312f1248d99fdd',
      span_id: 'ce7c45e2e1e5403e',
    },
  ),
  edge(
    '{"time":"2026-11-26T13:14:12Z","client":"127.0.0.1","port":44846,"method":"POST","path":"/validate","route":"validate","agent":"-","certificate":"-","status":503,"refused":"mode","mode":"read-only","received_bytes":78,"sent_bytes":211,"server":"edge/<NOSRV>","retries":"0","ended":"PR","request_ms":0,"queue_ms":-1,"connect_ms":-1,"response_ms":-1,"total_ms":0,"protocol":"HTTP/1.1","tls":"TLSv1.3","trace_id":"8512e236a7fb400e9ba4ce1affcc8659","span_id":"438f45a7d65a4911"}',
    { level: 'error', logger: 'edge/<NOSRV>' },
  ),
  edge(
    '{"time":"2026-11-26T13:14:13Z","client":"127.0.0.1","port":44847,"status":0,"refused":"tls","error":"SSL handshake failure: -"}',
    { level: 'error', logger: 'edge' },
  ),
  edge(
    'Server bridge/bridge1 is DOWN, reason: Layer7 invalid response, info: "HTTP content check did not match", check duration: 2ms. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.',
    { level: 'error', logger: 'bridge/bridge1' },
  ),
  edge("bridge/bridge1: IP changed from '(none)' to '127.0.0.11' by 'cluster/test'.", {
    level: 'info',
    logger: 'bridge/bridge1',
  }),
  postgres(
    {
      log_time: '2026-11-26 08:14:36.669 UTC',
      error_severity: 'ERROR',
      sql_state_code: '42703',
      message: 'column "nothing" does not exist',
      query: 'select nothing',
      backend_type: 'client backend',
    },
    {
      level: 'error',
      logger: 'postgres',
      time: '2026-11-26 08:14:36.669 UTC',
      message: 'column "nothing" does not exist',
    },
  ),
  postgres(
    {
      log_time: '2026-11-26 08:14:36.705 UTC',
      error_severity: 'FATAL',
      message: 'database "missing" does not exist',
      detail: 'It seems to have just been dropped or renamed.',
    },
    {
      level: 'fatal',
      message: 'database "missing" does not exist: It seems to have just been dropped or renamed.',
    },
  ),
  postgres(
    {
      log_time: '2026-11-26 08:14:32.717 UTC',
      error_severity: 'LOG',
      message: 'database system is ready to accept connections',
    },
    { level: 'info' },
  ),
  other(
    'postgres',
    'postgres',
    'events-1',
    '{"level":"error","ts":"2026-11-26T08:00:00Z","logger":"wal-archive","msg":"while archiving","error":"exit status 1"}',
    { level: 'error', logger: 'wal-archive', message: 'while archiving: exit status 1' },
  ),
  other('postgres', 'postgres', 'events-1', 'panic: runtime error', FAILED),
  other(
    'pgbouncer',
    'postgres',
    'events-pool-6c8f9d7b4-bcdfg',
    '{"level":"info","ts":"2026-11-26T08:00:00Z","logger":"pgbouncer","msg":"record","record":{"timestamp":"2021-10-04 09:21:48.255 UTC","pid":"1","level":"WARNING","msg":"pooler error: no such user"}}',
    { level: 'warn', logger: 'pgbouncer', message: 'pooler error: no such user' },
  ),
  other(
    'weaviate',
    'vector-database',
    'weaviate-members-2',
    '{"action":"raft","error":"no leader","level":"error","msg":"bootstrapping","time":"2026-11-26T08:00:00Z"}',
    { level: 'error', logger: 'raft', message: 'bootstrapping: no leader', time: '2026-11-26T08:00:00Z' },
  ),
  other(
    'inference',
    'vector-database',
    'embeddings-5f6d8c9b7-zxcvb',
    'INFO:     Application startup complete.',
    { level: 'info', message: 'Application startup complete.' },
  ),
  other('minio', 'object-storage', 's3-0', 'INFO: Exiting on signal: TERMINATED', {
    level: 'info',
    message: 'Exiting on signal: TERMINATED',
  }),
  other(
    'prometheus',
    'observability',
    'prometheus-prometheus-0',
    'time=2026-11-26T08:00:00.000Z level=WARN source=main.go:1 msg="Something" err="took too long"',
    {
      level: 'warn',
      time: '2026-11-26T08:00:00.000Z',
      message:
        'time=2026-11-26T08:00:00.000Z level=WARN source=main.go:1 msg="Something" err="took too long"',
    },
  ),
  other(
    'loki',
    'observability',
    'loki-0',
    '{"caller":"table_manager.go:136","level":"info","msg":"uploading tables","ts":"2026-11-26T08:00:00Z"}',
    { level: 'info', logger: 'table_manager.go:136', time: '2026-11-26T08:00:00Z' },
  ),
  other(
    'kube-state-metrics',
    'observability',
    'kube-state-metrics-7b9d6c5f4-qwrtz',
    'E1126 08:00:00.000000       1 reflector.go:1] "Failed to watch"',
    { level: 'error' },
  ),
  other(
    'coredns',
    'kube-system',
    'coredns-b8c7cc857-brrbf',
    '[INFO] plugin/reload: Running configuration SHA512 = 1b',
    { level: 'unknown', service: 'coredns' },
  ),
  other(
    'kube-apiserver',
    'kube-system',
    'kube-apiserver-node-a',
    'W1126 08:00:00.000000       1 logging.go:55] connection error',
    { level: 'warn', service: 'kube-apiserver-node-a' },
  ),
  bridge('[INFO] 2026-11-26 08:00:00,123 - lighthouse.bridge.main_bridge - Bridge started', {
    level: 'info',
    time: '2026-11-26 08:00:00,123',
    logger: 'lighthouse.bridge.main_bridge',
    message: 'Bridge started',
  }),
  bridge(
    '[ERROR] 2026-11-26 08:00:01,000 - lighthouse.bridge.fuse_mount - mount failed trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331\nTraceback (most recent call last):\n  File "x.py", line 1, in <module>\nOSError: [Errno 5]',
    {
      level: 'error',
      logger: 'lighthouse.bridge.fuse_mount',
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'b7ad6b7169203331',
      message:
        'mount failed trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331\nTraceback (most recent call last):\n  File "x.py", line 1, in <module>\nOSError: [Errno 5]',
    },
  ),
  bridge('INFO:     10.0.0.7:50122 - "GET /health HTTP/1.1" 200 OK', {
    level: 'info',
    message: '10.0.0.7:50122 - "GET /health HTTP/1.1" 200 OK',
  }),
  { ...bridge('[Info] something else', FAILED), pod: 'bridge-1' },
];
