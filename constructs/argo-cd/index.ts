import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Construct } from 'constructs';
import { ConfigMap } from '../../imports/k8s';
import { type Members, MEMBERS } from '../delivery/roles';
import { renderPayload } from '../platform/config-files';
import { namespaceOf } from '../platform/names';
import { signOnSettings, type SignOn } from './sign-on';

export interface ArgoCdSettingsProps {
  /**
   * How long one sync may take before Argo CD gives it up; a newer revision waits until then where a wave never becomes
   * healthy. Longer than the slowest first start.
   * @default 1800
   */
  readonly syncTimeoutSeconds?: number;
  /**
   * How often Argo CD asks the repository for a newer revision.
   * @default 60
   */
  readonly pollSeconds?: number;
  /**
   * Groups of people with a role in Argo CD.
   * @default - `lighthouse-platform`, `lighthouse-operator`, `lighthouse-reader`
   */
  readonly members?: Members;
  /**
   * Who signs people in. Its secret comes from a `SignOnSecret`.
   * @default - as the installation has it
   */
  readonly signOn?: SignOn;
}

/** Least seconds for a sync: a first start pulls images and makes volumes. */
const SHORTEST_SYNC = 60;

/** What may be seen that belongs to no project. */
const SHARED = ['projects', 'repositories', 'clusters'] as const;

/**
 * Argo CD's own settings: health of the kinds that it does not know, time limits, who may see what, and what it says when
 * something fails. They stand over those of its installation; keys that are not here stay as they are.
 *
 * Must be built in Argo CD's own namespace.
 */
export class ArgoCdSettings extends Construct {
  constructor(scope: Construct, id: string, props: ArgoCdSettingsProps = {}) {
    super(scope, id);
    const { syncTimeoutSeconds = 1800, pollSeconds = 60, members = MEMBERS, signOn } = props;
    if (!Number.isInteger(syncTimeoutSeconds) || syncTimeoutSeconds < SHORTEST_SYNC)
      throw new Error(
        `${this.node.path}: syncTimeoutSeconds must be whole and at least ${SHORTEST_SYNC}, got ${syncTimeoutSeconds}`,
      );
    if (!Number.isInteger(pollSeconds) || pollSeconds < 1)
      throw new Error(
        `${this.node.path}: pollSeconds must be whole and at least 1, got ${pollSeconds}; 0 would mean never`,
      );
    namespaceOf(this);

    this.settings('argocd-cm', {
      // The label of the other method is one that pods are selected by.
      'application.resourceTrackingMethod': 'annotation',
      'timeout.reconciliation': `${pollSeconds}s`,
      'timeout.reconciliation.jitter': `${Math.ceil(pollSeconds / 6)}s`,
      // Manifests are plain, operators are charts: nothing else is ever run on what a repository holds.
      'kustomize.enabled': 'false',
      'jsonnet.enabled': 'false',
      'resource.exclusions': renderPayload(join(__dirname, 'exclusions.yaml')),
      // A changed status alone is no reason to compare again; a changed health still is.
      'resource.customizations.ignoreResourceUpdates.all': 'jsonPointers:\n  - /status\n',
      ...payloads('health', '.lua', 'resource.customizations.health.'),
      ...(signOn ? signOnSettings(signOn) : {}),
    });
    this.settings('argocd-rbac-cm', {
      // Who is in no group sees nothing.
      'policy.default': '',
      'policy.csv': access(members),
      scopes: `[${signOn?.groupsClaim ?? 'groups'}]`,
    });
    this.settings('argocd-cmd-params-cm', {
      'controller.sync.timeout.seconds': String(syncTimeoutSeconds),
    });
    this.settings('argocd-notifications-cm', payloads('notifications', '.yaml'));
  }

  /** A ConfigMap that Argo CD finds by its name, and reads only with this label. */
  private settings(name: string, data: Readonly<Record<string, string>>): void {
    new ConfigMap(this, name, {
      metadata: {
        name,
        labels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'argocd' },
      },
      data,
    });
  }
}

/** The files of a folder, by their names without extension. */
function payloads(folder: string, extension: string, prefix = ''): Record<string, string> {
  const files = readdirSync(join(__dirname, folder)).filter((file) => file.endsWith(extension));
  return Object.fromEntries(
    files
      .toSorted()
      .map((file) => [
        prefix + file.slice(0, -extension.length),
        renderPayload(join(__dirname, folder, file)),
      ]),
  );
}

/** Rights beside the projects' own, in Argo CD's policy language. */
function access(members: Members): string {
  const rules = SHARED.map((resource) => `p, role:lighthouse, ${resource}, get, *, allow`);
  const groups = Object.values(members).flat();
  return [...rules, ...groups.map((group) => `g, ${group}, role:lighthouse`)].join('\n') + '\n';
}
