import type { Clock } from '#agent/kit/clock';
import { describeError, Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';

export interface ReachabilityOptions {
  /** Of the control plane that is asked now, for people. */
  url: () => string;
  /** No answer came: whoever knows another way may take it. */
  onUnreachable?: () => void;
  tokenFile: string;
  clock: Clock;
  log: Log;
}

/**
 * Whether the control plane answers us, as `/health` says it, and the log's account of it: the first
 * failure, each new kind of failure, one line a minute while it lasts, and the end of it.
 */
export class Reachability {
  readonly #options: ReachabilityOptions;
  #outage: Outage | undefined;
  #everReached = false;

  constructor(options: ReachabilityOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#options.url();
  }

  /** Null while all is well; else why not, in words. Before the first answer nothing is well. */
  get reason(): string | null {
    if (this.#outage !== undefined) return this.#outage.reason;
    return this.#everReached ? null : 'there was no answer yet';
  }

  succeeded(): void {
    const outage = this.#outage;
    this.#outage = undefined;
    const { clock, log } = this.#options;
    if (outage !== undefined) {
      const forSeconds = Math.round((clock.bootMs() - outage.sinceBootMs) / 1000);
      log.info('the control plane answers again', { url: this.url, after_s: forSeconds });
    } else if (!this.#everReached) log.info('the control plane answers', { url: this.url });
    this.#everReached = true;
  }

  failed(error: unknown): void {
    const { clock, log } = this.#options;
    const nowBootMs = clock.bootMs();
    // What the system said is in the cause; the message of a fault says the same to people.
    const reason = error instanceof Fault ? error.message : describeError(error);
    const kind = error instanceof Fault ? error.code : 'unknown';
    if (isSilence(kind)) this.#options.onUnreachable?.();
    const before = this.#outage;
    const isNews = before === undefined || before.kind !== kind;
    const outage = {
      reason,
      kind,
      sinceBootMs: before?.sinceBootMs ?? nowBootMs,
      failures: (before?.failures ?? 0) + 1,
      loggedBootMs: before?.loggedBootMs ?? nowBootMs,
    };
    this.#outage = outage;
    if (!isNews && nowBootMs - outage.loggedBootMs < LOG_INTERVAL_MS) return;
    outage.loggedBootMs = nowBootMs;
    log.warn(this.#headline(kind), { url: this.url, reason, failures: outage.failures, ...hintOf(error) });
  }

  #headline(kind: string): string {
    if (kind === 'unauthorized') {
      return `the control plane refuses the token of ${this.#options.tokenFile}`;
    }
    if (isSilence(kind)) {
      return 'the control plane does not answer; running work goes on';
    }
    return 'the control plane refuses a request of this agent';
  }
}

/** No answer, unlike a refusal. */
function isSilence(kind: string): boolean {
  return kind === 'unavailable' || kind === 'timeout';
}

interface Outage {
  reason: string;
  kind: string;
  sinceBootMs: number;
  failures: number;
  loggedBootMs: number;
}

const LOG_INTERVAL_MS = 60_000;

function hintOf(error: unknown): { hint?: string } {
  return error instanceof Fault && error.hint !== undefined ? { hint: error.hint } : {};
}
