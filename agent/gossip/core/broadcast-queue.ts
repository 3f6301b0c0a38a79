import type { PacketMessage } from '#agent/gossip/wire/messages';

/**
 * What is still to be gossiped. Each broadcast leaves `limit` times; fresh ones go first, among equals the
 * larger (it fits less often), then the newer. A newer one about the same name replaces the older.
 */
export interface BroadcastQueue {
  add(broadcast: Broadcast): void;
  /**
   * Broadcasts for one packet, as many as fit into `spaceBytes`, each costing its bytes and
   * `overheadBytes`; those that have now left `limit` times are gone.
   */
  take(spaceBytes: number, overheadBytes: number, limit: number): PacketMessage[];
  length(): number;
}

export interface Broadcast {
  /** The member it speaks about. */
  readonly name: string;
  readonly message: PacketMessage;
  readonly bytes: number;
  /** Called once: sent often enough, replaced or dropped. */
  readonly onDone?: () => void;
}

interface Waiting extends Broadcast {
  transmits: number;
  readonly order: number;
}

/** Misfits looked at before a packet is called full: keeps a packet O(1) beside a long queue. */
const MISFITS_MAX = 16;

export function createBroadcastQueue(lengthMax: number): BroadcastQueue {
  const byName = new Map<string, Waiting>();
  // Sorted by compare(); a splice moves at most lengthMax pointers, which costs less than a tree.
  const sorted: Waiting[] = [];
  let order = 0;

  const insert = (item: Waiting): void => {
    sorted.splice(positionOf(sorted, item), 0, item);
  };
  const drop = (item: Waiting): void => {
    sorted.splice(positionOf(sorted, item), 1);
    byName.delete(item.name);
    item.onDone?.();
  };

  return {
    add(broadcast) {
      const older = byName.get(broadcast.name);
      if (older !== undefined) drop(older);
      const item: Waiting = { ...broadcast, transmits: 0, order: order++ };
      byName.set(item.name, item);
      insert(item);
      // The last one has been sent most often: it is the least loss.
      const last = sorted.at(-1);
      if (sorted.length > lengthMax && last !== undefined) drop(last);
    },
    take(spaceBytes, overheadBytes, limit) {
      const taken = pick(sorted, spaceBytes, overheadBytes);
      for (const item of taken) {
        sorted.splice(positionOf(sorted, item), 1);
        item.transmits++;
      }
      for (const item of taken) {
        if (item.transmits < limit) {
          insert(item);
        } else {
          byName.delete(item.name);
          item.onDone?.();
        }
      }
      return taken.map(({ message }) => message);
    },
    length: () => sorted.length,
  };
}

function pick(sorted: readonly Waiting[], spaceBytes: number, overheadBytes: number): Waiting[] {
  const picked: Waiting[] = [];
  let left = spaceBytes;
  let misfits = 0;
  for (const item of sorted) {
    const cost = item.bytes + overheadBytes;
    if (cost <= left) {
      picked.push(item);
      left -= cost;
    } else if (++misfits >= MISFITS_MAX) break;
  }
  return picked;
}

function compare(a: Waiting, b: Waiting): number {
  return a.transmits - b.transmits || b.bytes - a.bytes || b.order - a.order;
}

/** Where `item` stands, or would stand, by binary search. */
function positionOf(sorted: readonly Waiting[], item: Waiting): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(sorted[middle] as Waiting, item) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
