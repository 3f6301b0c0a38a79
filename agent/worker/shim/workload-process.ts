import { END_OF_OUTPUT, workloadToShimSchema } from '#agent/contract/job';
import type { RecordedProcess, ShimToWorkload, WorkloadToShim } from '#agent/contract/job';
import { createLineSplitter } from '#agent/worker/line-splitter';
import { recordProcess } from '#agent/worker/recorded-process';
import { killDescendants, killTree } from '#agent/kit/process';
import { LOG_LINE_BYTES_MAX } from './attempt-log';

export interface WorkloadEvents {
  message(message: WorkloadToShim): void;
  /** The workload sent something that is not in the protocol. */
  unreadable(problem: string): void;
  line(stream: 'stdout' | 'stderr', line: string): void;
  exit(exit: WorkloadExit): void;
}

export interface WorkloadExit {
  exitCode: number | null;
  signal: string | null;
}

const OUTPUTS = 2;

/** The one process that computes for a shim. */
export class WorkloadProcess {
  readonly identity: RecordedProcess | undefined;
  readonly exited: Promise<unknown>;
  readonly #child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
  readonly #outputs: Promise<unknown>;
  #endsOfOutput = 0;
  #outputEnded = Promise.withResolvers<void>();

  constructor(command: readonly string[], events: WorkloadEvents) {
    this.#child = Bun.spawn([...command, String(process.pid)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A session of its own: its process group can be signalled without the shim.
      detached: true,
      serialization: 'advanced',
      ipc: (message) => {
        const parsed = workloadToShimSchema.safeParse(message);
        if (parsed.success) events.message(parsed.data);
        else events.unreadable(parsed.error.issues[0]?.message ?? 'unknown message');
      },
      onExit: (_child, exitCode, signal) => {
        events.exit({ exitCode, signal: signal === null ? null : String(signal) });
      },
    });
    this.identity = recordProcess(this.#child.pid);
    this.exited = this.#child.exited;
    this.#outputs = Promise.all([
      this.#pump(this.#child.stdout, (line) => events.line('stdout', line)),
      this.#pump(this.#child.stderr, (line) => events.line('stderr', line)),
    ]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Called before each attempt. */
  expectOutput(): void {
    this.#endsOfOutput = 0;
    this.#outputEnded = Promise.withResolvers<void>();
  }

  send(message: ShimToWorkload): void {
    try {
      if (this.isAlive) this.#child.send(message);
    } catch {
      // It died a moment ago: its exit is what tells.
    }
  }

  /** Every process below the shim, also those that left the workload's session. */
  kill(signal: NodeJS.Signals): void {
    if (killDescendants(signal) === 0 && this.isAlive) killTree(this.pid, signal);
  }

  /** Resolves when all that the job printed has arrived: both marks, or the ends of both pipes. */
  outputEnded(): Promise<unknown> {
    return Promise.race([this.#outputEnded.promise, this.#outputs]);
  }

  async #pump(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
    const splitter = createLineSplitter(LOG_LINE_BYTES_MAX, (line) => {
      if (!line.endsWith(END_OF_OUTPUT)) {
        onLine(line);
        return;
      }
      if (line.length > END_OF_OUTPUT.length) onLine(line.slice(0, -END_OF_OUTPUT.length));
      this.#markEnd();
    });
    for await (const chunk of stream) splitter.push(chunk);
    splitter.end();
  }

  #markEnd(): void {
    if (++this.#endsOfOutput === OUTPUTS) this.#outputEnded.resolve();
  }
}
