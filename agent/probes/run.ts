import {
  capabilitiesSchema,
  LINE_CHARS_MAX,
  LINES_MAX,
  type Capabilities,
  type CapabilityName,
  type Fact,
} from '#agent/contract/capability';
import { assert } from '#agent/kit/assert';
import type { Clock } from '#agent/kit/clock';
import { describeError } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import type { HostReader } from './host';
import type { Probe, ProbeSet } from './probe';

/**
 * A look takes milliseconds; on a machine whose cores are all at work it may have to wait for one. All
 * probes run at once, so this is also the bound of the whole: the first heartbeat waits for it.
 */
export const PROBE_TIMEOUT_MS = 1_000;
/** The first heartbeat does not wait longer than this for what may take long, such as programs. */
export const PROBE_LATE_MS = 150;
/** A failed probe is tried again sooner than its period: on a busy machine it may only have been slow. */
export const PROBE_RETRY_MS = 5_000;
/** However often `lookAgain` asks, there is this much time between the looks of one probe. */
export const PROBE_AGAIN_MS = 10_000;

export interface ProbeOptions {
  probes: ProbeSet;
  host: HostReader;
  clock: Clock;
  log: Log;
  /** For every probe; default its own bound. */
  timeoutMs?: number;
}

/** Runs every probe once. Never rejects: what failed is a `failed` fact. Takes at most the time-out. */
export async function probeOnce(options: ProbeOptions): Promise<Capabilities> {
  const probes: Probe[] = Object.values(options.probes);
  const facts = await Promise.all(
    probes.map(async (probe) => [probe.name, await new Prober(probe, options).establish()]),
  );
  // ProbeSet has exactly one probe for each capability, and each fact has passed its schema.
  return Object.fromEntries(facts) as Capabilities;
}

/** Keeps the capabilities of this node current, each probe on its own period, until disposed. */
export class ProbeLoop implements AsyncDisposable {
  readonly #options: ProbeOptions;
  readonly #stop = new AbortController();
  /** Of each probe that waits: aborted, it looks at once. */
  readonly #asked = new Map<CapabilityName, AbortController>();
  readonly #stopped: Promise<void>;
  readonly #first: ReadonlyArray<Promise<void>>;
  readonly #loops: ReadonlyArray<Promise<void>>;
  /** Whole once `start` resolves: a late probe is of a capability that may be missing. */
  #facts = {} as Capabilities;

  /** Resolves after the first look at everything, without what is late; nor does that keep the end waiting. */
  static async start(options: ProbeOptions): Promise<ProbeLoop> {
    const loop = new ProbeLoop(options);
    await Promise.all(loop.#first);
    return loop;
  }

  private constructor(options: ProbeOptions) {
    this.#options = options;
    this.#stopped = new Promise((resolve) => {
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    const probers = Object.values(options.probes).map((probe: Probe) => new Prober(probe, options));
    const looks = probers.map((prober) => ({ prober, look: this.#look(prober) }));
    this.#first = looks.map(({ prober, look }) => this.#untilLate(prober.probe, look));
    this.#loops = looks.map(({ prober, look }) => this.#repeat(prober, look));
  }

  /** The latest facts, as a heartbeat carries them. */
  current(): Capabilities {
    return this.#facts;
  }

  /**
   * Something happened that one fact may explain: it is established again without waiting for its period,
   * though not sooner than PROBE_AGAIN_MS after the last look, and never beside a look that goes on.
   */
  lookAgain(name: CapabilityName): void {
    this.#asked.get(name)?.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const asked of this.#asked.values()) asked.abort();
    await Promise.all(this.#loops);
  }

  async #look(prober: Prober): Promise<void> {
    const fact = await prober.establish();
    this.#facts = { ...this.#facts, [prober.probe.name]: fact };
  }

  async #untilLate(probe: Probe, look: Promise<void>): Promise<void> {
    if (probe.isLate !== true) return await look;
    const done = new AbortController();
    await Promise.race([look, this.#options.clock.sleep(PROBE_LATE_MS, done.signal)]);
    done.abort();
  }

  async #repeat(prober: Prober, first: Promise<void>): Promise<void> {
    const { clock } = this.#options;
    const { probe } = prober;
    const { signal } = this.#stop;
    let asked = this.#listen(probe.name);
    await Promise.race([first, this.#stopped]);
    for (;;) {
      const failed = this.#facts[probe.name]?.state === 'failed';
      const retryMs = Math.min(probe.retryMs ?? PROBE_RETRY_MS, probe.periodMs);
      const delayMs = failed ? retryMs : probe.periodMs;
      const dueMs = clock.bootMs() + delayMs;
      await clock.sleep(Math.min(delayMs, PROBE_AGAIN_MS), signal);
      const leftMs = dueMs - clock.bootMs();
      if (leftMs > 0) await clock.sleep(leftMs, asked);
      if (signal.aborted) return;
      asked = this.#listen(probe.name);
      // A look at a driver that hangs must not keep the agent from stopping.
      await Promise.race([this.#look(prober), this.#stopped]);
      if (signal.aborted) return;
    }
  }

  /** What is asked for from now on: during a look it means one more, since the cause may be younger. */
  #listen(name: CapabilityName): AbortSignal {
    const asked = new AbortController();
    this.#asked.set(name, asked);
    return asked.signal;
  }
}

/** Runs one probe with its time-out, and never twice at once. */
class Prober {
  readonly probe: Probe;
  readonly #options: ProbeOptions;
  #hanging = false;
  /** What the log says of the last failure: one that lasts is said once. */
  #told: string | undefined;

  constructor(probe: Probe, options: ProbeOptions) {
    this.probe = probe;
    this.#options = options;
  }

  async establish(): Promise<Fact<unknown>> {
    try {
      const fact = await this.#establish();
      this.#tell(undefined);
      return fact;
    } catch (error) {
      const message = describeError(error).slice(0, LINE_CHARS_MAX);
      this.#tell(message);
      return { state: 'failed', error: message };
    }
  }

  #tell(error: string | undefined): void {
    const { log } = this.#options;
    if (error === this.#told) return;
    if (error === undefined) log.info('probe works again', { probe: this.probe.name });
    else log.warn('probe failed', { probe: this.probe.name, error });
    this.#told = error;
  }

  async #establish(): Promise<Fact<unknown>> {
    const { clock, host } = this.#options;
    const timeoutMs = this.#options.timeoutMs ?? this.probe.timeoutMs ?? PROBE_TIMEOUT_MS;
    // A read that hangs in the kernel occupies a thread of the pool: a second one must not join it.
    if (this.#hanging) throw new Error('the previous look has not come back yet');
    this.#hanging = true;
    const done = new AbortController();
    const look = this.probe.probe(host).finally(() => {
      this.#hanging = false;
      done.abort();
    });
    const timeout = clock.sleep(timeoutMs, done.signal).then(() => null);
    const finding = await Promise.race([look, timeout]);
    if (finding === null) throw new Error(`no answer within ${timeoutMs} ms`);
    const derivation = finding.derivation.slice(0, LINES_MAX).map((line) => line.slice(0, LINE_CHARS_MAX));
    const looked = { ...finding, derivation };
    const fact = looked.state === 'present' ? { ...looked, probedAtMs: clock.nowMs() } : looked;
    const checked = capabilitiesSchema.shape[this.probe.name].safeParse(fact);
    if (!checked.success) throw new Error(`implausible figures: ${checked.error.issues[0]?.message}`);
    assert(checked.data !== undefined, 'a fact has a state');
    return checked.data;
  }
}
