import { networkInterfaces } from 'node:os';
import type { Clock } from '#agent/kit/clock';
import { isLoopbackAddress, plainAddress, withoutBrackets } from '#agent/kit/ip-address';
import type { Log } from '#agent/kit/log';
import type { Endpoint } from './endpoint-address';

/** Under which URL the agent registers, now. */
export interface EndpointSource {
  readonly url: string;
  /** Looks again where the present answer may be wrong. Never rejects. */
  refresh(): Promise<void>;
}

export interface EndpointWatchOptions {
  find: () => Promise<Endpoint>;
  clock: Clock;
  log: Log;
  /** Whether this machine still has an address. Default: as the system says. */
  hasAddress?: (address: string) => boolean;
}

/** How often the address is compared with those of the machine, which costs next to nothing … */
export const ADDRESS_CHECK_MS = 5_000;
/** … and how often the route is looked at, which costs a connection: a second interface may come up. */
export const ROUTE_CHECK_MS = 60_000;

/** Follows the address of this agent: another lease of DHCP needs no restart. */
export class EndpointWatch implements EndpointSource, AsyncDisposable {
  readonly #options: EndpointWatchOptions;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #endpoint: Endpoint;
  #lookedBootMs: number;
  #pending: Promise<void> | undefined;

  /** Resolves after the first look. */
  static async start(options: EndpointWatchOptions): Promise<EndpointWatch> {
    const endpoint = await options.find();
    tell(options.log, endpoint, 'others are told this address');
    return new EndpointWatch(options, endpoint);
  }

  private constructor(options: EndpointWatchOptions, endpoint: Endpoint) {
    this.#options = options;
    this.#endpoint = endpoint;
    this.#lookedBootMs = options.clock.bootMs();
    this.#loop = isSettled(endpoint) ? Promise.resolve() : this.#follow();
  }

  get url(): string {
    return this.#endpoint.url;
  }

  async refresh(): Promise<void> {
    if (this.#isDoubtful()) await this.#lookOnce();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #follow(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    for (;;) {
      await clock.sleep(ADDRESS_CHECK_MS, signal);
      if (signal.aborted) return;
      const isDue = clock.bootMs() - this.#lookedBootMs >= ROUTE_CHECK_MS;
      if (isDue || this.#isDoubtful()) await this.#lookOnce();
    }
  }

  #isDoubtful(): boolean {
    const { rule, url } = this.#endpoint;
    if (isSettled(this.#endpoint)) return false;
    const { hasAddress = isOwnAddress } = this.#options;
    return rule === 'host name' || !hasAddress(withoutBrackets(new URL(url).hostname));
  }

  #lookOnce(): Promise<void> {
    this.#pending ??= this.#look().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #look(): Promise<void> {
    const { find, clock, log } = this.#options;
    const before = this.#endpoint;
    const found = await find();
    this.#lookedBootMs = clock.bootMs();
    // Without a control plane nobody could be told, and the old address is the better guess.
    if (found.rule === 'host name' && before.rule === 'route') return;
    this.#endpoint = found;
    if (found.url !== before.url) tell(log, found, 'others are told another address from now on', before.url);
  }
}

function isSettled({ rule }: Endpoint): boolean {
  return rule === 'setting' || rule === 'bind address';
}

function isOwnAddress(address: string): boolean {
  if (isLoopbackAddress(address)) return true;
  try {
    const infos = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
    return infos.some((info) => plainAddress(info.address) === address);
  } catch {
    // A unit that forbids AF_NETLINK gets no list. The route is still looked at once a minute.
    return true;
  }
}

function tell(log: Log, { url, rule, derivation }: Endpoint, message: string, before?: string): void {
  const fields = { url, why: derivation.join('; '), ...(before === undefined ? {} : { before }) };
  if (rule === 'host name') log.warn(message, fields);
  else log.info(message, fields);
}
