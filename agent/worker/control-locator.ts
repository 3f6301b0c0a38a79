import type { Clock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';

export interface LocatorOptions {
  /** The URL of the settings; it goes first, since somebody chose it. */
  configured: string | undefined;
  /** Those that gossip names now, in a stable order. */
  discovered: () => readonly string[];
  clock: Clock;
  log: Log;
}

/** Several requests fail together when a control plane goes: they are one reason to look elsewhere. */
const DWELL_MS = 2_000;

/**
 * Which control plane this agent talks to. It stays with one while that answers; when it does not, or when
 * it is gone from gossip, the next one is asked, so that an agent follows a control plane that moves.
 */
export class ControlLocator {
  readonly #options: LocatorOptions;
  #current: string | undefined;
  #movedBootMs = -Infinity;

  constructor(options: LocatorOptions) {
    this.#options = options;
  }

  /** Fault(unavailable) while nobody is known. */
  url(): string {
    const candidates = this.#candidates();
    const known = this.#current !== undefined && candidates.includes(this.#current);
    const url = known ? this.#current : candidates[0];
    if (url === undefined) {
      throw new Fault('unavailable', 'Cannot find the control plane: gossip has not heard of one', {
        hint: 'set api_url (KTRDR_API_URL), or see `ktrdr-agent members` for who is heard and the log for why not',
      });
    }
    this.#moveTo(url);
    return url;
  }

  /** For people: the present one, or what is known instead. */
  describe(): string {
    return this.#current ?? this.#candidates()[0] ?? 'none found yet';
  }

  /** The present one did not answer. */
  unreachable(): void {
    const candidates = this.#candidates();
    if (candidates.length < 2 || this.#options.clock.bootMs() - this.#movedBootMs < DWELL_MS) return;
    const index = this.#current === undefined ? -1 : candidates.indexOf(this.#current);
    const next = candidates[(index + 1) % candidates.length];
    if (next !== undefined) this.#moveTo(next);
  }

  #moveTo(url: string): void {
    if (url === this.#current) return;
    const before = this.#current;
    this.#current = url;
    this.#movedBootMs = this.#options.clock.bootMs();
    if (before !== undefined) this.#options.log.info('asking another control plane', { url, before });
  }

  #candidates(): string[] {
    const { configured, discovered } = this.#options;
    const others = discovered().filter((url) => url !== configured);
    return configured === undefined ? others : [configured, ...others];
  }
}
