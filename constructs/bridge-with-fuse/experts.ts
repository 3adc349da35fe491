import { Construct } from 'constructs';
import { Deployment } from '../../imports/k8s';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { resources, RESTRICTED, restrictedPod, withoutToken } from '../platform/pod';
import { BRIDGE, UID } from './settings';

/** Somebody whom work can be delegated to, as the bridge is told of it. */
export interface Agent {
  /** Name, which others delegate to: lowercase letters, digits, `-` and `_`, at most 63. A colon would break its tokens. */
  readonly id: string;
  /** What it is, in the words of your agents, such as `security`: in the form of a name. The bridge takes any. */
  readonly type: string;
  /** What it can do, each in the form of a name; a delegation finds it by these. */
  readonly capabilities: readonly string[];
}

/** An expert that speaks for itself, and where it has agents, for them: their coordinator. */
export interface Expert extends Agent {
  /**
   * Those it registers, with its own session.
   * @default []
   */
  readonly agents?: readonly Agent[];
}

export interface ExpertsProps {
  /** The bridge's image, for its Python. */
  readonly image: string;
  /** The bridge, which forgets them at every start. */
  readonly bridge: Endpoint;
  /** Who is registered; at least one. */
  readonly experts: readonly Expert[];
}

/**
 * The bridge offers nobody whom it did not hear of for 300 s, and forgets them after 600; HTTP has no sign of life but another
 * registration. With 240 s a look may fail six times before anybody is missed. (Release 1.0.0, expert_coordination/coordinator.py.)
 */
const AGAIN_SECONDS = 240;

/** How often it asks whether its sessions still are: so long nobody knows the experts after a start of the bridge. */
const LOOK_SECONDS = 10;

/**
 * Experts that a coordinator may register. Each registration counts as two calls of its session, and one of more than 100 in its
 * first whole minute is taken for stolen.
 */
const MOST_AGENTS = 30;

const NAME = /^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/;

/**
 * Experts and their coordinators as a list: one process registers them with a bridge that keeps them in its memory, again
 * after each of its starts, and often enough for none to be taken for gone. It speaks for them and does not do their work: an
 * agent of the same name comes and answers.
 *
 * @example
 * const experts = [{ id: 'reviews', type: 'coordinator', capabilities: ['review'], agents: [{ id: 'audit', … }] }];
 * new Experts(namespace, 'experts', { image, bridge: bridge.api, experts });
 */
export class Experts extends Construct {
  readonly connections = new Connections(this, { name: 'lighthouse', component: 'experts' });

  constructor(scope: Construct, id: string, props: ExpertsProps) {
    super(scope, id);
    const { image, bridge, experts } = props;
    for (const objection of objectionsTo(experts)) throw new Error(`${this.node.path}: ${objection}`);
    this.connections.allowTo(bridge);
    const config = new ConfigFiles(
      this,
      'Config',
      __dirname,
      { 'register-experts.py': {} },
      { 'experts.json': `${JSON.stringify(experts, undefined, 2)}\n` },
    );
    new Deployment(this, 'Resource', {
      spec: {
        // A second one would end what was delegated to an expert by registering it anew, and be no quicker.
        replicas: 1,
        strategy: { type: 'Recreate' },
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...withoutToken(this),
            securityContext: restrictedPod(UID),
            // It holds nothing: a request that is cut off is made again.
            terminationGracePeriodSeconds: 10,
            containers: [
              {
                name: BRIDGE.experts,
                image,
                command: ['python', '/config/register-experts.py'],
                env: [
                  { name: 'BRIDGE', value: bridge.url('http') },
                  { name: 'EXPERTS', value: '/config/experts.json' },
                  { name: 'LOOK_SECONDS', value: String(LOOK_SECONDS) },
                  { name: 'AGAIN_SECONDS', value: String(AGAIN_SECONDS) },
                  { name: 'PYTHONDONTWRITEBYTECODE', value: '1' },
                ],
                // Ready: all are registered. Alive: it looks; a bridge that hangs holds it up for 5 s with each.
                readinessProbe: {
                  exec: { command: ['test', '-e', '/tmp/ready'] },
                  timeoutSeconds: 5,
                  periodSeconds: 10,
                },
                livenessProbe: {
                  exec: { command: ['/bin/sh', '-c', 'test -n "$(find /tmp/alive -mmin -5)"'] },
                  initialDelaySeconds: 60,
                  timeoutSeconds: 5,
                  periodSeconds: 60,
                },
                securityContext: RESTRICTED,
                resources: resources({ cpu: '5m', memory: '48Mi' }),
                volumeMounts: [
                  { name: 'config', mountPath: '/config', readOnly: true },
                  { name: 'tmp', mountPath: '/tmp' },
                ],
              },
            ],
            volumes: [config.volume('config'), { name: 'tmp', emptyDir: { sizeLimit: '1Mi' } }],
          },
        },
      },
    });
  }
}

/** What is wrong with a list of experts, each with its place in it. */
function objectionsTo(experts: readonly Expert[]): string[] {
  if (experts.length === 0) return ['experts must name at least one'];
  const all = experts.flatMap((expert, i): [string, Agent][] => [
    [`experts[${i}]`, expert],
    ...(expert.agents ?? []).map((agent, k): [string, Agent] => [`experts[${i}].agents[${k}]`, agent]),
  ]);
  const first = new Map<string, string>();
  return [
    ...experts.flatMap(({ agents = [] }, i) =>
      agents.length > MOST_AGENTS
        ? [
            `experts[${i}].agents must be at most ${MOST_AGENTS}, got ${agents.length}: the bridge takes a session with more calls for stolen`,
          ]
        : [],
    ),
    ...all.flatMap(([place, { id, type, capabilities }]) => {
      const twin = first.get(id);
      if (twin === undefined) first.set(id, place);
      return [
        ...(twin === undefined ? [] : [`${place}.id: ${twin} is called "${id}" already`]),
        ...([['id', id], ['type', type], ...capabilities.map((name) => ['capabilities', name])] as const)
          .filter(([, name = '']) => !NAME.test(name))
          .map(([key, name]) => `${place}.${key} must be lowercase letters, digits, - and _, got "${name}"`),
        ...(capabilities.length > 0 ? [] : [`${place}.capabilities must name at least one`]),
      ];
    }),
  ];
}
