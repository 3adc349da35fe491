import type { Endpoint } from '../../platform/endpoint';
import { ContainerParser, containerParsers, LogCounter, LogSource, Operator } from './parsers';
import { memoryLimiter, OWN_TELEMETRY, server, TRUST } from './settings';

export interface AgentConfigProps {
  readonly gateway: Endpoint;
  readonly sources: readonly LogSource[];
  /** Operators for every container that has none of its own. */
  readonly others: readonly Operator[];
  /** Where the agent's own lines lie: it must not read what it writes about reading. */
  readonly own: string;
  /** Memory of the container, as a quantity. */
  readonly memory: string;
  readonly ports: { readonly metrics: number; readonly own: number };
}

/** Letters of the names that Kubernetes makes up: none that make words. */
const MADE_UP = '[bcdfghjklmnpqrstvwxz2456789]';

/**
 * The workload of a pod: its name without what is added per pod (ordinal or five letters) and per revision: a ReplicaSet's
 * hash, a CronJob's minute, a Job's own.
 */
const WORKLOAD = `^(?P<service>.+?)(?:-(?:${MADE_UP}{8,10}|\\d{8}|[0-9a-f]{10}))?-(?:${MADE_UP}{5}|\\d+)$`;

/** What fails where a line is not what was expected: the line is then kept as it is, and said nothing about. */
const MAY_FAIL = /_parser$|^container$|^move$|^remove$|^add$|^unquote$/;

/** Lines are counted as they are read, once, whatever becomes of them on their way. */
const COUNTERS: Readonly<Record<string, LogCounter & { readonly by?: readonly string[] }>> = {
  lighthouse_log_lines: {
    description: 'Lines written by containers.',
    conditions: [],
    by: ['level'],
  },
  lighthouse_log_lines_unparsed: {
    description: 'Lines of containers with a parser that did not match: they are kept whole.',
    conditions: ['attributes["parser"] == "failed"'],
  },
};

/** The configuration of an agent: lines of all containers of a node, made fields of, sent on and counted. */
export function agentConfig(props: AgentConfigProps): object {
  const { gateway, sources, ports, memory } = props;
  return {
    extensions: { file_storage: { directory: '/state' } },
    receivers: { filelog: fileLog(props) },
    processors: {
      memory_limiter: memoryLimiter(memory),
      'transform/level': {
        error_mode: 'ignore',
        log_statements: [
          'set(log.attributes["level"], ConvertCase(log.severity_text, "lower")) where log.severity_number > 0',
          'set(log.attributes["level"], "unknown") where log.severity_number == 0',
        ],
      },
      // Counts are sums since the start at the time of counting; sums over the lines' own times would overlap.
      'transform/count': {
        error_mode: 'ignore',
        log_statements: [
          'set(log.time_unix_nano, 0)',
          'keep_keys(resource.attributes, ["namespace", "service"])',
        ],
      },
      // One after the other: sums that overtake each other are dropped.
      'batch/count': { timeout: '1s', send_batch_size: 500 },
      // A series that is forgotten and comes back begins at its first value, which no rate sees.
      deltatocumulative: { max_stale: '24h', max_streams: 20000 },
    },
    connectors: { count: { logs: Object.fromEntries([...counters(sources)]) } },
    exporters: {
      otlp_grpc: {
        endpoint: gateway.address,
        tls: TRUST,
        // Full, it makes the receiver wait: what is not sent stays in the node's files.
        sending_queue: { queue_size: 50, block_on_overflow: true },
        retry_on_failure: { max_elapsed_time: 0 },
      },
      prometheus: {
        ...server(ports.metrics),
        metric_expiration: '24h',
        without_scope_info: true,
      },
    },
    service: {
      extensions: ['file_storage'],
      telemetry: OWN_TELEMETRY(ports.own),
      pipelines: {
        logs: {
          receivers: ['filelog'],
          processors: ['memory_limiter', 'transform/level'],
          exporters: ['otlp_grpc'],
        },
        'logs/count': {
          receivers: ['filelog'],
          processors: ['memory_limiter', 'transform/level', 'transform/count', 'batch/count'],
          exporters: ['count'],
        },
        metrics: { receivers: ['count'], processors: ['deltatocumulative'], exporters: ['prometheus'] },
      },
    },
  };
}

function fileLog({ sources, others, own }: AgentConfigProps): object {
  const branches = branchesOf(containerParsers(sources));
  return {
    include: ['/var/log/pods/*/*/*.log'],
    exclude: [own],
    // Of files that were there before its first start; what comes later is read from its beginning.
    start_at: 'end',
    include_file_name: false,
    include_file_path: true,
    storage: 'file_storage',
    max_log_size: '256KiB',
    max_concurrent_files: 256,
    poll_interval: '1s',
    retry_on_failure: { enabled: true, max_elapsed_time: 0 },
    operators: [...origin(), router(branches), ...branches.flatMap(branch), ...rest(others), ...end()].map(
      quiet,
    ),
  };
}

