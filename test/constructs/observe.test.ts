import { AlertRules } from '../../constructs/observability-stack/alert-rules';
import { App } from 'cdk8s';
import { join } from 'node:path';
import { automation } from '../../charts/automation';
import { foundation } from '../../charts/foundation';
import { operations } from '../../charts/operations';
import { loadConfig } from '../../config/load';
import type { Environment } from '../../config/schema';

const { environments, images } = loadConfig(join(__dirname, '../../config'));

/** The rules of one cluster of the shipped configuration, by their ids. */
function rulesOf(name: Environment['environment'], at = 0): Map<string, AlertRules> {
  const environment = environments.find((each) => each.environment === name);
  const cluster = environment?.clusters[at];
  if (!environment || !cluster) throw new Error(`no ${name}/${at}`);
  const app = new App();
  const ground = foundation(app, environment, cluster, images);
  operations(app, ground, automation(app, ground));
  const rules = app.node.findAll().filter((node): node is AlertRules => node instanceof AlertRules);
  return new Map(rules.map((each) => [each.node.id.replace('Alerts-', ''), each]));
}

const expressionOf = (rules: AlertRules | undefined, alert: string): string =>
  String(rules?.groups.flatMap((group) => group.rules ?? []).find((rule) => rule.alert === alert)?.expr);

test('thresholds follow from what also sets the system', () => {
  const production = rulesOf('production');
  const development = rulesOf('development');
  // targets.recoveryPoint 15m; base backups every six hours, two of them missed.
  expect(expressionOf(production.get('postgres-archive'), 'PostgresRecoveryPointAtRisk')).toMatch(/> 900\n/);
  expect(expressionOf(production.get('postgres-archive'), 'PostgresBackupOld')).toMatch(/> 43200$/);
  expect(expressionOf(production.get('postgres'), 'PostgresReplicationLag')).toMatch(/> 300$/);
  expect(expressionOf(production.get('postgres-primary'), 'PostgresNoFailoverQuorum')).toMatch(/< 1$/);
  expect(expressionOf(development.get('postgres-primary'), 'PostgresNoFailoverQuorum')).toMatch(/< 0$/);
  expect(expressionOf(production.get('redis-cache'), 'RedisMemberMissing')).toMatch(/< 3$/);
  expect(expressionOf(development.get('redis-cache'), 'RedisMemberMissing')).toMatch(/< 1$/);
  // Three quarters of 160 MiB are for data, nine tenths of that is near.
  expect(expressionOf(development.get('redis-sessions-kept'), 'RedisMemoryNearLimit')).toMatch(
    new RegExp(`> ${Math.round(120 * 2 ** 20 * 0.9)}$`),
  );
});

test('only what is there is watched: no primary in a standby, no store of a provider, no evictions of a cache', () => {
  const standby = rulesOf('production', 1);
  expect([...standby.keys()]).toContain('postgres');
  expect([...standby.keys()]).not.toContain('postgres-primary');
  expect([...rulesOf('production').keys()]).not.toContain('object-storage');
  expect([...rulesOf('development').keys()]).toContain('object-storage');
  expect(expressionOf(rulesOf('production').get('redis-sessions-kept'), 'RedisSessionsEvicted')).toContain(
    'redis/sessions-members',
  );
});

test('every alert says how grave it is, whose it is, and where to read on', () => {
  for (const rules of rulesOf('production').values()) {
    for (const { alert, labels, annotations } of rules.groups.flatMap((group) => group.rules ?? [])) {
      if (alert === undefined) continue;
      expect(['critical', 'warning', 'info']).toContain(labels?.['severity']);
      expect(['platform', 'data', 'bridge']).toContain(labels?.['owner']);
      expect(annotations?.['runbook_url']).toMatch(new RegExp(`^https://.+/docs/runbooks/${alert}\\.md$`));
    }
  }
});
