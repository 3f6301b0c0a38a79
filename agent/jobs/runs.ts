import type { RunJob } from './job';

/** The code of every kind, alphabetical and loaded when first needed: the counterpart of registry.ts. */
const JOB_RUNS: Readonly<Record<string, () => Promise<RunJob>>> = {
  backtesting: async () => (await import('./backtesting/run')).runBacktestJob,
  sweep: async () => (await import('./sweep/run')).runSweepJob,
};

/** Undefined for a kind that this program does not know, as after a control plane was upgraded first. */
export function loadJob(kind: string): Promise<RunJob> | undefined {
  return Object.hasOwn(JOB_RUNS, kind) ? JOB_RUNS[kind]?.() : undefined;
}
