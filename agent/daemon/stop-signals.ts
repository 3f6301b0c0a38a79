import { constants } from 'node:os';
import type { Log } from '#agent/kit/log';

export interface StopSignals extends Disposable {
  /** Aborted by the first SIGTERM or SIGINT. */
  readonly stopped: AbortSignal;
  /** Resolves with it. */
  readonly wait: Promise<void>;
}

/** The first signal asks for a graceful stop; the second ends the process at once, as people expect. */
export function stopSignals(options: { log: Log; exit: (code: number) => void }): StopSignals {
  const { log, exit } = options;
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const heard = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      log.warn('stopping at once; running work goes on and is found at the next start', { signal });
      exit(128 + constants.signals[signal]);
      return;
    }
    log.info('stopping; a second signal stops at once', { signal });
    controller.abort();
    resolve();
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  return {
    stopped: controller.signal,
    wait: promise,
    [Symbol.dispose]: () => {
      for (const signal of SIGNALS) process.off(signal, heard);
    },
  };
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];
