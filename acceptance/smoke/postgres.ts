import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { Goal, Standing } from '../place';
import { imageWith, type Trial } from '../trial';
import { certificateFor, withCertificate } from './certificate';
import { fromSecret, secretFor, visit, type Attempt, type Visit } from './check';

/** PostgreSQL's own user id in its image: psql asks who runs it. */
export const POSTGRES_UID = 26;

/** One event store, as its clients see it. */
export interface EventStore {
  readonly object: Manifest;
  readonly name: string;
  readonly namespace: string;
  readonly instances: number;
  readonly database: Goal;
  /** Host names by endpoint; the pooled one where there is a pooler. */
  readonly hosts: { readonly readWrite: string; readonly readOnly: string; readonly pooled?: string };
  /** Where its clients go: the instances, and the pooler where there is one. */
  readonly goals: readonly Goal[];
  readonly pooler?: Goal;
  readonly standing: Standing;
  /** What the client shows the pooler; there only while the store is tried. */
  readonly certificate: Manifest;
}

/** Event stores among some manifests; standby clusters in other regions take no writes and are not looked at. */
export function eventStoresIn(manifests: readonly Manifest[]): EventStore[] {
  return manifests
    .filter((manifest) => manifest.kind === 'Cluster' && !spec<{ replica?: unknown }>(manifest).replica)
    .map((object) => {
      const { name, namespace = '' } = object.metadata;
      const { instances } = spec<{ instances: number }>(object);
      const pooler = manifests.find(
        (each) => each.kind === 'Pooler' && spec<{ cluster: { name: string } }>(each).cluster.name === name,
      );
      const host = (service: string): string => `${service}.${namespace}.svc.cluster.local`;
      const pooled = pooler ? host(pooler.metadata.name) : undefined;
      const client = `client-of-${name}`;
      const goal = (labels: Goal['labels']): Goal => ({ namespace, labels, port: 5432 });
      const database = goal({ 'cnpg.io/cluster': name, 'app.kubernetes.io/component': 'database' });
      const atPooler = pooler && goal({ 'cnpg.io/poolerName': pooler.metadata.name });
      return {
        object,
        name,
        namespace,
        instances,
        database,
        hosts: {
          readWrite: host(`${name}-rw`),
          readOnly: host(`${name}-${instances > 1 ? 'ro' : 'r'}`),
          ...(pooled === undefined ? {} : { pooled }),
        },
        goals: [database, ...(atPooler ? [atPooler] : [])],
        ...(atPooler ? { pooler: atPooler } : {}),
        certificate: certificateFor(manifests, client, namespace),
        standing: {
          name: client,
          namespace,
          image: imageWith('psql', manifests),
          uid: POSTGRES_UID,
          memory: '64Mi',
          trust: true,
          // The pooler knows the platform's certificates, the instances those that the operator signs.
          secrets: { '/tls': client, '/own': `${roleOf(name, manifests)}-client-cert` },
          env: [
            { name: 'POOL', value: pooled ?? '' },
            fromSecret('WRITER', secretFor(manifests, namespace, '-writer'), 'password'),
            fromSecret('READER', secretFor(manifests, namespace, '-reader'), 'password'),
          ],
        },
      };
    });
}

/** The role that the operator signs a certificate for. */
function roleOf(cluster: string, manifests: readonly Manifest[]): string {
  const role = manifests.find(
    (each) =>
      each.kind === 'DatabaseRole' && spec<{ cluster: { name: string } }>(each).cluster.name === cluster,
  );
  if (!role) throw new Error(`no DatabaseRole of ${cluster} has a certificate to show`);
  return role.metadata.name;
}

/**
 * Begins every script: `sql ROLE HOST [ARGUMENT …]`, with the role's password and a certificate that the host lets in, or what
 * lies in `SHOWN`.
 */
