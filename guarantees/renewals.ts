import { calendarOf } from './certificates/calendar';
import { time } from './figures';
import type { Guarantee } from './guarantee';

/** Five years. */
const SECONDS = 5 * 365 * 86400;

/** Over five years no certificate is in use that has ended or that somebody does not trust. */
export const renewals: Guarantee = {
  name: 'renewals',
  check: (platform) => {
    const { uses, authorities, findings } = calendarOf([{ at: 0, platform }], SECONDS);
    const margins = uses.map(({ margin }) => margin);
    return {
      findings,
      facts: [
        {
          subject: 'certificates issued in five years',
          figure: `${uses.length}, authorities ${authorities}`,
        },
        {
          subject: 'closest to its end that one is used',
          figure: margins.length > 0 ? time(Math.min(...margins)) : 'there is none',
        },
      ],
    };
  },
};
