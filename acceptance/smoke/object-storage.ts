import type { EnvVar, SecretKeySelector } from '../../imports/k8s';
import type { Manifest } from '../../constructs/platform/manifest';
import { workloadsIn, spec } from '../../constructs/platform/workloads';
import type { Goal, Outside, Standing } from '../place';
import { imageWith, type Trial } from '../trial';
import { goalOf, visit, type Attempt, type Visit } from './check';

/** A bucket as its consumer is configured to use it. */
export interface ConsumedBucket {
  readonly consumer: string;
  readonly namespace: string;
  readonly bucket: string;
  readonly url: string;
  /** Keys and region, as variables. */
  readonly env: readonly EnvVar[];
  /** Whether the platform's own roots vouch for the service. */
  readonly isOwn: boolean;
}

/** The buckets that the manifests configure programs to use: those of the database's plugin, and of the vector database. */
export function bucketsIn(manifests: readonly Manifest[]): ConsumedBucket[] {
  return [
    ...manifests.filter(({ kind }) => kind === 'ObjectStore').map(ofPlugin),
    ...workloadsIn(manifests).flatMap(({ manifest, pod }) =>
      (pod?.containers ?? []).flatMap(({ env = [] }) => ofEnvironment(manifest, env)),
    ),
  ];
}

interface ObjectStoreSpec {
  readonly configuration: {
    readonly destinationPath: string;
    readonly endpointURL?: string;
    readonly endpointCA?: unknown;
    readonly s3Credentials: Readonly<Record<'accessKeyId' | 'secretAccessKey', Required<SecretKeySelector>>>;
  };
  readonly instanceSidecarConfiguration?: { readonly env?: readonly EnvVar[] };
}

function ofPlugin(manifest: Manifest): ConsumedBucket {
  const { configuration, instanceSidecarConfiguration: sidecar = {} } = spec<ObjectStoreSpec>(manifest);
  const { destinationPath, endpointURL = '', endpointCA, s3Credentials } = configuration;
  const { name, namespace = '' } = manifest.metadata;
  const secret = (variable: string, secretKeyRef: Required<SecretKeySelector>): EnvVar => ({
    name: variable,
    valueFrom: { secretKeyRef },
  });
  return {
    consumer: name,
    namespace,
    bucket: new URL(destinationPath).host,
    url: endpointURL,
    env: [
      secret('AWS_ACCESS_KEY_ID', s3Credentials.accessKeyId),
      secret('AWS_SECRET_ACCESS_KEY', s3Credentials.secretAccessKey),
      ...(sidecar.env ?? []).filter(({ name: variable }) => variable.startsWith('AWS_')),
    ],
    isOwn: endpointCA !== undefined,
  };
}

function ofEnvironment({ metadata }: Manifest, env: readonly EnvVar[]): ConsumedBucket[] {
  const value = (name: string): string | undefined => env.find((each) => each.name === name)?.value;
  const bucket = value('BACKUP_S3_BUCKET');
  if (bucket === undefined) return [];
  return [
    {
      consumer: metadata.name,
      namespace: metadata.namespace ?? '',
      bucket,
      url: `https://${value('BACKUP_S3_ENDPOINT') ?? ''}`,
      env: env.filter(({ name }) => name.startsWith('AWS_')),
      isOwn: value('SSL_CERT_FILE') !== undefined,
    },
  ];
}

/** Begins every script: `s3 COMMAND [ARGUMENT …]`. */
export const S3 = `
export AWS_EC2_METADATA_DISABLED=true AWS_MAX_ATTEMPTS=2 AWS_REQUEST_CHECKSUM_CALCULATION=when_required AWS_RESPONSE_CHECKSUM_VALIDATION=when_required
s3() { aws --endpoint-url "$URL" --cli-connect-timeout 5 --cli-read-timeout 20 --output text s3api "$@"; }
`;

/** Objects are written, read back and deleted with each consumer's own keys, which open no other bucket. */
export async function tryObjectStorage(trial: Trial): Promise<void> {
  for (const bucket of bucketsIn(trial.manifests)) await visit(trial, objectClient(bucket, trial.manifests));
}

/** How a consumer uses its bucket, and what it must not do to the others. */
export function objectClient(own: ConsumedBucket, manifests: readonly Manifest[]): Visit {
  return {
    subject: `object storage, as ${own.consumer}`,
    standing: storageClient(own, manifests),
    goals: goalsOf(own, manifests),
    prelude: `URL=${own.url}\n${S3}`,
    attempts: attemptsWith(
      own,
      bucketsIn(manifests).filter(({ bucket }) => bucket !== own.bucket),
    ),
  };
}

/** Where a consumer's client stands. */
export function storageClient(
  { consumer, namespace, env, isOwn }: ConsumedBucket,
  manifests: readonly Manifest[],
): Standing {
  return {
    name: `client-as-${consumer}`,
    namespace,
    image: imageWith('aws', manifests),
    memory: '160Mi',
    trust: isOwn,
    env: [...env, ...(isOwn ? [{ name: 'AWS_CA_BUNDLE', value: '/trust/ca.crt' }] : [])],
  };
}

/** Where the service is: pods in the cluster, or a provider's port outside. */
export function goalsOf({ url }: ConsumedBucket, manifests: readonly Manifest[]): (Goal | Outside)[] {
  const { hostname, port } = new URL(url);
  const [service = '', namespace = '', kind] = hostname.split('.');
  return [kind === 'svc' ? goalOf(manifests, namespace, service, 's3') : { port: Number(port || 443) }];
}

function attemptsWith({ bucket }: ConsumedBucket, others: readonly ConsumedBucket[]): Attempt[] {
  return [
    {
      name: `bucket ${bucket}`,
      script: `echo "$ID" > /tmp/sent
s3 put-object --bucket ${bucket} --key "acceptance/$ID" --body /tmp/sent > /dev/null
s3 get-object --bucket ${bucket} --key "acceptance/$ID" /tmp/received > /dev/null
s3 delete-object --bucket ${bucket} --key "acceptance/$ID" > /dev/null
cmp /tmp/sent /tmp/received
echo "wrote an object, read it back, deleted it"`,
      seconds: 120,
    },
    ...others.map((other) => ({
      name: `bucket ${other.bucket} of ${other.consumer}`,
      script: `s3 list-objects-v2 --bucket ${other.bucket}`,
      refusal: /AccessDenied|403/,
    })),
    {
      name: `writing to bucket ${others[0]?.bucket ?? 'of nobody'}`,
      script: `echo "$ID" > /tmp/sent; s3 put-object --bucket ${others[0]?.bucket ?? 'of-nobody'} --key "acceptance/$ID" --body /tmp/sent`,
      refusal: /AccessDenied|403/,
    },
    {
      name: 'a wrong key',
      script: `export AWS_SECRET_ACCESS_KEY=wrong; s3 list-objects-v2 --bucket ${bucket}`,
      refusal: /SignatureDoesNotMatch|403/,
    },
    {
      name: 'without TLS',
      script: `URL=http://\${URL#https://}; s3 list-objects-v2 --bucket ${bucket}`,
      refusal: /400|403|AccessDenied|closed|Could not connect|HTTPS/i,
    },
  ];
}
