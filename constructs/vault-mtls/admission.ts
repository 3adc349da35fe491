import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Volume } from '../../imports/k8s';

/** Whom tokens of service accounts must be for, that Vault takes them. */
export const AUDIENCE = 'vault';

/** A token for Vault alone, as file `vault`: nobody else takes it, the API server included. */
export function tokenVolume(name: string): Volume {
  const serviceAccountToken = { path: 'vault', audience: AUDIENCE, expirationSeconds: 600 };
  return { name, projected: { defaultMode: 0o440, sources: [{ serviceAccountToken }] } };
}

/** Somebody whom Vault knows by a service account of its own namespace; policy `<role>.hcl`. */
interface Admitted {
  readonly role: string;
  readonly account: string;
  readonly tokenMinutes: number;
}

/** The program that configures Vault. */
export const CONFIGURATION: Admitted = {
  role: 'configuration',
  account: 'vault-configuration',
  tokenMinutes: 15,
};

/** What takes snapshots: it must not depend on a configuration that came out right. */
export const SNAPSHOT: Admitted = { role: 'snapshot', account: 'vault-snapshots', tokenMinutes: 15 };

/** Requests by which Vault writes down what is asked of it and knows service accounts, and which let those two in; bodies by path. */
export function admissionRequests(
  namespace: string,
): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  return {
    'sys/audit/stdout': { type: 'file', options: { file_path: 'stdout' } },
    'sys/auth/kubernetes': { type: 'kubernetes' },
    // Inside a pod it knows the API server's authority, and shows its own token to it.
    'auth/kubernetes/config': { kubernetes_host: 'https://kubernetes.default.svc' },
    ...admit(CONFIGURATION, namespace),
    ...admit(SNAPSHOT, namespace),
  };
}

/**
 * What somebody with a root token does once, before Vault's own configuration can be applied by a program: requests are written
 * down, and those two are let in. Files by name, and in `admission` one line for each request: path and file.
 */
export function admission(namespace: string): Readonly<Record<string, string>> {
  const files = Object.entries(admissionRequests(namespace)).map(
    ([path, body]) => [path, `${path.replaceAll('/', '-')}.json`, `${JSON.stringify(body)}\n`] as const,
  );
  return {
    admission: files.map(([path, file]) => `${path} ${file}\n`).join(''),
    ...Object.fromEntries(files.map(([, file, body]) => [file, body])),
  };
}

function admit(
  { role, account, tokenMinutes }: Admitted,
  namespace: string,
): Record<string, Record<string, unknown>> {
  return {
    [`sys/policies/acl/${role}`]: { policy: readFileSync(join(__dirname, `${role}.hcl`), 'utf8') },
    [`auth/kubernetes/role/${role}`]: {
      bound_service_account_names: [account],
      bound_service_account_namespaces: [namespace],
      audience: AUDIENCE,
      token_policies: [role],
      // In seconds, as Vault tells it.
      token_ttl: tokenMinutes * 60,
      token_max_ttl: tokenMinutes * 60,
    },
  };
}
