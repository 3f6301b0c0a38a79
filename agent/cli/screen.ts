import type { Shell } from './shell';

/**
 * A terminal that is drawn on as a whole: on its alternate screen, so that what was there comes back, without
 * cursor, and without line wrap. Disposing it restores the terminal, as does the end of the process.
 */
export interface Screen extends Disposable {
  /** Cells. */
  readonly columns: number;
  readonly rows: number;
  /** Draws these lines, cut to the terminal, in one write and only when they changed. */
  draw(lines: readonly string[]): void;
  /** Whether somebody pressed q. */
  readonly isLeft: boolean;
  /** Until so long has passed, the size changed, a key was pressed, or the shell is told to stop. */
  pause(delayMs: number): Promise<void>;
  /** Ends the pause. */
  wake(): void;
}

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const CTRL_C = 3;

export function openScreen({ stdout, clock, signal }: Shell): Screen {
  let wake = new AbortController();
  let drawn = '';
  let isLeft = false;
  const onResize = (): void => {
    // What a terminal does with lines of the old width is its own affair: all of it is drawn again.
    drawn = '';
    wake.abort();
  };
  const onKeys = (keys: Buffer): void => {
    if (keys.includes(CTRL_C)) process.kill(process.pid, 'SIGINT');
    if (/q/i.test(keys.toString('latin1'))) isLeft = true;
    wake.abort();
  };
  const restore = enterTerminal({ onResize, onKeys });
  return {
    get columns() {
      return stdout.columns ?? 80;
    },
    get rows() {
      return stdout.rows ?? 24;
    },
    draw(lines) {
      const frame = clip(lines, { columns: this.columns, rows: this.rows }).join(`${CLEAR_LINE}\r\n`);
      if (frame === drawn) return;
      drawn = frame;
      stdout.write(`${HOME}${frame}${CLEAR_LINE}${CLEAR_BELOW}`);
    },
    get isLeft() {
      return isLeft;
    },
    async pause(delayMs) {
      await clock.sleep(delayMs, AbortSignal.any([signal, wake.signal]));
      if (wake.signal.aborted) wake = new AbortController();
    },
    wake: () => wake.abort(),
    [Symbol.dispose]: restore,
  };
}

/** Lines that fit: cut at the right, and at the bottom with a line that says how many are missing. */
export function clip(
  lines: readonly string[],
  { columns, rows }: { columns: number; rows: number },
): string[] {
  const missing = lines.length - rows;
  const shown = missing <= 0 ? lines : [...lines.slice(0, rows - 1), `… ${missing + 1} more lines below`];
  return shown.map((line) => Bun.sliceAnsi(line, 0, columns, { ellipsis: '…' }));
}

interface TerminalEvents {
  onResize: () => void;
  onKeys: (keys: Buffer) => void;
}

/** Returns what undoes it; the end of the process does so, too, for whatever reason it ends. */
function enterTerminal({ onResize, onKeys }: TerminalEvents): () => void {
  const { stdin, stdout } = process;
  let isEntered = true;
  const restore = (): void => {
    if (!isEntered) return;
    isEntered = false;
    process.off('exit', restore);
    process.off('SIGWINCH', onResize);
    if (stdin.isTTY) stdin.off('data', onKeys).setRawMode(false).pause();
    stdout.write(LEAVE);
  };
  process.on('exit', restore);
  process.on('SIGWINCH', onResize);
  // Without raw mode keys would be shown, and only be heard after a line feed.
  if (stdin.isTTY) stdin.setRawMode(true).on('data', onKeys).resume();
  stdout.write(ENTER);
  return restore;
}
