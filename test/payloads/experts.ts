/**
 * Runs the real registrar of experts against a stand-in for the bridge, which forgets sessions and experts with its process, and
 * refuses as the bridge does: by its fields and codes, and with three sessions of an agent at most.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Expert } from '../../constructs/bridge-with-fuse/experts';
import type { Report } from './report';

const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? process.cwd();
const SCRIPT = join(ROOT, 'constructs', 'bridge-with-fuse', 'register-experts.py');

const EXPERTS: readonly Expert[] = [
  {
    id: 'reviews',
    type: 'coordinator',
    capabilities: ['review'],
    agents: [
      { id: 'audit', type: 'security', capabilities: ['vulnerability_analysis', 'security_scan'] },
      { id: 'layout', type: 'architecture', capabilities: ['design'] },
    ],
  },
  { id: 'alone', type: 'testing', capabilities: ['tests'] },
];
const NAMES = 'reviews audit layout alone';

/** Seconds: a look, and until experts are registered again; in a cluster 10 and 240. */
const LOOK = 0.2;
const AGAIN = 3;

type Body = Readonly<Record<string, unknown>>;

/** The part of the bridge that knows agents, in the memory of one process. */
class Registry {
  /** Who registered whom, `by>whom`, as often as it happened. */
  readonly registrations: string[] = [];
  readonly bodies: Body[] = [];
  sessionsMade = 0;
  /** Whom it registers no longer. */
  refuses: string | undefined;
  /** Tokens of each agent, oldest first. */
  private readonly sessions = new Map<string, string[]>();
  private server: Server | undefined;

  async start(port = 0): Promise<number> {
    this.server = createServer((request, response) => {
      void this.answer(request).then(([code, body]) =>
        response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      );
    });
    await new Promise<void>((resolve) => this.server?.listen(port, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  /** As a start of its process: nothing is known. */
  forget(): void {
    this.sessions.clear();
    this.registrations.length = 0;
  }

  get experts(): string {
    return [...new Set(this.registrations.map((each) => each.split('>')[1]))].join(' ');
  }

  private async answer(request: IncomingMessage): Promise<[number, Body]> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    const agent = String(body['agent_id']);
    switch (request.url) {
      case '/session/create': {
        const token = `${randomUUID()}:${agent}:0:0`;
        this.sessions.set(agent, [...(this.sessions.get(agent) ?? []), token].slice(-3));
        this.sessionsMade += 1;
        return [200, { session_token: token, agent_id: agent }];
      }
      case '/session/validate':
        return [200, { valid: this.sessions.get(agent)?.includes(String(body['session_token'])) ?? false }];
      case '/expert/register':
        return this.register(request.headers.authorization?.replace('Bearer ', ''), agent, body);
      default:
        return [404, {}];
    }
  }

  private register(token: string | undefined, agent: string, body: Body): [number, Body] {
    const by = [...this.sessions].find(([, tokens]) => token !== undefined && tokens.includes(token))?.[0];
    if (by === undefined) return [403, { detail: 'Authentication token is not valid or has expired' }];
    if (agent === this.refuses) return [500, { detail: '400: Rate limit exceeded' }];
    this.registrations.push(`${by}>${agent}`);
    this.bodies.push(body);
    return [200, { success: true, agent_id: agent, token: randomUUID() }];
  }
}

export async function check(report: Report): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'experts-'));
  const registry = new Registry();
  const port = await registry.start();
  await registry.stop();
  writeFileSync(join(folder, 'experts.json'), JSON.stringify(EXPERTS));
  const ready = join(folder, 'ready');
  const lines: string[] = [];
  const child = start(folder, port, lines);
  try {
    await until(5000, () => lines.length === 2);
    report(
      'a bridge that is not there: not ready, said once for each coordinator, in the form of its lines',
      !existsSync(ready) &&
        lines.every((line) => /^\[ERROR\] \S+ \S+,000 - register-experts - \w+: not registered: /.test(line)),
      lines[0],
    );
    await registry.start(port);
    const first = await until(5000, () => existsSync(ready));
    report(
      'once it is there, all are registered, agents by their coordinator, and it is ready',
      registry.registrations.join(' ') === 'reviews>reviews reviews>audit reviews>layout alone>alone' &&
        JSON.stringify(registry.bodies[1]) ===
          '{"agent_id":"audit","agent_type":"security","capabilities":["vulnerability_analysis","security_scan"]}',
      `${registry.registrations.join(' ')}, after ${first} ms`,
    );

    const made = registry.sessionsMade;
    const again = await until(8000, () => registry.registrations.length === 8);
    report(
      'they are registered again before they go stale, in the same sessions: a further one would end somebody’s',
      registry.sessionsMade === made && again > (AGAIN * 1000) / 2,
      `after ${again} ms, ${registry.sessionsMade} sessions`,
    );

    registry.forget();
    const restarted = await until(5000, () => registry.experts === NAMES);
    report(
      'a bridge that was started again, and knows nobody, is told at the next look',
      restarted < AGAIN * 500 && lines.filter((line) => line.includes('its session is void')).length === 2,
      `after ${restarted} ms`,
    );

    registry.refuses = 'audit';
    const refused = await until(8000, () => !existsSync(ready));
    const before = registry.sessionsMade;
    const alone = registry.registrations.filter((each) => each === 'alone>alone').length;
    await until(8000, () => registry.registrations.filter((each) => each === 'alone>alone').length > alone);
    report(
      'one that is refused: not ready, the answer is said, others go on, and no session is made for it',
      lines.at(-1)?.includes('/expert/register: 500') === true && registry.sessionsMade === before,
      `after ${refused} ms: ${lines.at(-1)}`,
    );
    registry.refuses = undefined;
    await until(5000, () => existsSync(ready));
    report('and all is well when it is taken', true);

    await registry.stop();
    const away = await until(8000, () => !existsSync(ready));
    report('a bridge that goes away is noticed', true, `after ${away} ms`);
    await registry.start(port);
    await until(5000, () => existsSync(ready));

    const secret = lines.filter((line) => /:0:0/.test(line));
    report('no token is in its lines', secret.length === 0, secret[0]);
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    report('it ends when it is told to', code === 0, String(code));
  } finally {
    child.kill('SIGKILL');
    await registry.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function start(folder: string, port: number, lines: string[]): ChildProcess {
  const child = spawn('python3', [SCRIPT], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      BRIDGE: `http://127.0.0.1:${port}`,
      EXPERTS: join(folder, 'experts.json'),
      ALIVE: join(folder, 'alive'),
      READY: join(folder, 'ready'),
      LOOK_SECONDS: String(LOOK),
      AGAIN_SECONDS: String(AGAIN),
    },
  });
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  return child;
}

/** Polls until the condition holds; the time it took, ms. */
async function until(limit: number, condition: () => boolean): Promise<number> {
  const begin = Date.now();
  while (!condition()) {
    if (Date.now() - begin > limit) throw new Error(`not within ${limit} ms: ${condition.toString()}`);
    await sleep(20);
  }
  return Date.now() - begin;
}
