import { closeSync, openSync, readSync } from 'node:fs';
import { errorCode } from '#agent/kit/error';

/** Must exceed the longest line, or a tail would never get past it. */
const CHUNK_BYTES = 512 * 1024;
const NEWLINE = 0x0a;

/** Reads a growing file in whole lines, a bounded piece at a time; it holds a position and no content. */
export class FileTail {
  readonly path: string;
  #offset = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** The next lines, at most `linesMax`; none when there is nothing new, or no such file (yet). */
  read(linesMax: number): string[] {
    const chunk = this.#readChunk();
    const lines: string[] = [];
    let from = 0;
    while (lines.length < linesMax) {
      const newline = chunk.indexOf(NEWLINE, from);
      if (newline < 0) break;
      lines.push(chunk.toString('utf8', from, newline));
      from = newline + 1;
    }
    this.#offset += from;
    return lines;
  }

  #readChunk(): Buffer {
    let fd: number;
    try {
      fd = openSync(this.path, 'r');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return Buffer.alloc(0);
      throw error;
    }
    try {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      return buffer.subarray(0, readSync(fd, buffer, 0, CHUNK_BYTES, this.#offset));
    } finally {
      closeSync(fd);
    }
  }
}
