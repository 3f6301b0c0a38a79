/** A binary heap of timers ordered by time, then by the order of setting, so that runs repeat exactly. */
export interface Timer {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once cancelled; such a timer leaves the heap when it comes to the top. */
  run: (() => void) | undefined;
}

export interface TimerHeap {
  set(atMs: number, run: () => void): Timer;
  cancel(timer: Timer | undefined): void;
  /** Infinity when nothing is set. */
  nextMs(): number;
  /** Removes and returns the first timer due at `nowMs`. */
  takeDue(nowMs: number): Timer | undefined;
  /** Cancelled ones that still wait for their time included. */
  size(): number;
}

export function createTimerHeap(): TimerHeap {
  const heap: Timer[] = [];
  let order = 0;

  const dropCancelled = (): Timer | undefined => {
    let top = heap[0];
    while (top !== undefined && top.run === undefined) {
      removeTop(heap);
      top = heap[0];
    }
    return top;
  };

  return {
    set(atMs, run) {
      const timer: Timer = { atMs, order: order++, run };
      heap.push(timer);
      siftUp(heap, heap.length - 1);
      return timer;
    },
    cancel(timer) {
      if (timer !== undefined) timer.run = undefined;
    },
    nextMs: () => dropCancelled()?.atMs ?? Infinity,
    takeDue(nowMs) {
      const top = dropCancelled();
      if (top === undefined || top.atMs > nowMs) return undefined;
      removeTop(heap);
      return top;
    },
    size: () => heap.length,
  };
}

function before(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function siftUp(heap: Timer[], from: number): void {
  const timer = heap[from] as Timer;
  let index = from;
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex] as Timer;
    if (!before(timer, parent)) break;
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = timer;
}

function removeTop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  const { length } = heap;
  let index = 0;
  for (;;) {
    let childIndex = 2 * index + 1;
    if (childIndex >= length) break;
    if (childIndex + 1 < length && before(heap[childIndex + 1] as Timer, heap[childIndex] as Timer))
      childIndex++;
    const child = heap[childIndex] as Timer;
    if (!before(child, last)) break;
    heap[index] = child;
    index = childIndex;
  }
  heap[index] = last;
}
