import type { z } from 'zod';
import type { BarsInput } from './lease';

/** What an agent must offer to run a piece of work. */
export interface Needs {
  cores: number;
  memoryBytes: number;
  gpu: 'none' | 'preferred' | 'required';
}

/** The bars a piece of work reads: pinned by hash when it is submitted. */
export interface BarsRequest {
  symbol: string;
  timeframe: string;
  /** ISO dates or instants; null means from the first, to the last bar. End is exclusive. */
  start: string | null;
  end: string | null;
}

/** How work splits into units that many agents share. */
export interface Split {
  units: number;
  unitsPerBatch: number;
}

/**
 * The declaration of a job kind: everything the control plane must know of it, and nothing it would
 * have to execute. HTTP validation, placement and the command line derive from it.
 */
export interface JobKind {
  /** Also KTRDR's operation_type. */
  name: string;
  description: string;
  parameters: z.ZodType<Record<string, unknown>>;
  result: z.ZodType<Record<string, unknown>>;
  priority: number;
  /** `pure` work may outlive its lease, since fencing makes late results harmless; `effects` must stop. */
  lease: 'pure' | 'effects';
  attemptsMax: number;
  /** Of one attempt, in milliseconds. */
  timeoutMs: number;
  needs(parameters: Record<string, unknown>): Needs;
  bars(parameters: Record<string, unknown>): BarsRequest | null;
  /**
   * Checks that the schema cannot say (strategies and their parameters), and the defaults that depend
   * on them, so that what is stored and hashed is all that the job will use. Throws Fault `invalid`.
   */
  normalize?(parameters: Record<string, unknown>): Record<string, unknown>;
  /**
   * Throws Fault `invalid` for too many units. `bars` are those that were pinned, null for a kind that
   * reads none. Undefined: one attempt does it all.
   */
  split?(parameters: Record<string, unknown>, bars: BarsInput | null): Split;
  /** What people see in lists: symbol, timeframe, strategy and so on. */
  metadata(parameters: Record<string, unknown>): Record<string, unknown>;
  /** The few figures of a result that a list shows. */
  summarize(result: Record<string, unknown>): Record<string, unknown>;
}
