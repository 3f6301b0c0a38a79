import { present } from '#agent/kit/assert';
import { waitUntil } from './wait-until';

export interface PseudoTerminalOptions {
  columns: number;
  rows: number;
  environment: Record<string, string>;
  cwd?: string;
}

/** A program in a terminal of its own, as a person would use it. */
export class PseudoTerminal implements AsyncDisposable {
  readonly #process: Bun.Subprocess;
  #output = '';

  constructor(command: readonly string[], { columns, rows, environment, cwd = '/' }: PseudoTerminalOptions) {
    const decoder = new TextDecoder();
    this.#process = Bun.spawn([...command], {
      cwd,
      env: { TERM: 'xterm-256color', LANG: 'C.UTF-8', ...environment },
      terminal: {
        cols: columns,
        rows,
        data: (_terminal, data) => {
          this.#output += decoder.decode(data, { stream: true });
        },
      },
    });
  }

  /** Everything that was written so far, with its control sequences. */
  get output(): string {
    return this.#output;
  }

  /** The lines of the last frame of a program that begins each with the cursor at home. */
  get frame(): string[] {
    const frame = this.#output.slice(this.#output.lastIndexOf('\u001b[H'));
    return Bun.stripANSI(frame).split(/\r*\n/);
  }

  type(keys: string): void {
    this.#terminal.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.#terminal.resize(columns, rows);
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Waits until the last frame, or all output of a program without frames, matches. */
  async until(what: RegExp, timeoutMs = 15_000): Promise<void> {
    await waitUntil(`${what} on the terminal`, () => what.test(this.frame.join('\n')) || undefined, {
      timeoutMs,
    });
  }

  async ended(): Promise<number> {
    return await this.#process.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) this.#process.kill('SIGKILL');
    await this.#process.exited;
    this.#terminal.close();
  }

  get #terminal(): Bun.Terminal {
    return present(this.#process.terminal, 'the terminal');
  }
}
