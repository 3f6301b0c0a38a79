import type { ShimToWorkload, SpooledUnit, WorkloadToShim } from '#agent/contract/job';
import type { Progress } from '#agent/contract/operation';
import type { JobContext } from '#agent/jobs/job';
import { assert } from '#agent/kit/assert';
import type { Clock } from '#agent/kit/clock';

export interface ContextPorts {
  run: Extract<ShimToWorkload, { type: 'run' }>;
  send: (message: WorkloadToShim) => void;
  openBars: JobContext['bars'];
  clock: Clock;
  /** Resolves after messages that have arrived were handled. */
  yieldToMessages: () => Promise<void>;
  signal: AbortSignal;
}

/** The context of one job, and the ends of it that only the workload holds. */
export interface RunningContext {
  context: JobContext;
  /** Sends what is buffered; called once more when the job has ended. */
  flush(): void;
  /** The shim has written so many more units. */
  spooled(units: number): void;
}

const FLUSH_MS = 100;
const UNITS_PER_FLUSH = 200;
const PROGRESS_MS = 250;
const BREATHE_MS = 10;
/** So many units may be on their way to the disk before `breathe` waits for it. */
const UNSPOOLED_MAX = 2_000;

export function createContext(ports: ContextPorts): RunningContext {
  const spool = createSpool(ports);
  const progress = createProgress(ports);
  let breathedMs = ports.clock.bootMs();
  const context: JobContext = {
    parameters: ports.run.parameters,
    units: ports.run.units,
    signal: ports.signal,
    bars: ports.openBars,
    emitUnit: spool.emit,
    reportProgress: progress.report,
    log: (line) => console.log(line),
    async breathe() {
      const nowMs = ports.clock.bootMs();
      if (nowMs - breathedMs >= BREATHE_MS || spool.isFull()) {
        spool.flushIfDue();
        await ports.yieldToMessages();
        if (spool.isFull()) await spool.untilSpooled(ports.signal);
        breathedMs = ports.clock.bootMs();
      }
      ports.signal.throwIfAborted();
    },
  };
  return {
    context,
    spooled: spool.spooled,
    flush() {
      spool.flush();
      progress.flush();
    },
  };
}

function createSpool({ send, clock }: ContextPorts) {
  let buffered: SpooledUnit[] = [];
  let flushedMs = clock.bootMs();
  let unspooled = 0;
  let timer: AbortController | undefined;
  let wake: (() => void) | undefined;

  const flush = (): void => {
    timer?.abort();
    timer = undefined;
    flushedMs = clock.bootMs();
    if (buffered.length === 0) return;
    send({ type: 'units', units: buffered });
    buffered = [];
  };
  const flushLater = (): AbortController => {
    const wait = new AbortController();
    void clock.sleep(FLUSH_MS, wait.signal).then(() => (wait.signal.aborted ? undefined : flush()));
    return wait;
  };
  return {
    flush,
    flushIfDue: () => (clock.bootMs() - flushedMs >= FLUSH_MS ? flush() : undefined),
    emit: (unit: SpooledUnit): void => {
      buffered.push(unit);
      unspooled++;
      if (buffered.length >= UNITS_PER_FLUSH) flush();
      else timer ??= flushLater();
    },
    spooled: (units: number): void => {
      unspooled -= units;
      assert(unspooled >= 0, 'the shim spooled more units than it was sent');
      if (unspooled < UNSPOOLED_MAX) wake?.();
    },
    isFull: () => unspooled >= UNSPOOLED_MAX,
    untilSpooled: async (signal: AbortSignal): Promise<void> => {
      flush();
      const room = Promise.withResolvers<void>();
      wake = room.resolve;
      signal.addEventListener('abort', () => room.resolve(), { once: true });
      if (signal.aborted) room.resolve();
      await room.promise;
    },
  };
}

/** Sends at most one report each PROGRESS_MS, always the latest, with the time left at the present rate. */
function createProgress({ send, clock }: ContextPorts) {
  let first: { percentage: number; atMs: number } | undefined;
  let latest: Progress | undefined;
  let sentMs = -Infinity;
  const flush = (): void => {
    if (latest === undefined) return;
    send({ type: 'progress', progress: latest });
    latest = undefined;
    sentMs = clock.bootMs();
  };
  return {
    flush,
    report: (partial: Partial<Progress> & { percentage: number }): void => {
      const atMs = clock.bootMs();
      const { percentage } = partial;
      first ??= { percentage, atMs };
      const gained = percentage - first.percentage;
      const etaSeconds = gained > 0 ? (((100 - percentage) / gained) * (atMs - first.atMs)) / 1000 : null;
      latest = { ...NO_PROGRESS, eta_seconds: etaSeconds, ...partial };
      if (atMs - sentMs >= PROGRESS_MS) flush();
    },
  };
}

const NO_PROGRESS: Progress = {
  percentage: 0,
  current_step: null,
  steps_completed: 0,
  steps_total: 0,
  items_processed: 0,
  items_total: null,
  current_item: null,
  eta_seconds: null,
};
