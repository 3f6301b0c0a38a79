import { readdirSync } from 'node:fs';
import { logLineSchema } from '#agent/contract/operation';
import { attemptFiles } from '#agent/worker/attempt-files';
import type { DeliveredLine } from './delivery';
import { FileTail } from './file-tail';

const lineSchema = logLineSchema.omit({ epoch: true });

/** Reads the log of an attempt across its segments, and says where lines were dropped. */
export class LogTail {
  readonly #attemptDir: string;
  readonly #files;
  #segment = 0;
  #tail: FileTail;
  #nextSeq = 0;

  constructor(attemptDir: string) {
    this.#attemptDir = attemptDir;
    this.#files = attemptFiles(attemptDir);
    this.#tail = new FileTail(this.#files.log(0));
  }

  read(linesMax: number): DeliveredLine[] {
    // Only the first line of a segment can come after a gap: one place is kept for saying so.
    const texts = this.#readTexts(linesMax - 1);
    const lines: DeliveredLine[] = [];
    for (const text of texts) {
      const line = parseLine(text);
      if (line === undefined) continue;
      if (line.seq > this.#nextSeq && lines.length === 0) lines.push(gap(this.#nextSeq, line));
      lines.push(line);
      this.#nextSeq = line.seq + 1;
    }
    return lines;
  }

  #readTexts(linesMax: number): string[] {
    const texts = this.#tail.read(linesMax);
    if (texts.length > 0) return texts;
    const next = this.#nextExisting();
    if (next === undefined) return [];
    // The segment may have grown between that reading and its successor's start.
    const last = this.#tail.read(linesMax);
    if (last.length > 0) return last;
    this.#segment = next;
    this.#tail = new FileTail(this.#files.log(next));
    return this.#tail.read(linesMax);
  }

  /** Segments that were deleted unread are skipped; their lines show as a gap. */
  #nextExisting(): number | undefined {
    const segments = readdirSync(this.#attemptDir).flatMap((name) => {
      const match = /^log\.(\d+)\.ndjson$/.exec(name);
      return match === null ? [] : [Number(match[1])];
    });
    return segments.filter((segment) => segment > this.#segment).toSorted((a, b) => a - b)[0];
  }
}

function parseLine(text: string): DeliveredLine | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Takes the number of the first line that is missing, so that it is one line in every sorting. */
function gap(firstMissing: number, next: DeliveredLine): DeliveredLine {
  return {
    seq: firstMissing,
    at: next.at,
    stream: 'system',
    line: `${next.seq - firstMissing} lines dropped`,
  };
}
