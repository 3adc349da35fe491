import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { Goal, Standing } from '../place';
import { imageWith, type Trial } from '../trial';
import { certificateFor, withCertificate } from './certificate';
import { fromSecret, goalOf, secretFor, visit, type Attempt, type Visit } from './check';

/** One group of Redis members with its proxy, as its clients see it. */
export interface RedisGroup {
  /** Of the members. */
  readonly object: Manifest;
  readonly name: string;
  readonly namespace: string;
  readonly members: number;
  /** Whether it keeps data when all of it stops. */
  readonly isKept: boolean;
  readonly proxy: string;
  readonly sentinel: string;
  /** What Sentinel calls the master. */
  readonly master: string;
  readonly goals: readonly Goal[];
  readonly standing: Standing;
  /** What the client shows; there only while the group is tried. */
  readonly certificate: Manifest;
}

/** Groups among some manifests: the proxies are Services of the same name as the group. */
export function redisGroupsIn(manifests: readonly Manifest[]): RedisGroup[] {
  return manifests
    .filter(
      ({ kind, metadata }) =>
        kind === 'StatefulSet' && metadata.labels?.['app.kubernetes.io/name'] === 'redis',
    )
    .map((object) => {
      const { name: members, namespace = '' } = object.metadata;
      const name = members.replace(/-members$/, '');
      const host = (service: string): string => `${service}.${namespace}.svc.cluster.local`;
      const client = `client-of-${name}`;
      return {
        object,
        name,
        namespace,
        certificate: certificateFor(manifests, client, namespace),
        members: spec<{ replicas: number }>(object).replicas,
        isKept: name !== 'cache',
        proxy: host(name),
        sentinel: host(members),
        master: members,
        goals: [
          goalOf(manifests, namespace, name, 'redis'),
          goalOf(manifests, namespace, members, 'redis'),
          goalOf(manifests, namespace, members, 'sentinel'),
        ],
        standing: {
          name: client,
          namespace,
          image: imageWith('redis-cli', manifests),
          memory: '32Mi',
          trust: true,
          secrets: { '/tls': client },
          env: [
            fromSecret(
              'REDISCLI_AUTH',
              secretFor(manifests, namespace, `${name}-applications-bridge`),
              'password',
            ),
          ],
        },
      };
    });
}

/** Begins every script: `redis HOST [ARGUMENT …]` as an application, with its certificate; `tls` for what has none. */
export const REDIS = `
tls='--tls --cert /tls/tls.crt --key /tls/tls.key --cacert /trust/ca.crt'
redis() { host=$1; shift; redis-cli -e $tls --no-auth-warning --user bridge -h "$host" "$@"; }
says() { # TEXT COMMAND …: what it says is the text, or else the failure
  wanted=$1
  shift
  said=$("$@" 2>&1) || true
  [ "$said" = "$wanted" ] || { echo "said '$said', not '$wanted'" >&2; exit 1; }
}
ask_sentinel() { redis "$1" -p 26379 SENTINEL get-master-addr-by-name "$2" | head -1; }
`;

/** Keys are written and read by way of the proxy, and by way of the master that Sentinel names. */
export async function tryRedis(trial: Trial): Promise<void> {
  for (const group of redisGroupsIn(trial.manifests)) {
    await withCertificate(trial.cluster, group, () => visit(trial, keyClient(group)));
  }
}

/** How applications use a group. */
export function keyClient(group: RedisGroup): Visit {
  return {
    subject: `Redis ${group.name}`,
    standing: group.standing,
    goals: group.goals,
    prelude: REDIS,
    attempts: attemptsAt(group),
  };
}

function attemptsAt({ master, proxy, sentinel }: RedisGroup): Attempt[] {
  const written = (host: string): string => `
says OK redis ${host} SET "acceptance:$ID" "$ID" EX 60
says "$ID" redis ${host} GET "acceptance:$ID"
redis ${host} DEL "acceptance:$ID" > /dev/null`;
  return [
    { name: 'by way of the proxy', script: `${written(proxy)}\necho "wrote a key, read it back"` },
    {
      name: 'by way of Sentinel',
      script: `master=$(ask_sentinel ${sentinel} ${master})\n${written('"$master"')}\necho "\${master%%.*} is master: wrote a key, read it back"`,
    },
    {
      name: 'a wrong password',
      script: `export REDISCLI_AUTH=wrong; redis ${proxy} PING`,
      refusal: /WRONGPASS|invalid username-password/,
    },
    {
      name: 'no client certificate',
      script: `tls='--tls --cacert /trust/ca.crt'; redis ${proxy} PING`,
      refusal: /certificate required|I\/O error|closed the connection|reset by peer|alert/i,
    },
    {
      name: 'without TLS',
      script: `tls=; redis ${proxy} PING`,
      refusal: /closed the connection|reset by peer|I\/O error|Protocol error/i,
    },
    {
      name: 'a command of administrators',
      script: `redis ${proxy} CONFIG GET dir`,
      refusal: /NOPERM/,
    },
  ];
}
