import { expect, test } from 'bun:test';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { createClockWatch } from './clock-watch';

function machine() {
  const now = { boot: 50_000, monotonic: 40_000, wall: 1_000_000 };
  const clocks = { bootMs: () => now.boot, monotonicMs: () => now.monotonic, wallMs: () => now.wall };
  const pass = (byMs: number): void => {
    now.boot += byMs;
    now.monotonic += byMs;
    now.wall += byMs;
  };
  return { now, pass, watch: createClockWatch(clocks, silentLog) };
}

test('nothing is told of a machine that is awake, also when its process stood still for an hour', () => {
  const { pass, watch } = machine();
  pass(5_000);
  expect(watch.look()).toBeNull();
  pass(3_600_000);
  expect(watch.look()).toBeNull();
});

test('a sleep is told with its length and age, for ten minutes', () => {
  const { now, pass, watch } = machine();
  now.boot += 7_200_000;
  now.wall += 7_200_000;
  expect(watch.look()).toEqual({ kind: 'slept', byMs: 7_200_000, agoMs: 0 });
  pass(60_000);
  expect(watch.look()).toEqual({ kind: 'slept', byMs: 7_200_000, agoMs: 60_000 });
  pass(600_000);
  expect(watch.look()).toBeNull();
});

test.each([3_600_000, -3_600_000])('a clock that is set by %d ms is told, a slewed one is not', (byMs) => {
  const { now, pass, watch } = machine();
  now.wall += 500;
  pass(5_000);
  expect(watch.look()).toBeNull();
  now.wall += byMs;
  expect(watch.look()).toEqual({ kind: 'clock-set', byMs, agoMs: 0 });
});

test('the clocks of this machine agree while it is awake', () => {
  const watch = createClockWatch(
    {
      bootMs: () => systemClock.bootMs(),
      monotonicMs: () => performance.now(),
      wallMs: () => systemClock.nowMs(),
    },
    silentLog,
  );
  expect(watch.look()).toBeNull();
});
