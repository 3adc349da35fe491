import type { FromSchema } from 'json-schema-to-ts';
import { OPERATOR_NAMES } from '../constructs/platform-operators/operators';
import { DURATION_PATTERN } from '../constructs/platform/duration';
import { IMAGE_NAMES } from './images';

// One fact in one place: the types of the program, the checks of ajv and the completion of editors
// (environment.schema.json, written by `npm run schema`) all come from this object. What one value says about another
// is in rules.ts. `message` is what a person is told where a pattern does not match.

const name = {
  type: 'string',
  pattern: '^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$',
  message:
    'must be 1 to 32 lowercase letters, digits and dashes, beginning and ending with a letter or digit',
} as const;

// Kubernetes takes any quantity anywhere, so that `memory: 400m` asks for less than one byte, and `cpu: 8Gi` for a
// billion cores. Here each has the units that make sense, and none is nothing.
const cores = {
  type: 'string',
  pattern: '^(?=.*[1-9])([0-9]{1,6}m|[0-9]{1,5}(\\.[0-9]{1,3})?)$',
  message: 'must be a Kubernetes quantity of CPU such as 250m, 1.5 or 4',
} as const;

const bytes = {
  type: 'string',
  pattern: '^(?=.*[1-9])[0-9]{1,6}(\\.[0-9]{1,3})?(M|G|T|Mi|Gi|Ti)$',
  message: 'must be a Kubernetes quantity of bytes such as 512Mi or 8Gi',
} as const;

const duration = {
  type: 'string',
  pattern: DURATION_PATTERN,
  message: 'must be a duration in whole minutes, hours or days such as 15m, 6h or 30d',
} as const;

const days = {
  type: 'string',
  pattern: '^[1-9][0-9]{0,4}d$',
  message: 'must be a duration in whole days such as 30d',
} as const;

const group = {
  type: 'string',
  pattern: '^(?!system:)[A-Za-z0-9][-A-Za-z0-9:._/@]{0,99}$',
  message:
    'must be the name of a group such as lighthouse-platform or oidc:lighthouse-platform; those of system: are Kubernetes’ own',
} as const;

const LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';

const host = {
  type: 'string',
  maxLength: 253,
  pattern: `^(${LABEL}\\.)+${LABEL}$`,
  message: 'must be a DNS name such as lighthouse.example.com',
} as const;

const labelValue = {
  type: 'string',
  pattern: '^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$',
  message: 'must be the value of a label: letters, digits, -, _ and ., at most 63',
} as const;

const cidr = {
  type: 'string',
  pattern: '^([0-9]{1,3}\\.){3}[0-9]{1,3}/[0-9]{1,2}$',
  message: 'must be an IPv4 CIDR block such as 10.0.0.0/16 or 10.1.2.3/32',
} as const;

const members = {
  type: 'integer',
  minimum: 1,
  maximum: 9,
} as const;

const spreading = { enum: ['required', 'preferred'] } as const;

// What a state of Lighthouse has no use for, and why.
const ofManyPods = {
  not: {},
  message:
    'must not be given with state local: sessions and the numbers of events are known to one process alone, and a second one would refuse what the first has handed out',
} as const;

const ofOneVolume = {
  not: {},
  message: 'must not be given with state external: events are in PostgreSQL',
} as const;

// What Vault itself stands on does not come from it, and why.
const fromVault = {
  opening: {
    not: {},
    message: 'must not be given: what opens Vault cannot be locked up in it; name a secretStore',
  },
  backups: {
    not: {},
    message:
      'must not be given: a lost Vault comes back from a bucket, and cannot hold the keys to it; name a secretStore',
  },
  people: {
    not: {},
    message:
      'must not be given: Vault signs people in by this secret, and could be read by nobody before it has it; name a secretStore',
  },
} as const;

const port = { type: 'integer', minimum: 1, maximum: 65535 } as const;

const path = {
  type: 'string',
  pattern: '^/[-\\w./]*$',
  message: 'must be a path such as /api/v1/push',
} as const;

const timeZone = {
  type: 'string',
  pattern: '^(UTC|[A-Z][A-Za-z_]+(/[A-Z][-+A-Za-z0-9_]+)+)$',
  message: 'must be the name of a time zone such as Europe/Berlin or UTC',
} as const;

const timeOfDay = {
  type: 'string',
  pattern: '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$',
  message: 'must be a time of day such as 02:00 or 24:00',
} as const;

