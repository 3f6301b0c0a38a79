/**
 * Tells what was heard before, by Lamport time and key, with room for the last `length` times. What is
 * older than the ring counts as heard: better never than again and again.
 */
export interface SeenRing<Item> {
  /** True the first time; `now` is the Lamport clock after it witnessed `time`. */
  add(time: number, item: Item, now: number): boolean;
  /** Times below this are never new. */
  ignoreBefore(time: number): void;
  entries(): ReadonlyArray<{ readonly time: number; readonly items: readonly Item[] }>;
}

/** Different events of one Lamport time: an honest group has a handful, a flood must end somewhere. */
const ITEMS_MAX = 1024;

export function createSeenRing<Item>(length: number, same: (a: Item, b: Item) => boolean): SeenRing<Item> {
  const slots: Array<{ time: number; items: Item[] } | undefined> = Array.from({ length });
  let minimum = 0;
  return {
    add(time, item, now) {
      if (time < minimum || (now > length && time < now - length)) return false;
      const index = time % length;
      const slot = slots[index];
      if (slot?.time === time) {
        if (slot.items.length >= ITEMS_MAX || slot.items.some((other) => same(other, item))) return false;
        slot.items.push(item);
        return true;
      }
      if (slot !== undefined && slot.time > time) return false;
      slots[index] = { time, items: [item] };
      return true;
    },
    ignoreBefore(time) {
      minimum = Math.max(minimum, time);
    },
    entries: () => slots.filter((slot) => slot !== undefined),
  };
}
