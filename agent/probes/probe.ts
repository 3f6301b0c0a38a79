import type { Capabilities, CapabilityName } from '#agent/contract/capability';
import type { HostReader } from './host';

/** One capability of a node. It only looks; `run.ts` owns time, errors and repetition. */
export interface Probe<Name extends CapabilityName = CapabilityName> {
  name: Name;
  /** How often the fact is established again. */
  periodMs: number;
  /** Bound of one look; default PROBE_TIMEOUT_MS. Longer only where there is hardware to wait for. */
  timeoutMs?: number;
  /** The first heartbeat goes without it after PROBE_LATE_MS; the fact comes with a later one. */
  isLate?: boolean;
  /** Wait after a failed look; default PROBE_RETRY_MS. Longer only where a look costs something. */
  retryMs?: number;
  /** Absence is an answer; an exception makes this fact, and only this one, `failed`. */
  probe(host: HostReader): Promise<Finding<CapabilityValue<Name>>>;
}

export type CapabilityValue<Name extends CapabilityName> = Extract<
  NonNullable<Capabilities[Name]>,
  { state: 'present' }
>['value'];

/** A fact without its time, which the framework adds. Derivations are sentences for people. */
export type Finding<Value> =
  | { state: 'present'; value: Value; derivation: string[] }
  | { state: 'absent'; reason: string; derivation: string[] };

/** One probe for each capability of the contract; those that later versions added may be missing in tests. */
export type ProbeSet = { [Name in keyof Capabilities]: Probe<Name> };
