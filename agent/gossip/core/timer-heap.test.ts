import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { createTimerHeap } from './timer-heap';

test('timers come out by time, then in the order of setting', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), (times) => {
      const heap = createTimerHeap();
      const seen: [number, number][] = [];
      for (const [index, atMs] of times.entries()) heap.set(atMs, () => void seen.push([atMs, index]));
      for (let timer = heap.takeDue(20); timer !== undefined; timer = heap.takeDue(20)) timer.run?.();
      expect(seen).toEqual(
        times
          .map((atMs, index): [number, number] => [atMs, index])
          .sort((a, b) => a[0] - b[0] || a[1] - b[1]),
      );
    }),
  );
});

test('a cancelled timer is never due, and what is not due stays', () => {
  const heap = createTimerHeap();
  const first = heap.set(1, () => undefined);
  heap.set(5, () => undefined);
  heap.cancel(first);
  heap.cancel(undefined);
  expect(heap.nextMs()).toBe(5);
  expect(heap.takeDue(4)).toBeUndefined();
  expect(heap.takeDue(5)?.atMs).toBe(5);
  expect(heap.nextMs()).toBe(Infinity);
});
