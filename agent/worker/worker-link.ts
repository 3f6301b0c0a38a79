import type { Capabilities, Load } from '#agent/contract/capability';
import type { AttemptKey } from '#agent/contract/lease';
import type { Clock } from '#agent/kit/clock';
import { describeError } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import type { Rng } from '#agent/kit/rng';
import type { Delivery } from './attempts/delivery';
import type { Supervisor } from './attempts/supervisor';
import { runClaims } from './claim';
import type { ControlApi } from './control-api';
import type { EndpointSource } from './endpoint-watch';
import { runHeartbeats } from './heartbeat';
import type { NodeIdentity } from './identity';
import { Intake } from './intake';
import type { Reachability } from './reachability';
import { Registrar } from './registration';
import type { WorkerMetrics } from './worker-metrics';

export interface WorkerLinkOptions {
  api: ControlApi;
  identity: NodeIdentity;
  label: string | null;
  endpoint: EndpointSource;
  /** As told to the control plane; read for each heartbeat. */
  slots: () => number;
  attempts: Pick<Supervisor, 'held' | 'freeSlots' | 'start' | 'renewed' | 'cancel'>;
  delivery: Pick<Delivery, 'result'>;
  fetchBars: (dataHash: string, signal: AbortSignal) => Promise<string>;
  /** Members of the fleet's gossip that the control plane named at the registration. */
  onGossipSeeds?: (seeds: readonly string[]) => void;
  capabilities: () => Capabilities;
  load: () => Promise<Load>;
  /** The operator's own interval; undefined: as the control plane says. */
  heartbeatMs: number | undefined;
  reachability: Reachability;
  clock: Clock;
  rng: Rng;
  log: Log;
  metrics: WorkerMetrics;
}

/**
 * The agent's tie to the control plane: registration, heartbeats and polls for work, each at its own
 * pace. While the control plane is away everything that runs goes on, and it is asked again for ever.
 */
export class WorkerLink implements AsyncDisposable {
  readonly #options: WorkerLinkOptions;
  readonly #instance = crypto.randomUUID();
  readonly #intake: Intake;
  readonly #registrar: Registrar;
  readonly #stop = new AbortController();
  readonly #stopClaims = new AbortController();
  #nudge = new AbortController();
  #heartbeats: Promise<void> = Promise.resolve();
  #claims: Promise<void> = Promise.resolve();

  /** Returns at once: registering may take until the control plane is there. */
  static start(options: WorkerLinkOptions): WorkerLink {
    const link = new WorkerLink(options);
    link.#run();
    return link;
  }

  private constructor(options: WorkerLinkOptions) {
    const { identity } = options;
    const instance = this.#instance;
    this.#options = options;
    this.#intake = new Intake({ ...options, workerId: identity.workerId });
    this.#registrar = new Registrar({
      ...options,
      instance,
      stop: this.#stop.signal,
      held: () => this.held(),
    });
  }

  /** Attempts starting, running, or finished and not yet delivered. */
  held(): AttemptKey[] {
    return this.#intake.held();
  }

  freeSlots(): number {
    return this.#intake.freeSlots();
  }

  barsInUse(): ReadonlySet<string> {
    return this.#intake.barsInUse();
  }

  /** No new work from here on. Heartbeats go on. */
  async stopClaiming(): Promise<void> {
    this.#stopClaims.abort();
    await this.#claims;
  }

  /** Gives back what was granted and has not begun; when the signal aborts the control plane is not told. */
  async releaseUnstarted(signal: AbortSignal): Promise<void> {
    await this.#intake.release(signal);
  }

  /** Tells the control plane that this agent leaves on purpose. Tries once; false when it did not hear it. */
  async sayGoodbye(timeoutMs: number): Promise<boolean> {
    const { api, identity, log } = this.#options;
    try {
      await api.stop(identity.workerId, this.#instance, { signal: this.#stop.signal, timeoutMs });
      return true;
    } catch (error) {
      log.warn('the control plane did not hear our goodbye', { reason: describeError(error) });
      return false;
    }
  }

  /** Ends the loops; running attempts are left as they are. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.stopClaiming();
    await this.releaseUnstarted(AbortSignal.abort());
    await this.#heartbeats;
  }

  #run(): void {
    const loop = {
      ...this.#options,
      workerId: this.#options.identity.workerId,
      instance: this.#instance,
      registrar: this.#registrar,
      intake: this.#intake,
    };
    this.#heartbeats = runHeartbeats({ ...loop, nudged: () => this.#nextNudge() }, this.#stop.signal);
    const stop = AbortSignal.any([this.#stop.signal, this.#stopClaims.signal]);
    this.#claims = runClaims({ ...loop, nudge: () => this.#nudge.abort() }, stop);
  }

  #nextNudge(): AbortSignal {
    if (this.#nudge.signal.aborted) this.#nudge = new AbortController();
    return this.#nudge.signal;
  }
}
