import { expect, test } from 'bun:test';
import { createLamportClock, LAMPORT_MAX } from './lamport-clock';

test('a clock goes on after each thing that happens and after all it hears of', () => {
  const clock = createLamportClock();
  expect([clock.next(), clock.next(), clock.now()]).toEqual([1, 2, 3]);
  clock.witness(10);
  expect(clock.next()).toBe(11);
  clock.witness(4);
  expect(clock.now()).toBe(12);
});

test('a time that would wear the clock out is not witnessed', () => {
  const clock = createLamportClock();
  clock.witness(LAMPORT_MAX + 1);
  expect(clock.now()).toBe(1);
});
