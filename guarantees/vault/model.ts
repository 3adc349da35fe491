import { CONFIGURES } from '../../constructs/platform/labels';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { Entry } from '../../constructs/vault-mtls/configuration/needs';
import type { SecretStoreSpec } from '../../imports/external-secrets.io';
import type { IssuerSpec } from '../../imports/cert-manager.io';
import type { Platform, PlatformObject } from '../../synth/platform';
import { inventoryOf } from '../../synth/inventory';
import { identify, identityOf } from '../../synth/references';

/** A role of Vault's: which service accounts it lets in, and with what. */
export interface VaultRole {
  readonly name: string;
  readonly accounts: readonly string[];
  readonly policies: readonly string[];
  readonly longestSeconds: number;
  readonly audience?: string;
}

/** A group of people. */
interface Group {
  readonly name: string;
  readonly type: string;
  readonly policies: readonly string[];
}

/** One line of a policy. */
export interface Rule {
  readonly path: string;
  readonly capabilities: readonly string[];
}

/** What a Vault is told to hold. */
export interface Held {
  readonly object: PlatformObject;
  readonly roles: readonly VaultRole[];
  readonly groups: readonly Group[];
  readonly policies: ReadonlyMap<string, readonly Rule[]>;
  readonly entries: readonly Entry[];
}

/** Somebody who logs in to Vault: as which account, and in which role where that is said. */
export interface Login {
  readonly object: PlatformObject;
  readonly account: string;
  readonly role?: string;
}

const ROLE = 'auth/kubernetes/role/';
const GROUP = 'identity/group/name/';
const POLICY = 'sys/policies/acl/';

/** Every Vault of a platform, by what its own file says. */
export function heldBy({ objects }: Platform): Held[] {
  return objects.flatMap((object) => {
    const text = textIn(object.manifest);
    if (text === undefined) return [];
    const entries = (JSON.parse(text) as { readonly objects: readonly Entry[] }).objects;
    return {
      object,
      entries,
      roles: entries.flatMap(({ path, body }) => (path.startsWith(ROLE) ? roleIn(path, body) : [])),
      groups: entries.flatMap(({ path, body }) => (path.startsWith(GROUP) ? groupIn(path, body) : [])),
      policies: new Map(
        entries.flatMap(({ path, body }) =>
          path.startsWith(POLICY)
            ? [[path.slice(POLICY.length), rulesIn(String(body['policy']))] as const]
            : [],
        ),
      ),
    };
  });
}

function textIn({ kind, metadata, data }: Manifest): string | undefined {
  if (kind !== 'ConfigMap' || metadata.annotations?.[CONFIGURES] === undefined) return undefined;
  return (data as Readonly<Record<string, string>> | undefined)?.['desired.json'];
}

function roleIn(path: string, body: Entry['body']): VaultRole {
  const {
    bound_service_account_names: names = [],
    bound_service_account_namespaces: namespaces = [],
    token_policies: policies = [],
    token_max_ttl: longest = 0,
    audience,
  } = body as {
    readonly bound_service_account_names?: readonly string[];
    readonly bound_service_account_namespaces?: readonly string[];
    readonly token_policies?: readonly string[];
    readonly token_max_ttl?: number;
    readonly audience?: string;
  };
  return {
    name: path.slice(ROLE.length),
    accounts: namespaces.flatMap((namespace) =>
      names.map((name) => identify('ServiceAccount', namespace, name)),
    ),
    policies,
    longestSeconds: longest,
    audience,
  };
}

function groupIn(path: string, body: Entry['body']): Group {
  const { type = 'internal', policies = [] } = body as {
    readonly type?: string;
    readonly policies?: readonly string[];
  };
  return { name: path.slice(GROUP.length), type, policies };
}

/** The rules of a policy; comments are none. */
export function rulesIn(text: string): Rule[] {
  const lines = text.replace(/^\s*#.*$/gm, '');
  return [...lines.matchAll(/path\s+"([^"]+)"\s*\{\s*capabilities\s*=\s*\[([^\]]*)\]\s*\}/g)].map(
    ([, path = '', list = '']) => ({
      path,
      capabilities: [...list.matchAll(/"(\w+)"/g)].map(([, capability = '']) => capability),
    }),
  );
}

/** Whoever logs in: operators by an account that they make tokens of, pods with a token that is for Vault. */
export function loginsTo(platform: Platform): Login[] {
  const pods = inventoryOf(platform).pods.flatMap(({ object, namespace, workload: { pod } }) => {
    const audiences = (pod?.volumes ?? []).flatMap(({ projected }) =>
      (projected?.sources ?? []).flatMap(({ serviceAccountToken }) => serviceAccountToken?.audience ?? []),
    );
    const account = pod?.serviceAccountName;
    return audiences.includes('vault') && account !== undefined
      ? [{ object, account: identify('ServiceAccount', namespace, account) }]
      : [];
  });
  return [...platform.objects.flatMap(shownBy), ...pods];
}

function shownBy(object: PlatformObject): Login[] {
  const { kind, metadata } = object.manifest;
  const auth =
    kind === 'SecretStore'
      ? spec<SecretStoreSpec>(object.manifest).provider.vault?.auth?.kubernetes
      : kind === 'Issuer'
        ? spec<IssuerSpec>(object.manifest).vault?.auth.kubernetes
        : undefined;
  const account = auth?.serviceAccountRef?.name;
  if (!auth || account === undefined) return [];
  return [{ object, account: identify('ServiceAccount', metadata.namespace, account), role: auth.role }];
}

/** The service accounts that there are. */
export function accountsIn({ objects }: Platform): Set<string> {
  return new Set(
    objects
      .filter(({ manifest }) => manifest.kind === 'ServiceAccount')
      .map(({ manifest }) => identityOf(manifest)),
  );
}
