import { expect, test } from 'bun:test';
import { silentLog } from '#agent/kit/log';
import { ManualClock } from '#test/support/manual-clock';
import { LeaseSweeper } from './lease-sweeper';

function sweeperOn(clock: ManualClock, state: { databaseAheadMs: number; failing: boolean }) {
  const takeBacks: { atMs: number; takeBack: boolean }[] = [];
  const startMs = clock.nowMs();
  const sweeper = new LeaseSweeper({
    clock,
    log: silentLog,
    leaseMs: 30_000,
    periodMs: 1000,
    sweep: ({ takeBack }) => {
      takeBacks.push({ atMs: clock.nowMs() - startMs, takeBack });
      if (state.failing) return Promise.reject(new Error('the database is away'));
      return Promise.resolve({ taken: [], databaseMs: clock.nowMs() + state.databaseAheadMs });
    },
    onTaken: () => undefined,
  });
  const firstAfter = (atMs: number) => takeBacks.find((sweep) => sweep.atMs >= atMs && sweep.takeBack)?.atMs;
  return { sweeper, takeBacks, firstAfter };
}

test('LeaseSweeper takes nothing back for one lease time after its start', async () => {
  const clock = new ManualClock();
  const { sweeper, firstAfter } = sweeperOn(clock, { databaseAheadMs: 0, failing: false });
  await clock.advance(60_000);
  expect(firstAfter(0)).toBe(30_000);
  await sweeper[Symbol.asyncDispose]();
});

test('LeaseSweeper holds for one lease time after the database was away', async () => {
  const clock = new ManualClock();
  const state = { databaseAheadMs: 0, failing: false };
  const { sweeper, firstAfter } = sweeperOn(clock, state);
  await clock.advance(40_000);
  state.failing = true;
  await clock.advance(10_000);
  state.failing = false;
  await clock.advance(60_000);
  expect(firstAfter(42_000)).toBeGreaterThanOrEqual(79_000);
  await sweeper[Symbol.asyncDispose]();
});

test("LeaseSweeper holds for one lease time after the database's clock stepped", async () => {
  const clock = new ManualClock();
  const state = { databaseAheadMs: 0, failing: false };
  const { sweeper, firstAfter } = sweeperOn(clock, state);
  await clock.advance(40_000);
  state.databaseAheadMs = 3_600_000;
  await clock.advance(60_000);
  expect(firstAfter(42_000)).toBeGreaterThanOrEqual(70_000);
  await sweeper[Symbol.asyncDispose]();
});