/** A service outside that opens Vault, and where the credentials for it lie. */
const unsealing = {
  host,
  port,
  cidr,
  identity: {
    type: 'object',
    description: 'Who gives out the tokens that the service wants, where that is somebody else.',
    additionalProperties: false,
    required: ['host', 'port', 'cidr'],
    properties: { host, port, cidr },
  },
  from: fromVault.opening,
  secretStore: { ...name, description: 'ClusterSecretStore that holds the credentials.' },
  secretPath: {
    type: 'string',
    pattern: '^[-\\w.]+(/[-\\w.]+)*$',
    message: 'must be a path such as lighthouse/production/vault-seal',
    description: 'Their entry in the store.',
  },
} as const;

const keyName = {
  type: 'string',
  pattern: '^[-\\w.:/]{1,256}$',
  message: 'must be the name of a key, such as lighthouse-vault or alias/lighthouse-vault',
} as const;

/** Where something outside is reached. */
const address = {
  type: 'object',
  additionalProperties: false,
  required: ['port', 'cidr'],
  properties: { port, cidr },
} as const;

/** A service outside that takes messages. */
const messageService = {
  type: 'object',
  additionalProperties: false,
  required: ['kind', 'host'],
  properties: {
    kind: {
      enum: ['slack', 'pagerduty', 'webhook'],
      description:
        "Its protocol: Slack's incoming webhooks (Mattermost has them too), PagerDuty's events of version 2, or Alertmanager's own JSON.",
    },
    host,
    address: { ...address, description: 'Where it is reached; not needed behind a proxy.' },
  },
} as const;

/** Where a value lies that never enters a file of this platform. */
const secretReference = {
  secretStore: { ...name, description: 'ClusterSecretStore that holds it.' },
  secretPath: {
    type: 'string',
    pattern: '^[-\\w.]+(/[-\\w.]+)*$',
    message: 'must be a path such as lighthouse/production/object-storage',
    description: 'Path in the store.',
  },
} as const;

/** Sizing that every service shares: what one of its pods is given. */
const size = { cpu: cores, memory: bytes } as const;

const fuse = {
  type: 'object',
  description:
    'The file system at /mnt/lighthouse/project, served by a program of yours: release 1.0.0 has none that mounts. Without it: an empty folder.',
  additionalProperties: false,
  required: ['mode', 'command', 'cpu', 'memory'],
  properties: {
    mode: {
      enum: ['device-plugin', 'sidecar', 'fd-passing'],
      description:
        'Who mounts: root of a user namespace, for its own container alone; a privileged sidecar; or an agent of the node, which passes the file descriptor.',
    },
    command: {
      type: 'array',
      description: 'Starts the file system of the image fuse in the foreground, with allow_other.',
      minItems: 1,
      items: { type: 'string' },
    },
    ...size,
  },
} as const;

const migration = {
  type: 'object',
  description:
    'Moves the events of an older store on that volume to PostgreSQL: templates of Jobs that a person starts. Take it away when nobody wants to go back.',
  additionalProperties: false,
  required: ['from'],
  properties: {
    from: {
      enum: ['sqlite', 'logs'],
      description: 'What holds them: events.db, or the log files in events/.',
    },
  },
} as const;

const capability = {
  type: 'string',
  pattern: '^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$',
  message: 'must be 1 to 63 lowercase letters, digits, - and _, beginning and ending with a letter or digit',
} as const;

const agent = {
  id: { ...capability, description: 'Name that others delegate to; no two have the same.' },
  type: { ...capability, description: 'What it is, in the words of your agents, such as security.' },
  capabilities: {
    type: 'array',
    description: 'What it can do; a delegation finds it by these.',
    minItems: 1,
    uniqueItems: true,
    items: capability,
  },
} as const;

const experts = {
  type: 'array',
  description:
    'Who is registered with Lighthouse, again after each of its starts: experts, and those whom a coordinator among them registers. Without it: whoever registers itself.',
  minItems: 1,
  maxItems: 20,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['id', 'type', 'capabilities'],
    properties: {
      ...agent,
      agents: {
        type: 'array',
        description: 'Those it registers.',
        minItems: 1,
        maxItems: 30,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['id', 'type', 'capabilities'],
          properties: agent,
        },
      },
    },
  },
} as const;

const price = { type: 'number', minimum: 0 } as const;

