import type { Clock } from '#agent/kit/clock';
import { renderBar, type BarState } from './progress-bar';
import type { Terminal } from './shell';

/** One line that says how far something is: redrawn in place on a terminal, a new line now and then in a log. */
export interface ProgressLine extends Disposable {
  show(state: BarState): void;
  /** Makes room for other output: the line is gone until the next `show`. */
  clear(): void;
}

export interface ProgressLineOptions {
  terminal: Terminal;
  clock: Clock;
  unicode: boolean;
}

const REDRAW_MS = 80;
const LOG_EVERY_MS = 10_000;
const WIDTH = 100;

export function createProgressLine({ terminal, clock, unicode }: ProgressLineOptions): ProgressLine {
  let drawn = false;
  // A log hears nothing of what is over soon; a terminal is drawn on at once.
  let lastMs = terminal.isTty ? Number.NEGATIVE_INFINITY : clock.bootMs();
  let lastText = '';
  const clear = (): void => {
    if (drawn) terminal.write('\r\u001b[2K');
    drawn = false;
  };
  return {
    show(state) {
      const nowMs = clock.bootMs();
      const isDue = nowMs - lastMs >= (terminal.isTty ? REDRAW_MS : LOG_EVERY_MS);
      if (!isDue && (state.fraction ?? 0) < 1) return;
      const text = renderBar(state, { width: (terminal.columns ?? WIDTH) - 1, unicode });
      if (text === lastText && (drawn || !terminal.isTty)) return;
      lastMs = nowMs;
      lastText = text;
      if (!terminal.isTty) return terminal.write(`${text}\n`);
      clear();
      terminal.write(text);
      drawn = true;
    },
    clear,
    [Symbol.dispose]: clear,
  };
}