export const SQL = `
export PGDATABASE=lighthouse PGSSLMODE=verify-full PGSSLROOTCERT=/trust/ca.crt PGCONNECT_TIMEOUT=10 PGAPPNAME=acceptance
sql() {
  role=$1 host=$2
  shift 2
  case $role in writer) PGPASSWORD=$WRITER ;; reader) PGPASSWORD=$READER ;; *) PGPASSWORD=wrong role=writer ;; esac
  case $host in "$POOL") folder=/tls ;; *) folder=/own ;; esac
  folder=\${SHOWN:-$folder}
  PGPASSWORD=$PGPASSWORD PGSSLCERT=$folder/tls.crt PGSSLKEY=$folder/tls.key psql -XqAt -v ON_ERROR_STOP=1 -h "$host" -U "lighthouse_$role" "$@"
}
append() { # HOST ID
  sql writer "$1" -c "INSERT INTO events (event_id, event_type, \\"timestamp\\", event_data) VALUES ('$2', 'acceptance', now(), '{}')"
}
count() { # HOST ID: how often an event is there
  sql reader "$1" -c "SELECT count(*) FROM events WHERE event_id = '$2' AND \\"timestamp\\" > now() - interval '1 day'"
}
`;

/**
 * Events are appended and read back by way of every endpoint. They stay: the event store lets nobody delete an event. Their
 * type is `acceptance`.
 */
export async function tryPostgres(trial: Trial): Promise<void> {
  for (const store of eventStoresIn(trial.manifests)) {
    await withCertificate(trial.cluster, store, () => visit(trial, eventClient(store)));
  }
}

/** How applications use an event store. */
export function eventClient(store: EventStore): Visit {
  return {
    subject: `PostgreSQL ${store.name}`,
    standing: store.standing,
    goals: store.goals,
    prelude: SQL,
    attempts: attemptsAt(store),
  };
}

function attemptsAt({ hosts: { readWrite, readOnly, pooled } }: EventStore): Attempt[] {
  return [
    ...(pooled === undefined
      ? []
      : [
          written('pooled, in transactions', pooled, pooled),
          {
            name: 'pooled, a prepared statement',
            script: `printf '%s\\n' 'SELECT $1::int + 1 \\parse sum' '\\bind_named sum 41 \\g' | sql writer ${pooled} | grep -x 42`,
          },
        ]),
    {
      name: 'direct, in a session',
      script: `sql writer ${readWrite} -c 'LISTEN acceptance' -c "SELECT pg_try_advisory_lock(hashtext('acceptance'))" -c "NOTIFY acceptance" | grep -qx t
append ${readWrite} "$ID"
echo "listened, locked, appended"`,
    },
    written('written to the primary, read where reads go', readWrite, readOnly),
    {
      name: 'TLS',
      script: `sql reader ${readWrite} -c "SELECT version || ', ' || cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()" | grep TLSv1.3`,
    },
    ...[readWrite, ...(pooled === undefined ? [] : [pooled])].flatMap((host) => {
      const which = host === pooled ? 'the pooler' : 'the primary';
      return [
        {
          name: `${which}, a wrong password`,
          script: `sql nobody ${host} -c 'SELECT 1'`,
          refusal: /authentication failed|SASL/i,
        },
        {
          name: `${which}, no client certificate`,
          script: `SHOWN=/nothing; sql reader ${host} -c 'SELECT 1'`,
          refusal: /valid client certificate|certificate required/i,
        },
        {
          name: `${which}, a certificate that the other takes`,
          script: `SHOWN=${host === pooled ? '/own' : '/tls'}; sql reader ${host} -c 'SELECT 1'`,
          refusal: /unknown ca|SSL error|closed the connection|reset by peer/i,
        },
        {
          name: `${which}, without TLS`,
          script: `export PGSSLMODE=disable; sql reader ${host} -c 'SELECT 1'`,
          refusal: /SSL required|no encryption|pg_hba.conf rejects/i,
        },
      ];
    }),
    {
      name: 'an append by the reader',
      script: `sql reader ${readWrite} -c "INSERT INTO events (event_id, event_type, \\"timestamp\\", event_data) VALUES ('$ID', 'acceptance', now(), '{}')"`,
      refusal: /permission denied/,
    },
    {
      name: 'a change of events by the writer',
      script: `sql writer ${readWrite} -c "DELETE FROM events WHERE event_id = '$ID'"`,
      refusal: /permission denied/,
    },
  ];
}

/** Standbys have an event a moment after the primary acknowledged it. */
function written(name: string, to: string, from: string): Attempt {
  return {
    name,
    script: `append ${to} "$ID"
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  [ "$(count ${from} "$ID")" != 1 ] || { echo "appended one event, read it back"; exit; }
  sleep 1
done
echo "the event is not there after ten seconds" >&2
exit 1`,
  };
}