const redis = {
  type: 'object',
  additionalProperties: false,
  required: ['members', 'cpu', 'memory', 'storage'],
  properties: { members, ...size, storage: bytes },
} as const;

export const environmentSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'An environment of the Lighthouse platform',
  type: 'object',
  additionalProperties: false,
  required: [
    'environment',
    'domain',
    'delivery',
    'spreading',
    'budgets',
    'targets',
    'clusters',
    'certificateAuthority',
    'postgres',
    'redis',
    'objectStorage',
    'vectorDatabase',
    'vault',
    'bridge',
    'edge',
    'observability',
  ],
  properties: {
    environment: { enum: ['development', 'staging', 'production'] },
    domain: host,
    delivery: {
      type: 'object',
      description: 'Where Argo CD reads the synthesized manifests.',
      additionalProperties: false,
      required: ['repository', 'branch'],
      properties: {
        repository: {
          type: 'string',
          pattern: '^(https://|file:///|ssh://([^\\s:/@]+@)?)[^\\s@]+$',
          message: 'must be a https, ssh or file URL without a password or token in it',
        },
        branch: {
          type: 'string',
          pattern: '^[A-Za-z0-9][-A-Za-z0-9._/]{0,199}$',
          message: 'must be the name of a Git branch',
        },
        syncWindows: {
          type: 'array',
          description:
            'When Argo CD may (allow) or may not (deny) sync by itself; self-healing is syncing too. Without any: always.',
          minItems: 1,
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['kind', 'schedule', 'duration', 'timeZone', 'manualSync'],
            properties: {
              kind: { enum: ['allow', 'deny'] },
              schedule: {
                type: 'string',
                pattern: '^([0-9*/,-]+ ){4}[0-9*/,-]+$',
                message: 'must have five fields, minutes first, as in "0 18 * * 5"',
                description: 'When the window begins.',
              },
              duration: {
                type: 'string',
                pattern: '^[1-9][0-9]{0,3}(m|h)$',
                message: 'must be whole minutes or hours such as 90m or 62h',
              },
              timeZone,
              manualSync: {
                type: 'boolean',
                description: 'Whether a person may sync while it is closed.',
              },
            },
          },
        },
      },
    },
    spreading: {
      ...spreading,
      description: 'Whether members of a service must lie in different zones and nodes.',
    },
    budgets: {
      type: 'object',
      description: 'What one cluster may reserve in all, updates included.',
      additionalProperties: false,
      required: ['cpu', 'memory'],
      properties: {
        ...size,
        prices: {
          type: 'object',
          description:
            'What the capacity plan reckons with, each for a month; there is no default: without them, no cost is told.',
          additionalProperties: false,
          required: ['currency', 'core', 'memoryGiB', 'storageGiB'],
          properties: {
            currency: {
              type: 'string',
              pattern: '^[A-Z]{3}$',
              message: 'must be a currency by its three letters such as EUR',
              description: 'By its ISO 4217 code.',
            },
            core: price,
            memoryGiB: price,
            storageGiB: price,
          },
        },
      },
    },
    targets: {
      type: 'object',
      description: 'Longest loss of data and longest way back that are accepted after a disaster.',
      additionalProperties: false,
      required: ['recoveryPoint', 'recoveryTime'],
      properties: { recoveryPoint: duration, recoveryTime: duration },
    },
    clusters: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'region', 'role', 'zones', 'nodes', 'apiServer', 'kubelets', 'storageClass'],
        properties: {
          name,
          region: name,
          role: { enum: ['primary', 'standby'] },
          zones: { type: 'array', minItems: 1, items: name },
          nodes: {
            type: 'object',
            description: 'Worker nodes over all zones, and what one of them can give to pods.',
            additionalProperties: false,
            required: ['count', 'cpu', 'memory'],
            properties: { count: { type: 'integer', minimum: 1, maximum: 5000 }, ...size },
          },
          apiServer: {
            type: 'object',
            description:
              'Where pods reach the Kubernetes API: the addresses behind the Service "kubernetes".',
            additionalProperties: false,
            required: ['cidr', 'port'],
            properties: { cidr, port },
          },
          kubelets: {
            type: 'object',
            description: 'Where pods reach the kubelets of the nodes, for their metrics.',
            additionalProperties: false,
            required: ['cidr', 'port'],
            properties: { cidr, port },
          },
          storageClass: {
            ...name,
            description: 'Class of all volumes; must bind late where there are zones.',
          },
          verticalPodAutoscaler: {
            type: 'boolean',
            description:
              'Whether this cluster has the VerticalPodAutoscaler: then it is asked for recommendations, and never to act on them. Without it: false.',
          },
          installed: {
            type: 'array',
            description: 'Operators that this cluster already has and that Argo CD must not install.',
            uniqueItems: true,
            items: { enum: OPERATOR_NAMES },
          },
        },
      },
    },
    certificateAuthority: {
      type: 'object',
      additionalProperties: false,
      required: ['generations', 'issuing'],
      properties: {
        generations: {
          type: 'array',
          description: 'Root certificates that are trusted. A new one is trusted before it issues.',
          minItems: 1,
          maxItems: 3,
          uniqueItems: true,
          items: { type: 'integer', minimum: 1 },
        },
        issuing: {
          type: 'integer',
          description: 'The generation by which certificates are issued; one of those that are trusted.',
          minimum: 1,
        },
      },
    },
    mesh: {
      type: 'object',
      description:
        'The service mesh: every connection between pods is then encrypted and known by service account, and only declared ones are let through. Without it: none. Turn it on and off in a maintenance window: while pods are taken in one after another, new connections between those that are and those that are not yet are refused.',
      additionalProperties: false,
      required: ['mode'],
      properties: {
        mode: {
          enum: ['ambient'],
          description: "Istio's mode with an agent on each node and none in the pods.",
        },
      },
    },
    signatures: {
      type: 'object',
      description:
        'Images that run only where they are signed: Kyverno asks their registry before a pod is made. Without it: whatever is called so runs.',
      additionalProperties: false,
      required: ['images', 'publicKeys'],
      properties: {
        images: {
          type: 'array',
          description: 'Which of images.yaml; Lighthouse’s own are bridge, fuse and eventStoreMigration.',
          minItems: 1,
          uniqueItems: true,
          items: { enum: IMAGE_NAMES },
        },
        publicKeys: {
          type: 'array',
          description:
            'Public keys of whoever signs them, as cosign writes them to cosign.pub. One of them suffices: a new one is listed before it signs.',
          minItems: 1,
          maxItems: 3,
          uniqueItems: true,
          items: {
            type: 'string',
            pattern: '^-----BEGIN PUBLIC KEY-----\\n([A-Za-z0-9+/=]+\\n)+-----END PUBLIC KEY-----\\n?$',
            message: 'must be a public key as PEM, from -----BEGIN PUBLIC KEY----- to its end',
          },
        },
        login: {
          type: 'object',
          description:
            'How Kyverno logs in to the registry: an entry with dockerconfigjson. Without it: the registry lets anybody read.',
          additionalProperties: false,
          required: ['secretStore', 'secretPath'],
          properties: secretReference,
        },
      },
    },
    access: {
      type: 'object',
      description:
        'What people may do with the Kubernetes API. Without it: whatever the cluster’s owner lets them.',
      additionalProperties: false,
      required: ['groups'],
      properties: {
        groups: {
          type: 'object',
          description: 'Groups as the API server is told them by whoever signs people in, prefix included.',
          additionalProperties: false,
          required: ['platform', 'onCall', 'auditor', 'developer'],
          properties: {
            platform: {
              ...group,
              description: 'Who owns the platform: repairs, runs by hand, breaks the glass.',
            },
            onCall: { ...group, description: 'Who is woken: restarts, scales, holds, breaks the glass.' },
            auditor: { ...group, description: 'Who reads everything but Secrets.' },
            developer: { ...group, description: 'Who reads Lighthouse’s namespace and its logs.' },
          },
        },
        identityProvider: {
          type: 'object',
          description:
            'Who signs these people in to Argo CD, Grafana, Vault and Weaviate, by OpenID Connect. Without it: whatever Argo CD’s installation has, Grafana’s administrator alone, in Vault nobody, and Weaviate’s keys.',
          additionalProperties: false,
          required: ['host', 'port', 'cidr', 'paths', 'clients', 'secretStore', 'secretPath'],
          properties: {
            host,
            port,
            cidr,
            issuer: {
              ...path,
              description:
                'What follows the host in the name that the provider gives itself in tokens; nothing where not given.',
            },
            paths: {
              type: 'object',
              description:
                'Where the provider signs on, gives tokens, says who somebody is, and has the keys that it signs tokens with (its jwks_uri).',
              additionalProperties: false,
              required: ['authorize', 'token', 'userinfo', 'keys'],
              properties: { authorize: path, token: path, userinfo: path, keys: path },
            },
            groupsClaim: {
              type: 'string',
              pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$',
              message: 'must be a claim such as groups: letters, digits and underscores',
              description: 'Claim that has somebody’s groups; groups, where not given.',
            },
            groupsPrefix: {
              type: 'string',
              pattern: '^[-A-Za-z0-9:._/@]{1,40}$',
              message: 'must be what the API server puts before a group, such as oidc:',
              description:
                'What the API server puts before the provider’s groups (--oidc-groups-prefix): the groups above begin with it, the provider’s own do not.',
            },
            clients: {
              type: 'object',
              description:
                'What they are called at the provider. Argo CD, Grafana and Vault are clients with a secret each, below secretPath by the names here, led back to argocd.<cluster>.<domain>, grafana.<domain> and vault.<cluster>.<domain>, from Vault to http://localhost:8250 as well; Weaviate believes tokens that are for its client, which needs no secret.',
              additionalProperties: false,
              required: ['argocd', 'grafana', 'vault', 'weaviate'],
              properties: { argocd: name, grafana: name, vault: name, weaviate: name },
            },
            from: fromVault.people,
            ...secretReference,
          },
        },
      },
    },
    postgres: {
      type: 'object',
      additionalProperties: false,
      required: [
        'instances',
        'cpu',
        'memory',
        'storage',
        'walStorage',
        'poolers',
        'clientConnections',
        'eventRetention',
        'backup',
      ],
      properties: {
        instances: members,
        ...size,
        storage: bytes,
        walStorage: bytes,
        storageKind: {
          enum: ['ssd', 'hdd'],
          description: 'What the storage class is made of; costs in the planner follow.',
        },
        poolers: { type: 'integer', minimum: 1, maximum: 10, description: 'PgBouncer pods.' },
        clientConnections: {
          type: 'integer',
          minimum: 10,
          maximum: 10000,
          description: 'Connections that clients may hold open at the poolers, all together.',
        },
        eventRetention: { ...days, description: 'How long events are kept in the event store.' },
        lentLogins: {
          type: 'integer',
          minimum: 1,
          maximum: 50,
          description:
            'Logins that read events, lent by Vault to people for an hour at the most: how many at once. None where it is not there.',
        },
        backup: {
          type: 'object',
          additionalProperties: false,
          required: ['schedule', 'retention'],
          properties: {
            schedule: {
              type: 'string',
              pattern: '^([0-9*/,-]+ ){5}[0-9*/,-]+$',
              message: 'must have six fields, seconds first, as in "0 0 */6 * * *"',
            },
            retention: days,
          },
        },
        recoverFrom: {
          type: 'object',
          description:
            'Start the cluster from the backups of another, as it was at a time, instead of empty.',
          additionalProperties: false,
          required: ['serverName', 'targetTime'],
          properties: {
            serverName: {
              type: 'string',
              description: 'Whose backups: the folder in the backup bucket.',
              pattern: `^${LABEL}$`,
              message: 'must be <environment>-<cluster> of another cluster, such as production-frankfurt',
            },
            targetTime: {
              type: 'string',
              pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$',
              message: 'must be a UTC time such as 2026-01-31T12:00:00Z',
            },
          },
        },
      },
    },
    redis: {
      type: 'object',
      additionalProperties: false,
      required: ['cache', 'sessions', 'proxies'],
      properties: {
        cache: redis,
        sessions: redis,
        proxies: {
          type: 'integer',
          minimum: 1,
          maximum: 9,
          description: 'HAProxy pods in front of each group.',
        },
      },
    },
    objectStorage: {
      type: 'object',
      additionalProperties: false,
      required: ['engine'],
      properties: {
        engine: { enum: ['minio', 'seaweedfs', 'external'] },
        ...size,
        storage: bytes,
        external: {
          type: 'object',
          description: 'The S3 service of a provider; keys come from the secret store.',
          additionalProperties: false,
          required: ['host', 'port', 'cidr', 'region', 'bucketPrefix', 'secretStore', 'secretPath'],
          properties: {
            host,
            port,
            cidr,
            region: { ...name, description: 'Region that requests are signed for.' },
            bucketPrefix: {
              type: 'string',
              pattern: '^[a-z0-9][-a-z0-9]{0,29}-$',
              message:
                'must be lowercase letters, digits and dashes, ending with a dash, such as acme-lighthouse-',
              description: "What the buckets' names begin with: a provider's names are taken by everybody.",
            },
            from: fromVault.backups,
            secretStore: { ...name, description: 'ClusterSecretStore that holds the keys.' },
            secretPath: {
              type: 'string',
              pattern: '^[-\\w.]+(/[-\\w.]+)*$',
              message: 'must be a path such as lighthouse/production/object-storage',
              description: 'Path in the store; one entry per bucket below it, with accessKey and secretKey.',
            },
            administrator: {
              ...name,
              description:
                'Entry below secretPath whose keys may make buckets and set their rules; without it, somebody else does.',
            },
          },
        },
      },
    },
    vectorDatabase: {
      type: 'object',
      additionalProperties: false,
      required: ['members', 'cpu', 'memory', 'storage', 'embeddings'],
      properties: {
        members,
        ...size,
        storage: bytes,
        embeddings: {
          type: 'object',
          additionalProperties: false,
          required: ['replicas', 'cpu', 'memory'],
          properties: { replicas: { type: 'integer', minimum: 1, maximum: 50 }, ...size },
        },
      },
    },
    vault: {
      type: 'object',
      description: 'Secrets that are made, leased and taken back.',
      additionalProperties: false,
      required: ['members', 'cpu', 'memory', 'storage', 'seal', 'snapshots'],
      properties: {
        members,
        ...size,
        storage: bytes,
        snapshots: {
          type: 'string',
          pattern: '^([0-9*/,-]+ ){4}[0-9*/,-]+$',
          message: 'must have five fields, minutes first, as in "30 */6 * * *"',
          description: 'When copies of its storage are made, UTC.',
        },
        seal: {
          type: 'object',
          description:
            'Who opens members when they start; what the entry in the store holds is in docs/guides/vault.md.',
          discriminator: { propertyName: 'kind' },
          oneOf: [
            {
              type: 'object',
              description: 'A key in a Secret beside the lock; in development alone.',
              additionalProperties: false,
              required: ['kind'],
              properties: { kind: { enum: ['development'] } },
            },
            {
              type: 'object',
              description: 'A key of AWS.',
              additionalProperties: false,
              required: ['kind', 'host', 'port', 'cidr', 'secretStore', 'secretPath', 'region', 'key'],
              properties: {
                kind: { enum: ['awskms'] },
                ...unsealing,
                region: name,
                key: keyName,
              },
            },
            {
              type: 'object',
              description: 'A key of Google Cloud.',
              additionalProperties: false,
              required: [
                'kind',
                'host',
                'port',
                'cidr',
                'secretStore',
                'secretPath',
                'project',
                'region',
                'keyRing',
                'key',
              ],
              properties: {
                kind: { enum: ['gcpckms'] },
                ...unsealing,
                project: name,
                region: name,
                keyRing: keyName,
                key: keyName,
              },
            },
            {
              type: 'object',
              description: 'A key of Azure.',
              additionalProperties: false,
              required: ['kind', 'host', 'port', 'cidr', 'secretStore', 'secretPath', 'vaultName', 'key'],
              properties: {
                kind: { enum: ['azurekeyvault'] },
                ...unsealing,
                vaultName: name,
                key: keyName,
              },
            },
            {
              type: 'object',
              description: 'A key of another Vault, outside of this cluster.',
              additionalProperties: false,
              required: ['kind', 'host', 'port', 'cidr', 'secretStore', 'secretPath', 'mount', 'key'],
              properties: {
                kind: { enum: ['transit'] },
                ...unsealing,
                mount: keyName,
                key: keyName,
              },
            },
          ],
        },
      },
    },
    bridge: {
      type: 'object',
      description:
        'Lighthouse itself, in the primary cluster; `state` says where sessions, experts and events live.',
      discriminator: { propertyName: 'state' },
      oneOf: [
        {
          type: 'object',
          description: 'In its process and on one volume, as release 1.0.0 has it: there is one pod.',
          additionalProperties: false,
          required: ['state', 'cpu', 'memory', 'storage'],
          properties: {
            state: { enum: ['local'] },
            ...size,
            storage: { ...bytes, description: 'Volume of the event log, rotated logs included.' },
            fuse,
            experts,
            migration,
            replicas: ofManyPods,
            autoscaling: ofManyPods,
            delivery: ofManyPods,
          },
        },
        {
          type: 'object',
          description:
            'In PostgreSQL and Redis, as Lighthouse declares it for a release to come: release 1.0.0 is refused.',
          additionalProperties: false,
          required: ['state', 'cpu', 'memory', 'replicas'],
          properties: {
            state: { enum: ['external'] },
            ...size,
            replicas: {
              type: 'integer',
              minimum: 1,
              maximum: 50,
              description:
                'Pods that share their state; with autoscaling, as many as there are at least while nothing can be measured.',
            },
            autoscaling: {
              type: 'object',
              description: 'Pods come and go with requests, the times of validations, what waits, and CPU.',
              additionalProperties: false,
              required: ['minReplicas', 'maxReplicas'],
              properties: {
                minReplicas: { type: 'integer', minimum: 1, maximum: 50 },
                maxReplicas: { type: 'integer', minimum: 1, maximum: 50 },
              },
            },
            delivery: {
              enum: ['rolling', 'blue-green'],
              description:
                'How a new revision takes over: pod by pod; or all at once, judged before and after by Argo Rollouts. Without it: rolling.',
            },
            fuse,
            experts,
            migration,
            storage: ofOneVolume,
          },
        },
      ],
    },
    edge: {
      type: 'object',
      description: 'HAProxy in front of Lighthouse, which agents connect to at bridge.<domain>.',
      additionalProperties: false,
      required: ['replicas', 'connections'],
      properties: {
        replicas: { type: 'integer', minimum: 1, maximum: 20 },
        connections: {
          type: 'integer',
          minimum: 100,
          maximum: 50000,
          description: 'Connections at a time in one of its pods; their memory follows.',
        },
        clientCertificates: {
          enum: ['required', 'without-token', 'none'],
          description:
            "Who must show a certificate of the platform's authority: everybody; who needs no token; nobody. Without it: required.",
        },
        agents: {
          type: 'array',
          description:
            'Agents that run elsewhere, each of which gets a certificate to show; a person hands it over from the Secret edge-agent-<name>.',
          minItems: 1,
          uniqueItems: true,
          items: name,
        },
        entry: {
          type: 'object',
          description: 'How agents outside the cluster come in. Without it: for the cluster alone.',
          discriminator: { propertyName: 'kind' },
          oneOf: [
            {
              type: 'object',
              description: "By a load balancer of the cloud's, which keeps their addresses.",
              additionalProperties: false,
              required: ['kind', 'outside'],
              properties: {
                kind: { enum: ['load-balancer'] },
                outside: {
                  type: 'array',
                  description: 'Their address blocks.',
                  minItems: 1,
                  uniqueItems: true,
                  items: cidr,
                },
              },
            },
            {
              type: 'object',
              description:
                'Through a Gateway that the cluster has, by a TLSRoute: it passes TLS through, and must send the PROXY protocol.',
              additionalProperties: false,
              required: ['kind', 'name', 'namespace', 'pods'],
              properties: {
                kind: { enum: ['gateway'] },
                name: { ...name, description: 'The Gateway.' },
                namespace: { ...name, description: 'Where it is.' },
                sectionName: {
                  ...name,
                  description: 'The one of its listeners. Without it: whichever takes the names.',
                },
                hostnames: {
                  type: 'array',
                  description: 'Names by which agents call the edge, besides bridge.<domain>.',
                  minItems: 1,
                  maxItems: 20,
                  uniqueItems: true,
                  items: host,
                },
                pods: {
                  type: 'object',
                  description: 'Its pods, which alone may say for whom they speak.',
                  additionalProperties: false,
                  required: ['namespace', 'labels'],
                  properties: {
                    namespace: { ...name, description: 'Where they are; not always where the Gateway is.' },
                    labels: {
                      type: 'object',
                      description: 'Labels that no other pods there have.',
                      minProperties: 1,
                      message: 'must name one label at least, or every pod of the namespace would be meant',
                      additionalProperties: labelValue,
                    },
                  },
                },
              },
            },
          ],
        },
      },
    },
    observability: {
      type: 'object',
      description: 'What is measured and kept; memory and volumes follow from these numbers.',
      additionalProperties: false,
      required: ['metrics', 'logs', 'traces', 'dashboards', 'alerting'],
      properties: {
        metrics: {
          type: 'object',
          additionalProperties: false,
          required: ['replicas', 'series', 'interval', 'retention'],
          properties: {
            replicas: {
              type: 'integer',
              minimum: 1,
              maximum: 2,
              description: 'Prometheus servers that each scrape everything.',
            },
            series: {
              type: 'integer',
              minimum: 1000,
              maximum: 50000000,
              description: 'Time series at one moment; an alert tells when there are more.',
            },
            interval: { enum: ['15s', '30s', '60s'], description: 'Time between two scrapes.' },
            retention: days,
            remoteWrite: {
              type: 'object',
              description: 'Where every sample is also sent to, such as a store for years.',
              additionalProperties: false,
              required: ['host', 'port', 'cidr', 'path', 'secretStore', 'secretPath'],
              properties: {
                host,
                port,
                cidr,
                path,
                ...secretReference,
              },
            },
          },
        },
        logs: {
          type: 'object',
          additionalProperties: false,
          required: ['perDay', 'retention', 'bridgeRetention'],
          properties: {
            perDay: { ...bytes, description: 'Text that all pods together write in a day.' },
            retention: days,
            bridgeRetention: { ...days, description: 'How long logs of Lighthouse itself are kept.' },
          },
        },
        traces: {
          type: 'object',
          additionalProperties: false,
          required: ['spansPerSecond', 'retention'],
          properties: {
            spansPerSecond: { type: 'integer', minimum: 1, maximum: 1000000 },
            retention: days,
          },
        },
        dashboards: {
          type: 'object',
          additionalProperties: false,
          required: ['replicas', 'monthlyCost'],
          properties: {
            replicas: { type: 'integer', minimum: 1, maximum: 9, description: 'Grafana pods.' },
            monthlyCost: {
              type: 'number',
              minimum: 0,
              description:
                'What a cluster costs in a month, in euros, all in all: for what a validation costs.',
            },
          },
        },
        alerting: {
          type: 'object',
          additionalProperties: false,
          required: ['alertmanagers', 'runbooks'],
          properties: {
            alertmanagers: { type: 'integer', minimum: 1, maximum: 9 },
            receivers: {
              type: 'object',
              description:
                'Who is told: entries platform, data and bridge below secretPath, each with chat and page, and dead-mans-switch with url. Without it messages are printed by a pod.',
              additionalProperties: false,
              required: ['chat', 'page', 'deadMansSwitch', 'secretPath'],
              properties: {
                chat: {
                  ...messageService,
                  description: 'Where warnings and everything graver can be read.',
                },
                page: { ...messageService, description: 'What wakes whoever is on call.' },
                deadMansSwitch: {
                  ...messageService,
                  description:
                    'What tells somebody when it hears nothing from Alertmanager for some minutes.',
                },
                proxy: {
                  type: 'object',
                  description:
                    'HTTP proxy to all of them, for services whose addresses nobody can write down: the whole world is never opened.',
                  additionalProperties: false,
                  required: ['host', 'port', 'cidr'],
                  properties: { host, port, cidr },
                },
                from: {
                  enum: ['vault'],
                  description:
                    'Instead of secretStore: this cluster’s own Vault holds them. Before a person has opened it and written them, nobody is told.',
                },
                ...secretReference,
              },
            },
            maintenance: {
              type: 'array',
              description: 'Times every week in which warnings are held back; what is critical never is.',
              minItems: 1,
              items: {
                type: 'object',
                additionalProperties: false,
                required: ['name', 'weekdays', 'from', 'to', 'timeZone'],
                properties: {
                  name,
                  weekdays: {
                    type: 'array',
                    minItems: 1,
                    uniqueItems: true,
                    items: {
                      enum: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'],
                    },
                  },
                  from: timeOfDay,
                  to: {
                    ...timeOfDay,
                    description: 'Later on the same day; one that lasts over midnight is two.',
                  },
                  timeZone,
                },
              },
            },
            runbooks: {
              type: 'string',
              pattern: '^https://[^\\s@?#]+[^\\s@?#/]$',
              message: 'must be a https URL without a slash at the end',
              description: 'Where docs/runbooks of this repository can be read; every alert links there.',
            },
          },
        },
      },
    },
  },
} as const;

/** One environment: everything there is to choose, complete, as its file says it. */
export type Environment = FromSchema<typeof environmentSchema>;

export type Cluster = Environment['clusters'][number];
