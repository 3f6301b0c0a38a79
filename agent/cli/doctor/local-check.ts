import type { Finding } from '#agent/contract/doctor';
import type { Patient } from './patient';

/** Headings under which checks are shown, in this order. */
export const TOPICS = ['settings', 'machine', 'node', 'control'] as const;
export type Topic = (typeof TOPICS)[number];

/** One check of the machine that `doctor` runs on; its file is one line in checks/registry.ts. */
export interface LocalCheck {
  name: string;
  topic: Topic;
  /** What it looks at, for the help page. */
  about: string;
  /** Time, errors and the rest of the report are the business of run-checks.ts. */
  run(patient: Patient): Promise<Finding>;
}

const GRAVITY: Readonly<Record<Finding['state'], number>> = { skipped: 0, ok: 1, warn: 2, bad: 3 };

/** Several findings as one: the gravest speaks, all derivations stay, and each fix of its gravity is named once. */
export function gravest(findings: readonly Finding[]): Finding {
  const most = Math.max(...findings.map(({ state }) => GRAVITY[state]));
  const grave = findings.filter(({ state }) => GRAVITY[state] === most);
  const [first] = grave;
  if (first === undefined)
    return { state: 'skipped', summary: 'nothing to look at', derivation: [], fix: null };
  const others = findings.filter((finding) => finding !== first && finding.state !== 'ok');
  const fixes = new Set(grave.map(({ fix }) => fix).filter((fix) => fix !== null));
  return {
    state: first.state,
    summary: first.summary,
    derivation: [
      ...findings.flatMap(({ derivation }) => derivation),
      ...others.filter(({ state }) => state !== 'skipped').map(({ summary }) => summary),
    ],
    fix: fixes.size === 0 ? null : [...fixes].join('; '),
  };
}

/** Findings that are all fine, as one: what each says goes into the derivation where there are several. */
export function together(findings: readonly Finding[], sentence: (count: number) => string): Finding {
  const [only, ...others] = findings;
  if (only !== undefined && others.length === 0) return only;
  const derivation = findings.flatMap(({ summary, derivation }) => [summary, ...derivation]);
  return { state: 'ok', summary: sentence(findings.length), derivation, fix: null };
}
