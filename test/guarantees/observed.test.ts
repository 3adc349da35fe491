import { observed } from '../../guarantees/observed';
import { causesOf, changed, findingsOf, soundPlatform, without } from './support';

test('what is scraped and probed is no finding', () => {
  expect(findingsOf(observed, soundPlatform())).toEqual([]);
});

test('metrics without a monitor are found', () => {
  expect(findingsOf(observed, without(soundPlatform(), 'PodMonitor/app/server'))).toEqual([
    {
      path: 'foundation/Namespaces/app/server',
      cause: 'port metrics (9121) serves metrics at /metrics, and nobody scrapes them',
      remedy: 'call stack.scrape(…) in the observe function beside the construct',
    },
  ]);
});

test('a monitor of other pods or of another port scrapes nothing', () => {
  for (const [field, value] of [
    ['spec.selector.matchLabels', { app: 'other' }],
    ['spec.podMetricsEndpoints[0].port', 'data'],
  ] as const) {
    expect(causesOf(observed, changed(soundPlatform(), 'PodMonitor/app/server', field, value))).toEqual([
      'port metrics (9121) serves metrics at /metrics, and nobody scrapes them',
    ]);
  }
});

test('a service that nobody looks at is found', () => {
  expect(causesOf(observed, without(soundPlatform(), 'Probe/app/server'))).toEqual([
    'serves data (6379), metrics (9121), and nobody looks whether it does',
  ]);
});
