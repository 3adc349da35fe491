import type { Guarantee } from './guarantee';
import { images } from './images';
import { names } from './names';
import { network } from './network';
import { policies } from './policies';
import { ports } from './ports';
import { references } from './references';
import { secrets } from './secrets';
import { selectors } from './selectors';
import { waves } from './waves';

/** Every guarantee, in the order of the report. */
export const guarantees: readonly Guarantee[] = [
  references,
  network,
  policies,
  ports,
  selectors,
  names,
  waves,
  images,
  secrets,
];
