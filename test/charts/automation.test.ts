import { find } from '../support';
import { expectSnapshot, manifestsIn, PLATFORMS } from './support';

const primaries = PLATFORMS.filter(([, { cluster }]) => cluster.role === 'primary');
const standbys = PLATFORMS.filter(([, { cluster }]) => cluster.role === 'standby');

describe.each(primaries)('automation of %s', (_, platform) => {
  test('runs Lighthouse, and keeps its events elsewhere too', () => {
    const manifests = manifestsIn(platform, 'automation');
    expect(find(manifests, 'StatefulSet', 'bridge').metadata.namespace).toBe('bridge');
    expect(find(manifests, 'CronJob', 'bridge-backup').metadata.namespace).toBe('bridge');
  });

  test('is as it was', () => expectSnapshot(platform, 'automation'));
});

test.each(standbys)('a standby, %s, runs no second Lighthouse', (_, platform) => {
  expect(manifestsIn(platform, 'automation')).toEqual([]);
});
