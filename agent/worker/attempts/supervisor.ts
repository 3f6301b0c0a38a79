import type { JobSpec } from '#agent/contract/job';
import type { AttemptKey } from '#agent/contract/lease';
import type { Clock } from '#agent/kit/clock';
import type { Log } from '#agent/kit/log';
import type { Delivery } from './delivery';

export interface SupervisorOptions {
  /** Holds shims/ and attempts/; short, since a socket's path ends at 107 bytes, and local. */
  runtimeDir: string;
  slots: number;
  worker: { id: string; name: string };
  delivery: Delivery;
  clock: Clock;
  log: Log;
  /** Default: this program's own `__job`; from source the caller says how to start it. */
  shimCommand?: readonly string[];
  workloadCommand?: readonly string[];
}

/** The agent's side of all attempts on this host: starts shims, follows their files, delivers. */
export interface Supervisor extends AsyncDisposable {
  /** Attempts running, or finished and not yet delivered: what heartbeats list as held. */
  held(): AttemptKey[];
  freeSlots(): number;
  /** Repeating an attempt that is held does nothing. What cannot be started is reported `lost`. */
  start(job: Omit<JobSpec, 'attempt_dir'>, deadlineBootMs: number): Promise<void>;
  renewed(key: AttemptKey, deadlineBootMs: number): void;
  cancel(key: AttemptKey, outcome: 'cancelled' | 'released', reason: string): void;
  /** `release` gives all work back and delivers that, within 25 s; otherwise it runs on without an agent. */
  close(options: { release: boolean }): Promise<void>;
}
