import { parseArgs } from 'node:util';
import { check as alertmanager } from '../test/payloads/alertmanager';
import { check as alerts } from '../test/payloads/alerts';
import { check as argoCd } from '../test/payloads/argo-cd';
import { check as eventLog } from '../test/payloads/event-log';
import { check as edge } from '../test/payloads/edge';
import { check as eventStore } from '../test/payloads/event-store';
import { check as experts } from '../test/payloads/experts';
import { check as images } from '../test/payloads/images';
import { check as lending } from '../test/payloads/lending';
import { check as mesh } from '../test/payloads/mesh';
import { check as migration } from '../test/payloads/migration';
import { check as expressions } from '../test/payloads/expressions';
import { check as postgresCertificates } from '../test/payloads/postgres-certificates';
import { check as redis } from '../test/payloads/redis';
import { check as scores } from '../test/payloads/scores';
import { check as telemetry } from '../test/payloads/telemetry';
import { check as weaviate } from '../test/payloads/weaviate';
import type { Report } from '../test/payloads/report';
import { Misuse, runCommand } from './command';

/** A check of payload files in the programs that read them; it reports every single thing it saw. */
type Check = (report: Report) => Promise<void>;

const CHECKS: Readonly<Record<string, Check>> = {
  alertmanager,
  alerts,
  'argo-cd': argoCd,
  'event-log': eventLog,
  edge,
  'event-store': eventStore,
  experts,
  images,
  lending,
  mesh,
  migration,
  expressions,
  'postgres-certificates': postgresCertificates,
  redis,
  scores,
  telemetry,
  weaviate,
};

const USAGE = `usage: npm run test:payloads [-- NAME ...]

Runs the payload files in their own programs: PostgreSQL, PgBouncer, Redis, Sentinel, HAProxy and Python, which must be installed (one check
has PostgreSQL's server from an npm package), and Argo CD, Istio's control plane, Weaviate and kube-score, which are built once. It
changes nothing outside temporary folders and .cache/. NAME is one or more of: ${Object.keys(CHECKS).join(', ')}
(default: all).
Ends with "N passed, N failed"; exit status 1 where something failed.`;

async function main(): Promise<number> {
  const { positionals: names } = parseArgs({ allowPositionals: true });
  const unknown = names.filter((name) => !(name in CHECKS));
  if (unknown.length > 0) throw new Misuse(`no check called ${unknown.join(', ')}`);

  let passed = 0;
  let failed = 0;
  const report: Report = (name, ok, detail = '') => {
    if (ok) passed += 1;
    else failed += 1;
    console.log(`${ok ? '  ok    ' : '  FAILED'} ${name}${detail && `: ${detail}`}`);
  };
  for (const [name, check] of Object.entries(CHECKS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.log(name);
    await check(report).catch((error: unknown) =>
      report(
        `${name} ran to its end`,
        false,
        error instanceof Error ? (error.stack ?? error.message) : String(error),
      ),
    );
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

runCommand(USAGE, main);
