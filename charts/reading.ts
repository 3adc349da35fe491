import { EventReading } from '../constructs/event-reading';
import { type PlatformNamespace, PlatformNamespaces } from '../constructs/platform-namespaces';
import type { Foundation } from './foundation';

/** Where people read events by logins that Vault lends; undefined where none are lent. */
export function reading({ chart, site, services }: Foundation): PlatformNamespace | undefined {
  const { environment, images, ground } = site;
  const { vault, postgres } = services;
  if (!postgres.lender) return undefined;
  const namespace = new PlatformNamespaces(chart, 'Reading', { mesh: environment.mesh?.mode }).add('reading');
  new EventReading(namespace, 'events', {
    ...ground,
    images: { postgres: images('postgresql'), python: images('python') },
    vault,
    lender: postgres.lender,
  });
  return namespace;
}
