import { AdmissionPolicies } from '../constructs/admission-policies';
import { holdsIn, PRIVILEGES } from '../guarantees/privilege-ledger';
import type { Foundation } from './foundation';
import { breakGlassOf } from './people';

/** What the API server itself refuses in the platform's namespaces. Reads the whole platform when that is printed. */
export function admission({ chart, site: { environment, cluster } }: Foundation): void {
  new AdmissionPolicies(chart, 'Admission', {
    platform: chart.node.root,
    exceptions: PRIVILEGES.filter((entry) => holdsIn(entry, { environment, cluster })),
    breakGlass: breakGlassOf(environment),
  });
}
