/**
 * How long an accused member has to refute (Lifeguard §4.2): long while only one member accuses it, shorter
 * with each member that independently agrees.
 */
export interface SuspicionBounds {
  readonly minMs: number;
  readonly maxMs: number;
  /** Confirmations after which the time is down to its minimum. */
  readonly confirmationsMax: number;
}

export interface Suspicion {
  /** Whether `from` is a new and still needed accuser; only such a one is worth passing on. */
  confirm(from: string): boolean;
  confirmations(): number;
  dueMs(): number;
  /** Whether there is fresh proof that nobody is left to refute; see DESERTED_SHARE. */
  desert(isDeserted: boolean): void;
  /** Time in which no refutation could have been heard does not count. */
  postpone(delayMs: number): void;
}

/**
 * min = mult × max(1, log10 N) × probeInterval, max = maxMult × min, k = mult − 2. With fewer than k members
 * besides accuser and accused nobody can confirm: then the minimum is all there is.
 */
export function suspicionBounds(
  settings: {
    readonly suspicionMult: number;
    readonly suspicionMaxMult: number;
    readonly probeIntervalMs: number;
  },
  memberCount: number,
): SuspicionBounds {
  const { suspicionMult, suspicionMaxMult, probeIntervalMs } = settings;
  const scale = Math.max(1, Math.log10(Math.max(1, memberCount)));
  const minMs = Math.floor((suspicionMult * Math.floor(scale * 1000) * probeIntervalMs) / 1000);
  const wanted = Math.max(0, suspicionMult - 2);
  const confirmationsMax = memberCount - 2 < wanted ? 0 : wanted;
  return { minMs, maxMs: confirmationsMax === 0 ? minMs : suspicionMaxMult * minMs, confirmationsMax };
}

/** timeout(n) = max(min, max − ln(n + 1) / ln(k + 1) × (max − min)), n being the confirmations so far. */
export function suspicionTimeoutMs(
  { minMs, maxMs, confirmationsMax }: SuspicionBounds,
  confirmations: number,
): number {
  if (confirmationsMax === 0) return minMs;
  const fraction = Math.log(confirmations + 1) / Math.log(confirmationsMax + 1);
  return Math.max(minMs, Math.floor(maxMs - fraction * (maxMs - minMs)));
}

/**
 * The minimum is time for a slow member to refute. Where the machine itself says that no process listens at
 * the port, nobody is slow: a stalled one or a cut cable never refuses. Half of it is left for a process that
 * is being restarted, and all who are needed to confirm must have done so. memberlist has no such step.
 */
const DESERTED_SHARE = 0.5;

export function createSuspicion(startMs: number, accuser: string, bounds: SuspicionBounds): Suspicion {
  const accusers = new Set([accuser]);
  let originMs = startMs;
  let deserted = false;
  const confirmations = (): number => accusers.size - 1;
  return {
    confirm(from) {
      if (confirmations() >= bounds.confirmationsMax || accusers.has(from)) return false;
      accusers.add(from);
      return true;
    },
    confirmations,
    dueMs: () =>
      originMs +
      (deserted && confirmations() >= bounds.confirmationsMax
        ? DESERTED_SHARE * bounds.minMs
        : suspicionTimeoutMs(bounds, confirmations())),
    desert(isDeserted) {
      deserted = isDeserted;
    },
    postpone(delayMs) {
      originMs += delayMs;
    },
  };
}
