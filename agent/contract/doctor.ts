import { z } from 'zod';
import { describeError, Fault } from '#agent/kit/error';

/** `skipped` makes no sense here, or could not be told; `warn` works, but not as it should; `bad` is broken. */
export const CHECK_STATES = ['ok', 'warn', 'bad', 'skipped'] as const;
export type CheckState = (typeof CHECK_STATES)[number];

/** One fact with its verdict, as `doctor` shows it. Nothing in it is ever a secret. */
export const checkSchema = z.object({
  /** Word by which the check is asked for: `ktrdr-agent doctor schema`. */
  name: z.string().max(60),
  state: z.enum(CHECK_STATES),
  /** One sentence for people. */
  summary: z.string().max(2_000),
  /** How the summary was found: sentences, each with its source and figure. */
  derivation: z.array(z.string().max(2_000)).max(256),
  /** The command or setting that puts it right; null where there is nothing to do. */
  fix: z.string().max(2_000).nullable(),
});
export type Check = z.infer<typeof checkSchema>;

/** What the control plane knows of itself, its database and the fleet. */
export const doctorReportSchema = z.object({
  version: z.string(),
  commit: z.string(),
  checks: z.array(checkSchema),
  generated_at: z.string(),
});
export type DoctorReport = z.infer<typeof doctorReportSchema>;

/** The checks that the control plane answers, alphabetical; the others look at the machine `doctor` runs on. */
export const CONTROL_CHECKS = ['agents', 'database', 'leases', 'schema', 'work'] as const;
export type ControlCheckName = (typeof CONTROL_CHECKS)[number];

/** What each looks at, for the help page. */
export const ABOUT_CONTROL_CHECKS: Readonly<Record<ControlCheckName, string>> = {
  agents: 'agents of the fleet that are not ready, or of another version',
  database: 'version, clock, connections and durability of the database',
  leases: 'rights of agents to their work',
  schema: 'migrations, and drift of the live schema from them',
  work: 'what waits, and why',
};

/** What a check found; its name is added by whoever ran it. */
export type Finding = Omit<Check, 'name'>;

export function fine(summary: string, derivation: readonly string[] = []): Finding {
  return { state: 'ok', summary, derivation: [...derivation], fix: null };
}

/** For what makes no sense here, or could not be told. */
export function skipped(summary: string, derivation: readonly string[] = []): Finding {
  return { state: 'skipped', summary, derivation: [...derivation], fix: null };
}

export interface Trouble {
  fix: string;
  derivation?: readonly string[];
}

export function warning(summary: string, { fix, derivation = [] }: Trouble): Finding {
  return { state: 'warn', summary, derivation: [...derivation], fix };
}

export function broken(summary: string, { fix, derivation = [] }: Trouble): Finding {
  return { state: 'bad', summary, derivation: [...derivation], fix };
}

/** A fault keeps its hint as the fix; anything else is a mistake of the check itself. */
export function findingOfError(error: unknown): Finding {
  if (error instanceof Fault) {
    return broken(error.message, { fix: error.hint ?? 'the log of the control plane says more' });
  }
  const fix = 'report this with the output of `ktrdr-agent doctor --json`';
  return broken(`this check itself failed: ${describeError(error)}`, { fix });
}
