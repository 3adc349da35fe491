import type { ProbeSpec, PrometheusRuleSpec } from '../../imports/monitoring.coreos.com';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import { PLACE } from '../place';
import { imageWith, type Trial } from '../trial';
import { goalOf, visit, type Attempt, type Visit, pythonWith } from './check';

/** Begins every script: functions to ask the programs, which answer in JSON over TLS. */
const CLIENT = `
import json, ssl, sys, time, urllib.error, urllib.parse, urllib.request
TLS = ssl.create_default_context(cafile="/trust/ca.crt")
def ask(url, headers={}, body=None, **parameters):
    query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(url + query, data, {"content-type": "application/json", **headers})
        with urllib.request.urlopen(request, timeout=20, context=TLS) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        sys.exit(f"GET {url}: {error.code} {error.read().decode(errors='replace')[:300]}")
    except OSError as error:
        sys.exit(f"GET {url}: {error}")
def until(seconds, complaint):
    "Waits until there is nothing to complain of."
    end = time.monotonic() + seconds
    while True:
        said = complaint()
        if not said:
            return
        if time.monotonic() > end:
            sys.exit(f"after {seconds} s: {said}")
        time.sleep(3)
`;

/** A script in Python, with the functions of `CLIENT` before it. */
export function python(script: string): string {
  return pythonWith(CLIENT, script);
}

/** What watches the platform sees all of it, says what it is to say, and keeps what it is told. */
export async function tryObservability(trial: Trial): Promise<void> {
  for (const server of trial.manifests.filter(({ kind }) => kind === 'Prometheus'))
    await visit(trial, watcher(trial.manifests, server));
}

/** Where somebody stands who asks Prometheus, and whom it tells; and all that keeps logs and traces. */
function watcher(manifests: readonly Manifest[], { metadata: { namespace = '', name } }: Manifest): Visit {
  const ports = [
    [name, 'web'],
    ['alertmanager', 'web'],
    ['loki-http', 'http'],
    ['collector', 'otlp-http'],
    ['tempo', 'http'],
  ] as const;
  const goals = ports.map(([service, port]) => goalOf(manifests, namespace, service, port));
  const [prometheus = '', alertmanager = '', loki = '', gateway = '', tempo = ''] = ports.map(
    ([service], index) => `https://${service}.${namespace}.svc.cluster.local:${goals[index]?.port}`,
  );
  return {
    subject: 'observability',
    standing: {
      name: 'client-of-observability',
      namespace,
      image: imageWith('python3', manifests),
      memory: '64Mi',
      trust: true,
    },
    goals,
    prelude: '',
    attempts: [
      ...questions(manifests, prometheus),
      watchdog(prometheus, alertmanager),
      logs(namespace, loki),
      traces(gateway, tempo),
    ],
  };
}

/** The alert that always fires is with Alertmanager, and every message of it that was sent arrived. */
function watchdog(prometheus: string, alertmanager: string): Attempt {
  return {
    name: 'Watchdog fires and is delivered',
    seconds: 120,
    script: python(`
def complaint():
    global told
    alerts = ask("${alertmanager}/api/v2/alerts", filter='alertname="Watchdog"')
    if not alerts:
        return "Alertmanager knows of no Watchdog"
    receivers = [receiver["name"] for receiver in alerts[0]["receivers"]]
    def sent(name):
        expression = f'sum({name}{{receiver="{receivers[0]}"}}) or sum({name})'
        result = ask("${prometheus}/api/v1/query", query=expression)["data"]["result"]
        return float(result[0]["value"][1]) if result else 0
    told = receivers, sent("alertmanager_notifications_total"), sent("alertmanager_notifications_failed_total")
    return "" if told[1] > told[2] else f"{told[1]} messages, {told[2]} failed"
until(90, complaint)
print(f"{told[0][0]} was told: {told[1]:.0f} messages, {told[2]:.0f} failed")
`),
  };
}

/**
 * A line that this very container prints: older ones may have been written before anybody read them. Its container is named,
 * for Loki logs each query, and so the text that is looked for.
 */
function logs(namespace: string, loki: string): Attempt {
  return {
    name: 'a line of a container is found',
    seconds: 120,
    script: `echo "acceptance $ID" > /proc/1/fd/1
export ID
${python(`
import os
start = time.monotonic()
query = '{namespace="${namespace}", container="${PLACE}"} |= "' + os.environ["ID"] + '"'
def complaint():
    global streams
    headers = {"X-Scope-OrgID": "platform"}
    streams = ask("${loki}/loki/api/v1/query_range", headers, query=query, since="10m")["data"]["result"]
    return "" if streams else "it is not there"
until(90, complaint)
print(f"found {time.monotonic() - start:.0f} s after it was printed")
`)}`,
  };
}

