import { expect, test } from 'bun:test';
import { silentLog } from '#agent/kit/log';
import { ManualClock } from '#test/support/manual-clock';
import { LeaseSweeper } from './lease-sweeper';

function sweeperOn(
  clock: ManualClock,
  state: { databaseAheadMs: number; failing: boolean; stalledForMs?: number },
) {
  const takeBacks: { atMs: number; takeBack: boolean }[] = [];
  const startMs = clock.nowMs();
  const sweeper = new LeaseSweeper({
    clock,
    log: silentLog,
    leaseMs: 30_000,
    periodMs: 1000,
    sweep: async ({ takeBack }) => {
      if (state.failing) throw new Error('the database is away');
      if (state.stalledForMs !== undefined) await clock.sleep(state.stalledForMs);
      const atMs = clock.nowMs() - startMs;
      takeBacks.push({ atMs, takeBack: takeBack(clock.nowMs() + state.databaseAheadMs) });
      return { taken: [] };
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
  // The very sweep that notices the step takes nothing: to it, every lease has just run out.
  expect(firstAfter(40_001)).toBeGreaterThanOrEqual(70_000);
  await sweeper[Symbol.asyncDispose]();
});

test('LeaseSweeper holds for one lease time after the database stood still', async () => {
  const clock = new ManualClock();
  const state: Parameters<typeof sweeperOn>[1] = { databaseAheadMs: 0, failing: false };
  const { sweeper, firstAfter } = sweeperOn(clock, state);
  await clock.advance(40_000);
  state.stalledForMs = 45_000;
  await clock.advance(1_000);
  delete state.stalledForMs;
  await clock.advance(100_000);
  expect(firstAfter(40_001)).toBeGreaterThanOrEqual(115_000);
  await sweeper[Symbol.asyncDispose]();
});
