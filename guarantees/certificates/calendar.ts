import type { Platform, PlatformObject } from '../../synth/platform';
import type { Finding } from '../guarantee';
import { time } from '../figures';
import { type Holder, holdersOf } from './holders';
import { type Certificate, certificatesIn, type Issuers, issuersIn, trustedSecrets } from './model';
import { KUBELET, ROLLED } from './programs';

/** What is published at a moment, and holds until the next. */
export interface Step {
  /** Seconds from the beginning. */
  readonly at: number;
  readonly platform: Platform;
}

/** One certificate as it was issued once. */
export interface Issue {
  readonly certificate: Certificate;
  /** Seconds from the beginning. */
  readonly from: number;
  readonly to: number;
  /** What signed it; none where it signs itself. */
  readonly signer?: Issue;
}

/** A leaf from when the first may use it until the last has left it for the next. */
export interface Use {
  readonly issue: Issue;
  readonly until: number;
  /** Seconds that its chain is still good at `until`. */
  readonly margin: number;
}

export interface Calendar {
  readonly uses: readonly Use[];
  /** Times that authorities were issued. */
  readonly authorities: number;
  readonly findings: readonly Finding[];
}

/** A leaf, those who hold it, and the longest that one of them takes. */
interface Leaf {
  readonly certificate: Certificate;
  readonly holders: readonly Holder<PlatformObject>[];
  readonly within: number;
}

/**
 * Plays what cert-manager does: a certificate is issued when its object comes, and again `renewBefore` before its end, each time by
 * what its issuer signs with at that moment. Every use of a leaf must end before any part of its chain does, and its root must be
 * in every bundle that somebody may still have meanwhile.
 */
export function calendarOf(steps: readonly Step[], seconds: number): Calendar {
  const findings: Finding[] = [];
  const uses: Use[] = [];
  const course = new Course(steps);
  const leaves = steps.flatMap(({ platform }) => leavesIn(platform));
  const distinct = new Map(leaves.map((leaf) => [leaf.certificate.name, leaf]));
  for (const { certificate, holders, within } of distinct.values()) {
    for (const { object, name, program } of holders)
      if (!program)
        findings.push({
          path: object.path,
          cause: `${name} holds ${certificate.name}, and nothing says how it takes a renewed one`,
          remedy: 'have it reload or restart, and say how in guarantees/certificates/programs.ts',
        });
    for (let issue = course.first(certificate), next; issue.from < seconds; issue = next) {
      next = course.next(issue);
      const until = next.from + KUBELET + within;
      const margin = Math.min(...chainOf(issue).map(({ to }) => to)) - until;
      uses.push({ issue, until, margin });
      findings.push(...outlived(issue, margin), ...distrusted(course, issue, until));
    }
  }
  return { uses, authorities: course.authorities(seconds), findings: distinctFindings(findings) };
}

function leavesIn(platform: Platform): Leaf[] {
  return certificatesIn(platform)
    .filter(({ issuedFor }) => issuedFor.isCA !== true)
    .map((certificate) => {
      const holders = holdersOf(certificate, platform);
      return {
        certificate,
        holders,
        within: Math.max(0, ...holders.map(({ program }) => program?.leaf.within ?? 0)),
      };
    });
}

/** Who signs, and whom everybody trusts, from a moment on. */
interface Rules {
  readonly at: number;
  readonly issuers: Issuers;
  readonly trusted: ReadonlySet<string>;
}

/** What was issued when. */
class Course {
  private readonly births = new Map<string, number>();
  private readonly known = new Map<string, Certificate>();
  private readonly rules: readonly Rules[];

  constructor(steps: readonly Step[]) {
    // Read once: they are asked at every issue.
    this.rules = steps.map(({ at, platform }) => {
      const certificates = certificatesIn(platform);
      for (const certificate of certificates) {
        if (!this.births.has(certificate.name)) this.births.set(certificate.name, at);
        this.known.set(certificate.name, certificate);
      }
      return { at, issuers: issuersIn(platform, certificates), trusted: trustedSecrets(platform) };
    });
  }

  first(certificate: Certificate): Issue {
    return this.at(certificate, this.births.get(certificate.name) ?? 0);
  }

  next({ certificate, from }: Issue): Issue {
    return this.at(certificate, from + periodOf(certificate));
  }

  /** The issue of an authority that is in force at a moment. */
  inForce(certificate: Certificate, moment: number): Issue {
    const birth = this.births.get(certificate.name) ?? 0;
    const period = periodOf(certificate);
    return this.at(certificate, birth + Math.floor(Math.max(0, moment - birth) / period) * period);
  }

  authorities(seconds: number): number {
    return [...this.known.values()]
      .filter(({ issuedFor }) => issuedFor.isCA === true)
      .reduce((sum, { name, duration, renewBefore }) => {
        const lived = seconds - (this.births.get(name) ?? 0);
        return sum + 1 + Math.floor(lived / periodOf({ duration, renewBefore }));
      }, 0);
  }

  /** Bundles that somebody may have in a span of time: a new one reaches the last after a while. */
  bundles(from: number, until: number): ReadonlySet<string>[] {
    return this.rules
      .filter(({ at }, i) => at <= until && (this.rules[i + 1]?.at ?? Infinity) + ROLLED > from)
      .map(({ trusted }) => trusted);
  }

  private at(certificate: Certificate, from: number): Issue {
    const rules = this.rules.findLast(({ at }) => at <= from) ?? this.rules[0];
    const signer = rules?.issuers.get(certificate.issuer);
    return {
      certificate,
      from,
      to: from + certificate.duration,
      ...(signer && signer !== 'self' ? { signer: this.inForce(signer, from) } : {}),
    };
  }
}

/** A certificate and what signed it, the root last. */
export function chainOf(issue: Issue): Issue[] {
  return [issue, ...(issue.signer ? chainOf(issue.signer) : [])];
}

function outlived({ certificate, from }: Issue, margin: number): Finding[] {
  if (margin > 0) return [];
  return [
    {
      path: certificate.object.path,
      cause: `${certificate.name}, issued ${time(from)} from the beginning, is still in use ${time(-margin)} after its chain has ended`,
      remedy: 'renew it earlier, or have its holders take the new one sooner',
    },
  ];
}

function distrusted(course: Course, issue: Issue, until: number): Finding[] {
  const root = chainOf(issue).at(-1);
  if (!root || root.certificate.issuedFor.isCA !== true) return [];
  const secret = root.certificate.issuedFor.secretName;
  if (course.bundles(issue.from, until).every((bundle) => bundle.has(secret))) return [];
  return [
    {
      path: issue.certificate.object.path,
      cause: `${issue.certificate.name}, issued ${time(issue.from)} from the beginning and in use until ${time(until)}, goes back to ${secret}, which somebody does not have in their bundle meanwhile`,
      remedy: 'trust a root everywhere before it issues, and until the last that it signed is out of use',
    },
  ];
}

/** Seconds from one issue to the next; of one that is to be renewed before it begins, which is refused elsewhere: its whole life. */
const periodOf = ({ duration, renewBefore }: { duration: number; renewBefore: number }): number =>
  renewBefore < duration ? duration - renewBefore : Math.max(1, duration);

function distinctFindings(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}
