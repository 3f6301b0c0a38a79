import { expect } from 'bun:test';
import { present } from '#agent/kit/assert';
import { seededRng } from '#agent/kit/rng';
import type { Fleet } from './fleet';
import { waitUntil } from './wait-until';

/** What a sweep needs of a fleet. */
export type SweepFleet = Pick<Fleet, 'api' | 'cli' | 'sql'>;

/** Units of the sweep that the disturbances hit, and the bars that make each of them take its time. */
export const UNITS = 5000;
const BARS = 400_000;

/** A random walk of one-minute bars, the same in every run. */
export function randomWalkCsv(bars: number, seed = 7): string {
  const rng = seededRng(seed);
  const lines = ['time,open,high,low,close,volume'];
  let price = 100;
  for (let index = 0; index < bars; index++) {
    const open = price;
    price = Math.max(1, price * (1 + (rng.next() - 0.5) * 0.004));
    const high = Math.max(open, price) * (1 + rng.next() * 0.001);
    const low = Math.min(open, price) * (1 - rng.next() * 0.001);
    const time = new Date(Date.UTC(2024, 0, 1) + index * 60_000).toISOString();
    lines.push(
      [time, ...[open, high, low, price].map((value) => value.toFixed(6)), rng.below(1000)].join(','),
    );
  }
  return `${lines.join('\n')}\n`;
}

let walk: Blob | undefined;

/** Imports the bars and starts the sweep; returns its id. */
export async function startSweep(fleet: SweepFleet, units = UNITS): Promise<string> {
  walk ??= new Blob([randomWalkCsv(BARS)]);
  const imported = await fleet.cli(['data', 'import', '-', '--symbol', 'WALK', '--timeframe', '1m'], {
    stdin: walk,
  });
  expect(imported).toMatchObject({ code: 0 });
  const { status, body } = await fleet.api('POST', '/api/v1/sweeps/start', {
    strategy_name: 'sma_cross',
    symbol: 'WALK',
    timeframe: '1m',
    // Fast from 5 to 54, slow from 100 upwards: every combination is valid.
    grid: { fast: { from: 5, to: 54, step: 1 }, slow: { from: 100, to: 100 + units / 50 - 1, step: 1 } },
  });
  expect({ status, body }).toMatchObject({ status: 200 });
  return (body['data'] as { operation_id: string }).operation_id;
}

export async function unitsDone(fleet: SweepFleet, sweep: string): Promise<number> {
  const { body } = await fleet.api('GET', `/api/v1/operations/${sweep}`);
  return (body['data'] as { progress: { items_processed: number } }).progress.items_processed;
}

/** Waits until the sweep is well under way, and long from done. */
export async function untilUnderWay(fleet: SweepFleet, sweep: string): Promise<void> {
  await waitUntil('the sweep is under way', async () => (await unitsDone(fleet, sweep)) >= UNITS / 25, {
    timeoutMs: 60_000,
    everyMs: 50,
  });
}

export async function untilOver(fleet: SweepFleet, sweep: string, timeoutMs = 240_000): Promise<string> {
  return await waitUntil(
    `sweep ${sweep} is over`,
    async () => {
      const { body } = await fleet.api('GET', `/api/v1/operations/${sweep}`);
      const { status } = body['data'] as { status: string };
      return ['completed', 'failed', 'cancelled'].includes(status) ? status : undefined;
    },
    { timeoutMs, everyMs: 200 },
  );
}

export interface SweepCount {
  /** Rows of accepted results. */
  accepted: number;
  /** Different units among them. */
  units: number;
  attempts: Record<string, number>;
}

/** Counts accepted results and how attempts ended, in the database. */
export async function countResults(fleet: SweepFleet, sweep: string): Promise<SweepCount> {
  const [row] = await fleet.sql<{ accepted: number; units: number }>(
    `select count(*)::int as accepted, count(distinct unit_index)::int as units from unit_result where sweep_id = '${sweep}'`,
  );
  const outcomes = await fleet.sql<{ outcome: string; count: number }>(
    `select coalesce(outcome, 'open') as outcome, count(*)::int as count from attempt where operation_id like '${sweep}%' group by 1`,
  );
  const { accepted, units } = present(row, 'a count');
  return {
    accepted,
    units,
    attempts: Object.fromEntries(outcomes.map((each) => [each.outcome, each.count])),
  };
}

/** The sweep completed, with exactly one accepted result for each unit. */
export async function expectWhole(fleet: SweepFleet, sweep: string, units = UNITS): Promise<SweepCount> {
  expect(await untilOver(fleet, sweep)).toBe('completed');
  const count = await countResults(fleet, sweep);
  expect(count).toMatchObject({ accepted: units, units });
  return count;
}
