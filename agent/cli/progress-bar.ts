import { duration } from './ages';
import { count } from './figures';
import { truncate, widthOf } from './text';

export interface BarState {
  /** 0 to 1; undefined where the end is not known: then there is no picture. */
  fraction?: number | undefined;
  done?: number;
  total?: number;
  /** "units", "bars", "B": what is counted. */
  noun?: string;
  /** Of `noun` in a second; undefined until known. */
  rate?: number | undefined;
  etaMs?: number | undefined;
  /** What is being done now. */
  note?: string;
}

const BAR_CELLS = 24;

/** "[████████░░░░░░░░]  42 %  2,100/5,000 units  812/s  ETA 3.6 s  note", cut to the width. */
export function renderBar(state: BarState, { width, unicode }: { width: number; unicode: boolean }): string {
  const figures = [counted(state), rated(state), awaited(state), state.note ?? ''].filter(
    (part) => part !== '',
  );
  if (state.fraction === undefined) return truncate(figures.join('  '), width);
  const fraction = Math.min(1, Math.max(0, state.fraction));
  const filled = Math.floor(fraction * BAR_CELLS);
  const [full, empty] = unicode ? ['█', '░'] : ['#', '-'];
  const bar = `[${full.repeat(filled)}${empty.repeat(BAR_CELLS - filled)}]`;
  const percent = `${Math.floor(fraction * 100)} %`;
  const line = [bar + percent.padStart(6), ...figures].join('  ');
  if (widthOf(line) <= width) return line;
  // A narrow terminal keeps the figures and gives the picture up.
  return truncate([percent, ...figures].join('  '), width);
}

/** Rate over the last seconds: fast enough to follow, slow enough to read. */
export interface RateMeter {
  sample(done: number, nowMs: number): void;
  /** In a second; undefined before two samples that are apart. */
  readonly rate: number | undefined;
}

const WINDOW_MS = 10_000;
const SAMPLES_MAX = 200;

export function createRateMeter(): RateMeter {
  let samples: Array<{ done: number; atMs: number }> = [];
  return {
    sample(done, nowMs) {
      // A retry starts over: what was counted before says nothing about it.
      if (done < (samples.at(-1)?.done ?? 0)) samples = [];
      samples.push({ done, atMs: nowMs });
      samples = samples.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS).slice(-SAMPLES_MAX);
    },
    get rate() {
      const [first, last] = [samples[0], samples.at(-1)];
      if (first === undefined || last === undefined || last.atMs - first.atMs < 200) return undefined;
      return ((last.done - first.done) * 1000) / (last.atMs - first.atMs);
    },
  };
}

function counted({ done, total, noun }: BarState): string {
  if (done === undefined) return '';
  return `${count(done)}${total === undefined ? '' : `/${count(total)}`}${noun === undefined ? '' : ` ${noun}`}`;
}

function rated({ rate }: BarState): string {
  if (rate === undefined || rate <= 0) return '';
  return `${rate < 10 ? rate.toFixed(1) : count(rate)}/s`;
}

function awaited({ etaMs }: BarState): string {
  return etaMs === undefined ? '' : `ETA ${duration(etaMs)}`;
}
