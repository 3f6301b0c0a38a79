import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { attemptFiles } from '#agent/worker/attempt-files';
import type { LogLine } from '#agent/contract/operation';
import type { Clock } from '#agent/kit/clock';

export const LOG_LINE_BYTES_MAX = 8192;

export interface LogBounds {
  /** The first lines are kept for good: they say how the job was started. */
  headBytes: number;
  /** Then come segments of this size, of which the last two are kept. */
  tailBytes: number;
}

export const LOG_BOUNDS: LogBounds = { headBytes: 2 * 2 ** 20, tailBytes: 2 ** 20 };
const TAIL_SEGMENTS = 2;

/**
 * The log of one attempt: `log.0.ndjson` is its head, higher numbers are its tail. Lines are numbered
 * from 0 without holes, so that a reader sees from the numbers what was dropped.
 */
export class AttemptLog implements Disposable {
  readonly #files;
  readonly #clock: Clock;
  readonly #bounds: LogBounds;
  readonly #linesBySegment = new Map<number, number>();
  #segment = 0;
  #segmentBytes = 0;
  #fd: number;
  #lines = 0;
  #dropped = 0;

  constructor(attemptDir: string, clock: Clock, bounds: LogBounds = LOG_BOUNDS) {
    this.#files = attemptFiles(attemptDir);
    this.#clock = clock;
    this.#bounds = bounds;
    this.#fd = openSync(this.#files.log(0), 'a', 0o600);
  }

  get lines(): number {
    return this.#lines;
  }

  get dropped(): number {
    return this.#dropped;
  }

  append(stream: LogLine['stream'], line: string): void {
    const at = new Date(this.#clock.nowMs()).toISOString();
    const record = Buffer.from(`${JSON.stringify({ seq: this.#lines++, at, stream, line })}\n`);
    if (this.#segmentBytes + record.length > this.#segmentBytesMax() && this.#segmentBytes > 0) {
      this.#startSegment();
    }
    try {
      writeSync(this.#fd, record);
    } catch {
      // A full disk must not end the job for the sake of its log.
      this.#dropped++;
      return;
    }
    this.#segmentBytes += record.length;
    this.#linesBySegment.set(this.#segment, (this.#linesBySegment.get(this.#segment) ?? 0) + 1);
  }

  [Symbol.dispose](): void {
    fsyncSync(this.#fd);
    closeSync(this.#fd);
  }

  #segmentBytesMax(): number {
    return this.#segment === 0 ? this.#bounds.headBytes : this.#bounds.tailBytes;
  }

  #startSegment(): void {
    closeSync(this.#fd);
    this.#segment++;
    this.#segmentBytes = 0;
    this.#fd = openSync(this.#files.log(this.#segment), 'a', 0o600);
    const oldest = this.#segment - TAIL_SEGMENTS;
    if (oldest < 1) return;
    rmSync(this.#files.log(oldest), { force: true });
    this.#dropped += this.#linesBySegment.get(oldest) ?? 0;
    this.#linesBySegment.delete(oldest);
  }
}
