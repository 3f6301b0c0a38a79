import type { AttemptKey } from '#agent/contract/lease';
import type { Capabilities } from '#agent/contract/capability';
import { abortable } from '#agent/kit/abortable';
import { assert } from '#agent/kit/assert';
import { buildInfo } from '#agent/kit/build-info';
import type { Clock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import { backoffDelayMs, retry } from '#agent/kit/retry';
import type { Rng } from '#agent/kit/rng';
import type { ControlApi } from './control-api';
import type { EndpointSource } from './endpoint-watch';
import type { NodeIdentity } from './identity';
import type { Reachability } from './reachability';

/** What the control plane knows of this agent while the registration holds. */
export interface Membership {
  /** Counts registrations: an error of an older one says nothing about the present one. */
  readonly generation: number;
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  /** Under which others were told to reach this agent. */
  readonly endpointUrl: string;
}

export interface RegistrarOptions {
  api: ControlApi;
  identity: NodeIdentity;
  /** One start of this agent; a copy of it has another. */
  instance: string;
  label: string | null;
  endpoint: EndpointSource;
  slots: () => number;
  capabilities: () => Capabilities;
  held: () => AttemptKey[];
  /** Members of the fleet's gossip that the control plane named. */
  onGossipSeeds?: (seeds: readonly string[]) => void;
  reachability: Reachability;
  /** The end of all trying. */
  stop: AbortSignal;
  clock: Clock;
  rng: Rng;
  log: Log;
}

/** Keeps this agent registered: the loops ask for the membership and say when it is gone. */
export class Registrar {
  readonly #options: RegistrarOptions;
  #membership: Membership | undefined;
  #pending: Promise<Membership> | undefined;
  #generation = 0;
  /** Registrations lost since the last one that was good for something. */
  #lostInRow = 0;

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  /**
   * The present membership, registering first if need be, also under another address, for as long as it
   * takes; undefined when the signal aborts.
   */
  async ensure(signal: AbortSignal): Promise<Membership | undefined> {
    const membership = this.#membership;
    if (membership !== undefined && membership.endpointUrl === this.#options.endpoint.url) return membership;
    this.#pending ??= this.#register().finally(() => {
      this.#pending = undefined;
    });
    try {
      return await abortable(this.#pending, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  /** The control plane does not know this registration (any more). */
  invalidate(membership: Membership, error: unknown): void {
    if (this.#membership?.generation !== membership.generation) return;
    this.#membership = undefined;
    this.#lostInRow += 1;
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.log.info('registration is gone, registering again', { reason });
  }

  /** A registration was good for a heartbeat. */
  confirm(): void {
    this.#lostInRow = 0;
  }

  async #register(): Promise<Membership> {
    const { clock, rng, reachability, log, api, endpoint, stop: signal } = this.#options;
    // Two agents with one identity would throw each other out as fast as the network allows.
    if (this.#lostInRow > 1) await clock.sleep(backoffDelayMs(BACKOFF, this.#lostInRow, rng), signal);
    const reply = await retry(
      async () => {
        signal.throwIfAborted();
        // Our address is our end of the way there, so there must be a way first: this throws without one.
        assert(api.url !== '', 'a control plane has an address');
        await endpoint.refresh();
        const body = this.#registration();
        const answer = await api.register(body, { signal, timeoutMs: REGISTER_TIMEOUT_MS });
        return { ...answer, endpointUrl: body.endpoint_url };
      },
      {
        clock,
        rng,
        signal,
        backoff: BACKOFF,
        retryable: () => !signal.aborted,
        onRetry: (error) => reachability.failed(error),
      },
    );
    reachability.succeeded();
    this.#generation += 1;
    this.#membership = {
      generation: this.#generation,
      heartbeatMs: reply.heartbeat_ms,
      leaseMs: reply.lease_ms,
      endpointUrl: reply.endpointUrl,
    };
    this.#options.onGossipSeeds?.(reply.gossip ?? []);
    log.info('registered', { url: api.url, heartbeat_ms: reply.heartbeat_ms, lease_ms: reply.lease_ms });
    return this.#membership;
  }

  #registration() {
    const { identity, instance, label, endpoint, slots, capabilities, held } = this.#options;
    return identity.signRegistration({
      worker_id: identity.workerId,
      name: identity.name,
      label,
      public_key: identity.publicKey,
      instance,
      endpoint_url: endpoint.url,
      version: buildInfo.version,
      commit: buildInfo.commit,
      slots: slots(),
      capabilities: capabilities(),
      leases: held(),
    });
  }
}

/** Whether an error says that the control plane does not know this agent, or knows another instance. */
export function isRegistrationGone(error: unknown): boolean {
  return error instanceof Fault && (error.code === 'not_found' || error.code === 'conflict');
}

const BACKOFF = { delayMsMin: 200, delayMsMax: 5_000 };
const REGISTER_TIMEOUT_MS = 10_000;
