import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { LAN } from './settings';
import { createSuspicion, suspicionBounds, suspicionTimeoutMs } from './suspicion';

describe('suspicionBounds()', () => {
  // Seconds of the table in memberlist's documentation and of measurements beside it.
  test.each([
    [5, 4.0, 24.0],
    [30, 5.9, 35.4],
    [100, 8.0, 48.0],
    [1000, 12.0, 72.0],
    [10_000, 16.0, 96.0],
  ])('%i members: %d to %d s', (members, minSeconds, maxSeconds) => {
    const { minMs, maxMs, confirmationsMax } = suspicionBounds(LAN, members);
    expect(minMs / 1000).toBeCloseTo(minSeconds, 1);
    expect(maxMs / 1000).toBeCloseTo(maxSeconds, 0);
    expect(confirmationsMax).toBe(2);
  });

  test('nobody is left to confirm in a group of three', () => {
    expect(suspicionBounds(LAN, 3)).toEqual({ minMs: 4000, maxMs: 4000, confirmationsMax: 0 });
  });
});

describe('suspicionTimeoutMs()', () => {
  const bounds = suspicionBounds(LAN, 4);

  test('one confirmation of two in a group of four: 11.4 s, as measured', () => {
    expect([0, 1, 2].map((count) => suspicionTimeoutMs(bounds, count))).toEqual([24_000, 11_381, 4000]);
  });

  test('stays between its bounds and only shrinks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 0, max: 10 }), (members, count) => {
        const any = suspicionBounds(LAN, members);
        const now = suspicionTimeoutMs(any, count);
        expect(now).toBeGreaterThanOrEqual(any.minMs);
        expect(now).toBeLessThanOrEqual(any.maxMs);
        expect(suspicionTimeoutMs(any, count + 1)).toBeLessThanOrEqual(now);
      }),
    );
  });
});

describe('createSuspicion()', () => {
  const start = () => createSuspicion(1000, 'first', suspicionBounds(LAN, 10));

  test('counts each further accuser once, and no more than it needs', () => {
    const suspicion = start();
    expect(['first', 'second', 'second', 'third', 'fourth'].map((from) => suspicion.confirm(from))).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
    expect(suspicion.confirmations()).toBe(2);
    expect(suspicion.dueMs()).toBe(5000);
  });

  test('postpone() moves the end, not the confirmations', () => {
    const suspicion = start();
    suspicion.confirm('second');
    const dueMs = suspicion.dueMs();
    suspicion.postpone(700);
    expect(suspicion.dueMs()).toBe(dueMs + 700);
    expect(suspicion.confirm('second')).toBe(false);
  });
});