/** A failed span, for those are always kept; the gateway decides when its trace is old enough. */
function traces(gateway: string, tempo: string): Attempt {
  return {
    name: 'a span is found by its trace',
    seconds: 180,
    script: python(`
import os
trace, span, now = os.urandom(16).hex(), os.urandom(8).hex(), time.time_ns()
ask("${gateway}/v1/traces", body={"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "acceptance"}}]},
    "scopeSpans": [{"spans": [{"traceId": trace, "spanId": span, "name": "acceptance", "kind": 2,
        "startTimeUnixNano": str(now - 1000000), "endTimeUnixNano": str(now), "status": {"code": 2}}]}]}]})
start = time.monotonic()
def complaint():
    try:
        with urllib.request.urlopen(f"${tempo}/api/traces/{trace}", timeout=20, context=TLS) as answer:
            global program
            program = answer.headers.get("X-Stand-In")
            return "" if b"acceptance" in answer.read() else "the trace has no such span"
    except urllib.error.HTTPError as error:
        return f"{error.code}"
until(120, complaint)
print(f"found {time.monotonic() - start:.0f} s after it was sent" + (f"; not Tempo: {program}" if program else ""))
`),
  };
}

/**
 * Seconds in which everything is scraped, probed and evaluated once more, with a rule that is made of others after it:
 * several times the interval of thirty seconds.
 */
const SETTLED_SECONDS = 180;

function questions(manifests: readonly Manifest[], url: string): Attempt[] {
  const pools = manifests
    .filter(({ kind }) => ['PodMonitor', 'ServiceMonitor', 'Probe'].includes(kind))
    .map(poolOf);
  const services = new Set(manifests.filter(({ kind }) => kind === 'Probe').map(serviceOf));
  const rules = manifests.filter(({ kind }) => kind === 'PrometheusRule').flatMap(rulesIn);
  const seconds = SETTLED_SECONDS + 60;
  return [
    {
      name: 'every target is up',
      seconds,
      script: python(`
wanted = ${JSON.stringify(pools)}
def complaint():
    global targets
    targets = ask("${url}/api/v1/targets", state="active")["data"]["activeTargets"]
    found = {"/".join(target["scrapePool"].split("/")[:3]) for target in targets}
    return [f"{pool} has no target" for pool in wanted if pool not in found] + [
        f"{target['scrapePool']} {target['scrapeUrl']} is {target['health']}: {target['lastError']}"
        for target in targets if target["health"] != "up"]
until(${SETTLED_SECONDS}, lambda: "; ".join(complaint()))
print(f"{len(targets)} of {len(targets)} up, of {len(wanted)} monitors")
`),
    },
    {
      name: 'every rule is evaluated',
      seconds,
      script: python(`
def complaint():
    global rules
    groups = ask("${url}/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    if len(rules) != ${rules.length}:
        return [f"it has {len(rules)} rules, declared are ${rules.length}"]
    return [f"{rule['name']} is {rule['health']}: {rule.get('lastError', '')}" for rule in rules if rule["health"] != "ok"]
until(${SETTLED_SECONDS}, lambda: "; ".join(complaint()))
print(f"{len(rules)} rules without an error")
`),
    },
    {
      name: 'every service is healthy',
      seconds,
      script: python(`
def value(expression):
    result = ask("${url}/api/v1/query", query=expression)["data"]["result"]
    return float(result[0]["value"][1]) if result else None
def complaint():
    global healthy, all
    healthy, all = value("lighthouse:services_healthy:count"), value("lighthouse:services:count")
    if healthy == all == ${services.size}:
        return ""
    probes = ask("${url}/api/v1/query", query="probe_success == 0")["data"]["result"]
    return f"{healthy} of {all} are, probed are ${services.size}: not {[probe['metric'].get('service') for probe in probes]}"
until(${SETTLED_SECONDS}, complaint)
print(f"{healthy:.0f}/{all:.0f} healthy")
`),
    },
  ];
}

/** What the operator calls the targets of a monitor, without the number of the endpoint. */
function poolOf({ kind, metadata: { namespace = '', name } }: Manifest): string {
  return `${kind.charAt(0).toLowerCase()}${kind.slice(1)}/${namespace}/${name}`;
}

function serviceOf(probe: Manifest): string {
  return spec<ProbeSpec>(probe).targets?.staticConfig?.labels?.['service'] ?? '';
}

function rulesIn(object: Manifest): string[] {
  const { groups = [] } = spec<PrometheusRuleSpec>(object);
  return groups.flatMap(({ rules = [] }) => rules.map(({ alert, record }) => alert ?? record ?? ''));
}
