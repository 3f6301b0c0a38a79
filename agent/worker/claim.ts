import type { ClaimReply } from '#agent/contract/lease';
import type { Clock } from '#agent/kit/clock';
import { describeError } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import { backoffDelayMs } from '#agent/kit/retry';
import type { Rng } from '#agent/kit/rng';
import type { ControlApi } from './control-api';
import { retryAfterMs } from './http-delivery';
import type { Intake } from './intake';
import type { Reachability } from './reachability';
import { isRegistrationGone, type Membership, type Registrar } from './registration';

export interface ClaimOptions {
  api: ControlApi;
  workerId: string;
  instance: string;
  registrar: Registrar;
  intake: Intake;
  /** Asks for a heartbeat soon: it acknowledges new work, and tells an outage from a failed poll. */
  nudge: () => void;
  reachability: Reachability;
  clock: Clock;
  rng: Rng;
  log: Log;
}

/**
 * Keeps one poll with the control plane until the signal aborts; never rejects. A poll that was not
 * answered, for whatever reason, is repeated under its nonce: its grants cannot be lost on the way.
 */
export async function runClaims(options: ClaimOptions, signal: AbortSignal): Promise<void> {
  const { clock, rng, registrar } = options;
  let nonce: string = crypto.randomUUID();
  for (let failuresInRow = 0; !signal.aborted;) {
    const membership = await registrar.ensure(signal);
    if (membership === undefined) return;
    const outcome = await poll(options, { membership, nonce }, signal);
    if (outcome.state === 'answered' || outcome.state === 'unregistered') nonce = crypto.randomUUID();
    failuresInRow = outcome.state === 'failed' ? failuresInRow + 1 : 0;
    if (outcome.state !== 'failed') continue;
    if (failuresInRow === 1) options.nudge();
    report(options, outcome.error, failuresInRow);
    await clock.sleep(
      retryAfterMs(outcome.error) ?? backoffDelayMs(FAILURE_BACKOFF, failuresInRow, rng),
      signal,
    );
  }
}

type Outcome =
  | { state: 'answered' }
  /** Withdrawn by ourselves, to be asked again with more free slots. */
  | { state: 'withdrawn' }
  | { state: 'unregistered' }
  | { state: 'failed'; error: unknown };

interface Poll {
  membership: Membership;
  nonce: string;
}

async function poll(options: ClaimOptions, { membership, nonce }: Poll, stop: AbortSignal): Promise<Outcome> {
  const { api, workerId, instance, intake, clock, registrar, reachability } = options;
  const free_slots = intake.freeSlots();
  const sentBootMs = clock.bootMs();
  // Shorter than the lease, which is counted from here for what this poll is granted.
  const wait_ms = Math.min(WAIT_MS_MAX, Math.floor(membership.leaseMs / 2));
  const over = new AbortController();
  const freed = abortWhenFreed(options, { free_slots, over: AbortSignal.any([stop, over.signal]) });
  try {
    const reply = await api.claim(
      workerId,
      { instance, nonce, free_slots, wait_ms },
      { signal: AbortSignal.any([stop, freed]), timeoutMs: wait_ms + ANSWER_MS },
    );
    reachability.succeeded();
    applyReply(intake, reply, sentBootMs);
    if (reply.grants.length > 0) options.nudge();
    return { state: 'answered' };
  } catch (error) {
    if (stop.aborted || freed.aborted) return { state: 'withdrawn' };
    if (isRegistrationGone(error)) {
      registrar.invalidate(membership, error);
      return { state: 'unregistered' };
    }
    return { state: 'failed', error };
  } finally {
    over.abort();
  }
}

/** An outage is said by the heartbeats; that only polls fail is news, at first and about once a minute. */
function report({ reachability, log }: ClaimOptions, error: unknown, failuresInRow: number): void {
  if (reachability.reason !== null || failuresInRow % FAILURES_PER_LINE !== FAILURES_BEFORE_LINE) return;
  log.warn('polls for work fail although heartbeats are answered', { reason: describeError(error) });
}

/** Aborts once there are more free slots than a poll said: it would wait although there is room. */
function abortWhenFreed(
  { intake, clock }: ClaimOptions,
  poll: { free_slots: number; over: AbortSignal },
): AbortSignal {
  const freed = new AbortController();
  // Only polls bring work, so an idle agent has nothing that could become free: it sleeps.
  if (intake.held().length === 0) return freed.signal;
  const watch = async (): Promise<void> => {
    while (!poll.over.aborted && intake.freeSlots() <= poll.free_slots) {
      await clock.sleep(SLOT_CHECK_MS, poll.over);
    }
    if (!poll.over.aborted) freed.abort();
  };
  void watch();
  return freed.signal;
}

function applyReply(intake: Intake, reply: ClaimReply, sentBootMs: number): void {
  for (const key of reply.cancel) intake.cancel(key, 'it was cancelled');
  // The lease began at some time after this poll was sent: counting from then never overstates it.
  for (const grant of reply.grants) intake.take(grant, sentBootMs + grant.lease_ms);
}

const WAIT_MS_MAX = 20_000;
/** How long a slot may stand empty while a poll still says it is taken. */
const SLOT_CHECK_MS = 25;
/** Beyond the wait, for the answer to arrive. */
const ANSWER_MS = 10_000;
const FAILURES_BEFORE_LINE = 5;
const FAILURES_PER_LINE = 40;
const FAILURE_BACKOFF = { delayMsMin: 200, delayMsMax: 2_000 };
