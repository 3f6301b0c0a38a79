/** Cuts a stream of bytes into lines of UTF-8 with bounded memory. */
export interface LineSplitter {
  push(chunk: Uint8Array): void;
  /** A last line without its newline counts as a line. */
  end(): void;
}

/** A longer line is given once, up to `lineBytesMax`, as `cut`; the rest of it is dropped. */
export function createLineSplitter(
  lineBytesMax: number,
  onLine: (line: string, cut: boolean) => void,
): LineSplitter {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let isCut = false;

  const keep = (part: Uint8Array): void => {
    const kept = part.subarray(0, lineBytesMax - pendingBytes);
    isCut ||= kept.length < part.length;
    if (kept.length === 0) return;
    // A copy: the runtime may reuse the chunk's memory.
    pending.push(kept.slice());
    pendingBytes += kept.length;
  };
  const emit = (): void => {
    const line = Buffer.concat(pending).toString('utf8');
    const cut = isCut;
    pending = [];
    pendingBytes = 0;
    isCut = false;
    onLine(line.endsWith('\r') ? line.slice(0, -1) : line, cut);
  };
  return {
    push(chunk) {
      let from = 0;
      for (let newline = chunk.indexOf(NEWLINE); newline >= 0; newline = chunk.indexOf(NEWLINE, from)) {
        keep(chunk.subarray(from, newline));
        emit();
        from = newline + 1;
      }
      keep(chunk.subarray(from));
    },
    end() {
      if (pendingBytes > 0) emit();
    },
  };
}

const NEWLINE = 0x0a;
