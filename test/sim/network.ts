import type { Rng } from '#agent/kit/rng';

/** What the virtual network does at present. Hosts are indices; every direction has a fate of its own. */
export interface Network {
  readonly conditions: Conditions;
  /** Loss in one direction on top of the base, or undefined to take it away. */
  setLoss(from: number, to: number, loss: number | undefined): void;
  /** Hosts in different groups hear nothing of each other; undefined heals. */
  partition(groups: readonly number[] | undefined): void;
  blockUdp(host: number, blocked: boolean): void;
  setTcpFault(host: number, fault: TcpFault | undefined): void;
  /** Delays of the copies of one datagram that arrive: none, one, or two. */
  datagram(from: number, to: number): readonly number[];
  /** One way's delay of a stream, or why it cannot be. TCP repeats what is lost: loss becomes delay. */
  stream(from: number, to: number): number | 'timeout';
  tcpFault(host: number): TcpFault | undefined;
}

/** The answer never comes; the stream is cut in the middle of it; the port refuses. */
export type TcpFault = 'half-open' | 'cut' | 'refuse';

export interface Conditions {
  loss: number;
  /** What it goes back to after a fault. */
  readonly usualLoss: number;
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  duplicates: number;
  /** Share of datagrams that wait up to reorderMsMax longer. */
  reorders: number;
  readonly reorderMsMax: number;
}

/** Each lost segment costs one retransmission time-out. */
const TCP_RETRANSMIT_MS = 200;
const NOTHING: readonly number[] = [];

export function createNetwork(rng: Rng, conditions: Conditions): Network {
  const losses = new Map<number, number>();
  const udpBlocked = new Set<number>();
  const tcpFaults = new Map<number, TcpFault>();
  let groups: readonly number[] | undefined;

  const lossOf = (from: number, to: number): number => {
    if (groups !== undefined && groups[from] !== groups[to]) return 1;
    const extra = losses.size === 0 ? undefined : losses.get(from * 65_536 + to);
    return extra === undefined ? conditions.loss : Math.max(extra, conditions.loss);
  };
  const delay = (): number => {
    const { delayMsMin, delayMsMax, reorders, reorderMsMax } = conditions;
    const delayMs = delayMsMin + rng.next() * (delayMsMax - delayMsMin);
    return reorders > 0 && rng.next() < reorders ? delayMs + rng.next() * reorderMsMax : delayMs;
  };

  return {
    conditions,
    setLoss(from, to, loss) {
      if (loss === undefined) losses.delete(from * 65_536 + to);
      else losses.set(from * 65_536 + to, loss);
    },
    partition(next) {
      groups = next;
    },
    blockUdp(host, blocked) {
      if (blocked) udpBlocked.add(host);
      else udpBlocked.delete(host);
    },
    setTcpFault(host, fault) {
      if (fault === undefined) tcpFaults.delete(host);
      else tcpFaults.set(host, fault);
    },
    datagram(from, to) {
      if (udpBlocked.size > 0 && (udpBlocked.has(from) || udpBlocked.has(to))) return NOTHING;
      const loss = lossOf(from, to);
      if (loss > 0 && rng.next() < loss) return NOTHING;
      const isTwice = conditions.duplicates > 0 && rng.next() < conditions.duplicates;
      return isTwice ? [delay(), delay()] : [delay()];
    },
    stream(from, to) {
      const loss = Math.max(lossOf(from, to), lossOf(to, from));
      if (loss >= 1) return 'timeout';
      let delayMs = delay();
      for (let tries = 0; rng.next() < loss; tries++) {
        if (tries > 15) return 'timeout';
        delayMs += TCP_RETRANSMIT_MS * 2 ** Math.min(tries, 5);
      }
      return delayMs;
    },
    tcpFault: (host) => tcpFaults.get(host),
  };
}
