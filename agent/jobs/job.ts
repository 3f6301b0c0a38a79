import type { UnitRange } from '#agent/contract/lease';
import type { Progress } from '#agent/contract/operation';
import type { SpooledUnit } from '#agent/contract/job';
import type { Bars } from '#agent/engine/bars';

/** What a job's code sees while it runs in the workload process. It has no other way out. */
export interface JobContext {
  parameters: Record<string, unknown>;
  /** The pinned bars, mapped from the host cache. A job that asked for none must not call it. */
  bars(): Promise<Bars>;
  /** The batch's units; null when one attempt does it all. Units in `done` already have results. */
  units: UnitRange | null;
  /** Accepts the result of one unit: it is on disk before a crash of this process can lose it. */
  emitUnit(unit: SpooledUnit): void;
  reportProgress(progress: Partial<Progress> & { percentage: number }): void;
  /** A line in the attempt's log. */
  log(line: string): void;
  /**
   * Lets messages in and out when the last yield was over 10 ms ago, so that a tight loop can be
   * cancelled; throws the cancellation. Cheap enough to await after every unit.
   */
  breathe(): Promise<void>;
  signal: AbortSignal;
}

/** The code of a job kind: `run.ts` in the kind's folder. */
export type RunJob = (context: JobContext) => Promise<Record<string, unknown>>;
