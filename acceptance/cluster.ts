import type { ChildProcess } from 'node:child_process';
import { request } from 'node:http';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../constructs/platform/manifest';
import { findKubectl, type Outcome, run } from './kubectl';
import { Sandbox } from './sandbox';

/** An object as the API server keeps it. */
export interface Live extends Manifest {
  readonly metadata: Manifest['metadata'] & {
    readonly uid: string;
    readonly resourceVersion: string;
    /** Counts changes of what is wanted; status does not count. */
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
}

/** What the API server answered. */
export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  /** What it took, but warns of. */
  readonly warnings: readonly string[];
}

/** An answer that is no success: `message` says what the API server had against the request. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    /** As in the API's Status: `Invalid`, `Forbidden`, `NotFound` … */
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** A kind as the API server knows it. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  /** Its plural, as in paths. */
  readonly name: string;
  readonly namespaced: boolean;
}

/** What a request may carry. */
interface RequestOptions {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
}

/** Who applies: the API server keeps, for every field, who set it. */
const FIELD_MANAGER = 'lighthouse-acceptance';

/** Seconds that a proxy has to come up, and a cluster to answer. */
const START_SECONDS = 15;

/**
 * Any cluster that a kubeconfig leads to. Requests go through `kubectl proxy` on a socket that only this user can open, so
 * every way of logging in that kubectl knows works here.
 */
export class Cluster {
  private readonly resources = new Map<string, Promise<readonly Resource[]>>();

  private constructor(
    readonly kubeconfig: string,
    private readonly program: string,
    private readonly sandbox: Sandbox,
    private readonly socket: string,
    private readonly proxy: ChildProcess,
  ) {}

  /** @throws Error where kubectl is missing, or where the cluster does not answer */
  static async connect(kubeconfig: string): Promise<Cluster> {
    const program = findKubectl();
    const sandbox = new Sandbox('api');
    const socket = join(sandbox.folder, 'socket');
    const proxy = sandbox.start('proxy', program, [
      ...['--kubeconfig', resolve(kubeconfig)],
      ...['proxy', '--unix-socket', socket],
    ]);
    const cluster = new Cluster(kubeconfig, program, sandbox, socket, proxy);
    try {
      await cluster.answers();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const cause = proxy.exitCode === null ? reason : sandbox.lastWords('proxy');
      cluster.close();
      throw new Error(
        `${kubeconfig}: the cluster does not answer: ${cause}; check with \`kubectl --kubeconfig ${kubeconfig} get nodes\``,
        { cause: error },
      );
    }
    return cluster;
  }

  /** Ends the proxy; nothing else is left behind. */
  close(): void {
    void this.sandbox.close();
  }

  /** Runs kubectl on this cluster, for what is no plain request: `exec`, `logs`, `port-forward`. */
  kubectl(args: readonly string[], input?: string): Promise<Outcome> {
    return run(this.program, ['--kubeconfig', this.kubeconfig, ...args], input);
  }