/** Where an entry comes from, out of its file's path. */
function origin(): Operator[] {
  const names = {
    'k8s.namespace.name': 'namespace',
    'k8s.pod.name': 'pod',
    'k8s.container.name': 'container',
  };
  return [
    { type: 'container', id: 'container' },
    ...Object.entries(names).map(([from, to]) => ({
      type: 'move',
      from: `resource["${from}"]`,
      to: `resource.${to}`,
    })),
    { type: 'remove', field: 'resource["k8s.pod.uid"]' },
    { type: 'remove', field: 'resource["k8s.container.restart_count"]' },
    // The time that the container runtime wrote is the entry's; `time` is for the program's own.
    { type: 'remove', field: 'attributes.time' },
    { type: 'regex_parser', parse_from: 'resource.pod', parse_to: 'resource', regex: WORKLOAD },
    { type: 'add', if: 'resource.service == nil', field: 'resource.service', value: 'EXPR(resource.pod)' },
  ];
}

/** Operators, and the containers whose lines go through them. */
interface Branch {
  readonly id: string;
  readonly containers: readonly ContainerParser[];
  readonly steps: readonly Operator[];
}

/** Containers that are read alike share their operators: programs are the same in several places. */
function branchesOf(parsers: readonly ContainerParser[]): Branch[] {
  const alike = new Map<string, ContainerParser[]>();
  for (const parser of parsers) {
    const key = JSON.stringify([parser.tenant, parser.operators]);
    alike.set(key, [...(alike.get(key) ?? []), parser]);
  }
  return [...alike.values()].flatMap((containers) => {
    const [first] = containers;
    if (!first) return [];
    const { namespace, container, tenant, operators } = first;
    const owner = tenant === 'platform' ? [] : [{ type: 'add', field: 'resource.tenant', value: tenant }];
    return { id: `${namespace}/${container}`, containers, steps: [...operators, ...owner] };
  });
}

function router(branches: readonly Branch[]): Operator {
  return {
    type: 'router',
    id: 'router',
    default: 'others',
    routes: branches.map(({ id, containers }) => ({
      expr: `(resource.namespace + "/" + resource.container) in ${JSON.stringify(containers.map(pathOf))}`,
      output: id,
    })),
  };
}

const pathOf = ({ namespace, container }: ContainerParser): string => `${namespace}/${container}`;

/** The first operator has the id that the router names, the last leads to the end. */
function branch({ id, steps }: Branch): Operator[] {
  const all: Operator[] = [
    { type: 'noop', id },
    ...steps,
    { type: 'add', if: 'attributes.level == nil', field: 'attributes.parser', value: 'failed' },
    { type: 'noop', output: 'end' },
  ];
  return all.map((step, at) => ({ id: `${id}/${at}`, ...step }));
}

function rest(others: readonly Operator[]): Operator[] {
  return [{ type: 'noop', id: 'others' }, ...others, { type: 'noop', id: 'others/end', output: 'end' }];
}

/** The message becomes the line; what served to read it goes. */
function end(): Operator[] {
  return [
    { type: 'noop', id: 'end' },
    { type: 'move', from: 'attributes.message', to: 'body' },
    ...['log.file.path', 'log.iostream', 'logtag'].map((name) => ({
      type: 'remove',
      field: `attributes["${name}"]`,
    })),
  ];
}

/** Severities get their plain names; what is not there is not moved; what fails is passed on, without a line about every line. */
function quiet(operator: Operator): Operator {
  const { type, field, from = field } = operator;
  return {
    ...(MAY_FAIL.test(type) ? { on_error: 'send_quiet' } : {}),
    ...(type === 'severity_parser' ? { overwrite_text: true } : {}),
    ...(type === 'move' || type === 'remove' ? { if: isThere(String(from)) } : {}),
    ...operator,
  };
}

/** Whether a field is there; a part of nothing is nothing. */
const isThere = (field: string): string =>
  `${field.includes('[') ? field : field.replaceAll('.', '?.')} != nil`;

function* counters(sources: readonly LogSource[]): Generator<readonly [string, object]> {
  for (const [name, { description, conditions, by = [] }] of Object.entries(COUNTERS)) {
    yield [name, { description, ...some(conditions), attributes: attributes(by) }];
  }
  const own = new Map<string, { description: string; conditions: string[] }>();
  for (const { namespace, counters } of sources) {
    for (const [name, { description, conditions }] of Object.entries(counters)) {
      const here = `resource.attributes["namespace"] == "${namespace}"`;
      const all = own.get(name)?.conditions ?? [];
      own.set(name, {
        description,
        conditions: [...all, ...conditions.map((one) => `${here} and (${one})`)],
      });
    }
  }
  for (const [name, { description, conditions }] of [...own].sort(([a], [b]) => (a < b ? -1 : 1))) {
    yield [name, { description, conditions: [...new Set(conditions)], attributes: attributes([]) }];
  }
}

const some = (conditions: readonly string[]) => (conditions.length > 0 ? { conditions } : {});

/** What a count is kept by: an entry without one of them would not be counted. */
function attributes(more: readonly string[]): object[] {
  return ['namespace', 'service', ...more].map((key) => ({ key, default_value: 'unknown' }));
}
