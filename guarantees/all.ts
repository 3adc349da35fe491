import { accounts } from './accounts';
import { admission } from './admission';
import { alerts } from './alerts';
import { autoscalers } from './autoscalers';
import { backups } from './backups';
import { budgets } from './budgets';
import { clientCertificates } from './client-certificates';
import { containers } from './containers';
import { drains } from './drains';
import type { Guarantee } from './guarantee';
import { images } from './images';
import { mesh } from './mesh';
import { names } from './names';
import { network } from './network';
import { observed } from './observed';
import { operators } from './operators';
import { policies } from './policies';
import { ports } from './ports';
import { privileges } from './privileges';
import { recovery } from './recovery';
import { references } from './references';
import { renewals } from './renewals';
import { rotation } from './rotation';
import { routes } from './routes';
import { scratch } from './scratch';
import { secrets } from './secrets';
import { selectors } from './selectors';
import { signatures } from './signatures';
import { vault } from './vault';
import { waves } from './waves';

/** Every guarantee, in the order of the report. */
export const guarantees: readonly Guarantee[] = [
  references,
  network,
  operators,
  policies,
  mesh,
  ports,
  routes,
  selectors,
  names,
  waves,
  images,
  secrets,
  containers,
  scratch,
  privileges,
  accounts,
  admission,
  signatures,
  budgets,
  autoscalers,
  drains,
  backups,
  recovery,
  rotation,
  renewals,
  clientCertificates,
  vault,
  observed,
  alerts,
];
