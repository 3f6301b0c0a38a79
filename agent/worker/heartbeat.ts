import type { Capabilities, Load } from '#agent/contract/capability';
import type { HeartbeatReply } from '#agent/contract/worker';
import type { Clock } from '#agent/kit/clock';
import type { Log } from '#agent/kit/log';
import { backoffDelayMs } from '#agent/kit/retry';
import type { Rng } from '#agent/kit/rng';
import { attemptName } from './attempt-files';
import type { ControlApi } from './control-api';
import type { Intake } from './intake';
import type { Reachability } from './reachability';
import { isRegistrationGone, type Membership, type Registrar } from './registration';
import type { WorkerMetrics } from './worker-metrics';

export interface HeartbeatOptions {
  api: ControlApi;
  workerId: string;
  instance: string;
  slots: () => number;
  registrar: Registrar;
  intake: Intake;
  capabilities: () => Capabilities;
  load: () => Promise<Load>;
  /** The operator's own interval, if one was set: it goes before the control plane's. */
  heartbeatMs: number | undefined;
  /** Aborts when the next heartbeat should not wait its interval, as to acknowledge a grant. */
  nudged: () => AbortSignal;
  reachability: Reachability;
  clock: Clock;
  rng: Rng;
  log: Log;
  metrics: Pick<WorkerMetrics, 'heartbeats' | 'heartbeatFailures'>;
}

/** Heartbeats until the signal aborts; never rejects. Independent of polls, downloads and reports. */
export async function runHeartbeats(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { clock, rng, registrar } = options;
  for (let failuresInRow = 0; !signal.aborted;) {
    const membership = await registrar.ensure(signal);
    if (membership === undefined) return;
    const intervalMs = options.heartbeatMs ?? membership.heartbeatMs;
    const sentBootMs = clock.bootMs();
    const nudged = options.nudged();
    const good = await beat(options, membership, signal);
    failuresInRow = good ? 0 : failuresInRow + 1;
    // After a failure sooner than the interval, since leases may be running out.
    const pauseMs = good
      ? intervalMs
      : Math.min(intervalMs, backoffDelayMs(FAILURE_BACKOFF, failuresInRow, rng));
    const until = (bootMs: number): number => Math.max(0, bootMs - clock.bootMs());
    await clock.sleep(until(sentBootMs + Math.min(pauseMs, NUDGED_MS)), signal);
    await clock.sleep(until(sentBootMs + pauseMs), AbortSignal.any([signal, nudged]));
  }
}

async function beat(
  options: HeartbeatOptions,
  membership: Membership,
  signal: AbortSignal,
): Promise<boolean> {
  const { api, workerId, intake, registrar, reachability, clock, metrics } = options;
  const body = {
    instance: options.instance,
    slots: options.slots(),
    free_slots: intake.freeSlots(),
    capabilities: options.capabilities(),
    load: await loadWithin(options),
    leases: intake.held(),
  };
  // Before the request leaves: the control plane can only start counting later.
  const sentBootMs = clock.bootMs();
  try {
    const reply = await api.heartbeat(workerId, body, { signal, timeoutMs: timeoutMs(membership) });
    reachability.succeeded();
    registrar.confirm();
    metrics.heartbeats.inc();
    applyLeases(options, reply, sentBootMs);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    metrics.heartbeatFailures.inc();
    if (isRegistrationGone(error)) registrar.invalidate(membership, error);
    else reachability.failed(error);
    return false;
  }
}

function applyLeases({ intake, log }: HeartbeatOptions, reply: HeartbeatReply, sentBootMs: number): void {
  const held = new Set(intake.held().map(attemptName));
  for (const { operation_id, epoch, state } of reply.leases) {
    const key = { operation_id, epoch };
    // Its result was accepted while this heartbeat was on its way.
    if (!held.has(attemptName(key))) continue;
    switch (state) {
      case 'renewed':
        intake.renewed(key, sentBootMs + reply.lease_ms);
        break;
      case 'cancel':
        intake.cancel(key, 'it was cancelled');
        break;
      case 'lost':
        log.warn('an attempt is not ours any more: its lease ended', key);
        intake.drop(key, 'the attempt is not ours any more');
        break;
    }
  }
}

const FAILURE_BACKOFF = { delayMsMin: 200, delayMsMax: 2_000 };
/** The least time between heartbeats, however many grants come. */
const NUDGED_MS = 500;
const LOAD_WAIT_MS = 100;
const UNKNOWN_LOAD: Load = { load1: null, memoryAvailableBytes: null };

/** Short enough for three tries within a lease. */
function timeoutMs({ leaseMs }: Membership): number {
  return Math.min(5_000, Math.max(500, leaseMs / 4));
}

/** A machine too busy to say its load still has a heartbeat. */
async function loadWithin({ load, clock }: HeartbeatOptions): Promise<Load> {
  const finished = new AbortController();
  const late = clock.sleep(LOAD_WAIT_MS, finished.signal).then(() => UNKNOWN_LOAD);
  try {
    return await Promise.race([load(), late]);
  } catch {
    return UNKNOWN_LOAD;
  } finally {
    finished.abort();
  }
}