  /** @throws Refusal where the answer is no success */
  async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
    const answer = await this.send<T>(method, path, options);
    if (answer.status < 400) return answer;
    const { reason = 'Unknown', message } = (answer.body ?? {}) as { reason?: string; message?: string };
    throw new Refusal(answer.status, reason, message ?? `${method} ${path}: HTTP ${answer.status}`);
  }

  /**
   * Server-side apply with strict validation: unknown and duplicate fields are refused.
   * @param dryRun everything but keeping it
   * @throws Refusal
   */
  async apply(manifest: Manifest, dryRun = false): Promise<Answer<Live>> {
    return this.request('PATCH', await this.pathOf(manifest), {
      query: {
        fieldManager: FIELD_MANAGER,
        fieldValidation: 'Strict',
        force: 'true',
        ...(dryRun ? { dryRun: 'All' } : {}),
      },
      body: manifest,
      contentType: 'application/apply-patch+yaml',
    });
  }

  /** The object of the same kind, namespace and name; undefined where there is none. */
  async get(object: Manifest): Promise<Live | undefined> {
    const answer = await this.send<Live>('GET', await this.pathOf(object));
    if (answer.status === 404) return undefined;
    if (answer.status >= 400) throw new Refusal(answer.status, 'Unknown', JSON.stringify(answer.body));
    return answer.body;
  }

  /** All objects of a kind, in one namespace or in all. */
  async list(apiVersion: string, kind: string, namespace?: string, labelSelector?: string): Promise<Live[]> {
    const { name } = await this.resource(apiVersion, kind);
    const inside = namespace === undefined ? '' : `/namespaces/${namespace}`;
    const { body } = await this.request<{ readonly items: readonly Live[] }>(
      'GET',
      `${root(apiVersion)}${inside}/${name}`,
      labelSelector === undefined ? {} : { query: { labelSelector } },
    );
    // Items of a list do not say what they are.
    return body.items.map((item) => ({ ...item, apiVersion, kind }));
  }

  /** Deletes an object, and waits for nothing; no error where it is gone already. */
  async remove(object: Manifest, options: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const answer = await this.send<unknown>('DELETE', await this.pathOf(object), {
      body: { kind: 'DeleteOptions', apiVersion: 'v1', ...options },
    });
    if (answer.status >= 400 && answer.status !== 404)
      throw new Refusal(answer.status, 'Unknown', JSON.stringify(answer.body));
  }

  /** Asks to evict a pod as a drain does; false where a PodDisruptionBudget does not allow it now. */
  async evict(pod: Manifest): Promise<boolean> {
    const { name, namespace } = pod.metadata;
    const answer = await this.send<{ message?: string }>('POST', `${await this.pathOf(pod)}/eviction`, {
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } },
    });
    if (answer.status === 429) return false;
    if (answer.status < 400 || answer.status === 404) return true;
    throw new Refusal(answer.status, 'Unknown', answer.body.message ?? 'eviction failed');
  }

  /** The path of an object, whether it is there or not. */
  async pathOf({ apiVersion, kind, metadata: { namespace, name } }: Manifest): Promise<string> {
    const resource = await this.resource(apiVersion, kind);
    const inside = resource.namespaced ? `/namespaces/${namespace ?? 'default'}` : '';
    return `${root(apiVersion)}${inside}/${resource.name}/${name}`;
  }

  /** @throws Refusal (NotFound) where the cluster does not know the kind */
  async resource(apiVersion: string, kind: string): Promise<Resource> {
    const find = async (): Promise<Resource | undefined> =>
      (await this.resourcesOf(apiVersion)).find((each) => each.kind === kind);
    const known = await find();
    if (known) return known;
    // It may have been defined since it was last asked for.
    this.resources.delete(apiVersion);
    const defined = await find();
    if (defined) return defined;
    throw new Refusal(404, 'NotFound', `the cluster knows no kind ${kind} of ${apiVersion}`);
  }

  private resourcesOf(apiVersion: string): Promise<readonly Resource[]> {
    const known = this.resources.get(apiVersion);
    if (known) return known;
    const asked = this.send<{ readonly resources?: readonly Resource[] | null }>(
      'GET',
      root(apiVersion),
    ).then(({ body: { resources } }) => (resources ?? []).filter(({ name }) => !name.includes('/')));
    this.resources.set(apiVersion, asked);
    return asked;
  }

  private async answers(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.request('GET', '/version');
        return;
      } catch (error) {
        if (this.proxy.exitCode !== null || attempt >= START_SECONDS * 10) throw error;
        await sleep(100);
      }
    }
  }

  private send<T>(
    method: string,
    path: string,
    { query, body, contentType = 'application/json' }: RequestOptions = {},
  ): Promise<Answer<T>> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
    return new Promise((done, fail) => {
      const outgoing = request(
        {
          socketPath: this.socket,
          method,
          path: path + search,
          headers: {
            accept: 'application/json',
            // Node states no length of its own for the body of a DELETE.
            ...(text === undefined
              ? {}
              : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', fail);
          response.on('end', () =>
            done({
              status: response.statusCode ?? 0,
              body: parsed<T>(Buffer.concat(chunks).toString()),
              warnings: warningsIn(response.headers['warning']),
            }),
          );
        },
      );
      outgoing.on('error', fail);
      outgoing.end(text);
    });
  }
}

function root(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** Answers that are no JSON (a proxy's own errors) are kept as the message that they are. */
function parsed<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    return { message: text.trim() } as T;
  }
}

/** Kubernetes sends `299 - "text"`, several in one header. */
function warningsIn(header: string | readonly string[] | undefined): string[] {
  const text = header === undefined ? '' : [header].flat().join(', ');
  return [...text.matchAll(/299 \S+ ("(?:[^"\\]|\\.)*")/g)].map(
    ([, quoted]) => JSON.parse(quoted ?? '""') as string,
  );
}
