import { join } from 'node:path';
import type { LogParser } from '../observability-stack/telemetry';
import { renderPayload } from '../platform/config-files';

/**
 * How the bridge's lines are read, and what is counted of them: it serves no metrics of its own. A rotation of
 * its event log cannot be counted so, for it says nothing when it rotates: the alert comes before.
 */
export function bridgeLogs(): LogParser {
  return { parser: renderPayload(join(__dirname, 'logs.yaml')), tenant: 'bridge', counters: COUNTERS };
}

const COUNTERS: LogParser['counters'] = {
  lighthouse_bridge_log_errors: {
    description: 'Lines of the bridge at level ERROR or CRITICAL.',
    conditions: ['attributes["level"] == "error" or attributes["level"] == "fatal"'],
  },
  lighthouse_bridge_fuse_failures: {
    description: 'Failures of the FUSE mount.',
    conditions: [
      '(IsMatch(attributes["logger"], "(?i)fuse") or IsMatch(body, "(?i)\\\\bfuse\\\\b")) and (attributes["level"] == "error" or attributes["level"] == "fatal")',
    ],
  },
};
