/**
 * The MCP client's tunnel between a program that knows one address in plain, and a real TLS server that asks for a certificate:
 * the real tunnel.py.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { Authority } from '../../guarantees/certificates/authority';
import type { Report } from './report';

const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? process.cwd();
const TUNNEL = join(ROOT, 'images', 'mcp-client', 'tunnel.py');

/** Stands for the MCP server: repeats a line of its input, and what the bridge's fixed address answers. */
const PROGRAM = `import sys, urllib.request
print(sys.stdin.readline().strip())
try:
    print(urllib.request.urlopen("http://localhost:8765/health", timeout=5).read().decode())
except OSError as error:
    print("no answer:", error)
sys.exit(7)
`;

const LARGE = 'x'.repeat(300_000);

export async function tunnel(report: Report): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tunnel-'));
  const at = (file: string): string => join(folder, file);
  certificates(folder);
  const server = createServer(
    {
      key: readFileSync(at('server.key')),
      cert: readFileSync(at('server.crt')),
      ca: readFileSync(at('ca.crt')),
      requestCert: true,
      rejectUnauthorized: true,
    },
    ({ socket, url }, response) =>
      response.end(`${(socket as TLSSocket).getPeerCertificate().subject.CN} asks ${url} ${LARGE}`),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const trusted = { LIGHTHOUSE_EDGE: `localhost:${port}`, LIGHTHOUSE_EDGE_CA: at('ca.crt') };
  const known = { LIGHTHOUSE_EDGE_CERTIFICATE: at('agent.crt'), LIGHTHOUSE_EDGE_KEY: at('agent.key') };
  try {
    writeFileSync(at('program.py'), PROGRAM);
    const program = at('program.py');
    const whole = await through(program, { ...trusted, ...known });
    report(
      'mcp-client: what is sent in plain arrives over TLS, with the agent’s certificate',
      whole.output.includes(`agent-1 asks /health ${LARGE}`),
      whole.output.slice(0, 200) + whole.errors,
    );
    report('mcp-client: the program has its standard input', whole.output.startsWith('{"id": 1}\n'));
    report('mcp-client: its status is passed on', whole.status === 7, String(whole.status));
    const stranger = await through(program, trusted);
    report('mcp-client: without a certificate there is no answer', stranger.output.includes('no answer'));
    const other = await through(program, { ...trusted, ...known, LIGHTHOUSE_EDGE: `127.0.0.1:${port}` });
    report(
      'mcp-client: a server of another name gets nothing',
      other.output.includes('no answer') && /tunnel: .*certificate verify failed/.test(other.errors),
      other.errors,
    );
    const nowhere = await through(program, {});
    report('mcp-client: without an edge it says what it needs', /LIGHTHOUSE_EDGE/.test(nowhere.errors));
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function certificates(folder: string): void {
  const authority = new Authority();
  writeFileSync(join(folder, 'ca.crt'), authority.certificate);
  authority.write(join(folder, 'server'), 'localhost', { names: ['localhost'] });
  authority.write(join(folder, 'agent'), 'agent-1');
}

async function through(
  program: string,
  edge: Readonly<Record<string, string>>,
): Promise<{ output: string; errors: string; status: number | null }> {
  const child = spawn('python3', [TUNNEL, 'python3', program], {
    env: { PATH: process.env['PATH'], ...edge },
    timeout: 30_000,
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdin.on('error', () => undefined); // It may be over before it has read.
  child.stdin.end('{"id": 1}\n');
  const [status] = (await once(child, 'close')) as [number | null];
  return { output, errors, status };
}
