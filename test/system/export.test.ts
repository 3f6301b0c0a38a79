import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { z } from 'zod';
import { canonicalSha256 } from '#agent/kit/canonical-json';
import { Fleet } from '#test/support/fleet';
import { repository } from '#test/support/source-file';

/** What a real backtest and a real sweep leave behind, read in every way in which it is given out. */
let fleet: Fleet;
let backtest: string;
let sweep: string;

const ROWS = z.array(z.record(z.string(), z.unknown()));
const submitted = z.object({ operation: z.object({ operation_id: z.string() }) });

/** A hook has five seconds of its own, which a busy machine needs for the fleet alone. */
const SET_UP_MS = 120_000;

beforeAll(async () => {
  fleet = await Fleet.start({ agents: 1 });
  const bars = await readFile(join(repository, 'node_modules/vega-datasets/data/sp500-2000.csv'));
  const series = ['--symbol', 'SP500', '--timeframe', '1d'];
  expect(await fleet.cli(['data', 'import', '-', ...series], { stdin: new Blob([bars]) })).toMatchObject({
    code: 0,
  });
  backtest = await run(['backtest', 'sma_cross', 'SP500', '1d', '--param', 'fast=5', '--param', 'slow=20']);
  sweep = await run(['sweep', 'sma_cross', 'SP500', '1d', '-g', 'fast=5:50:5', '-g', 'slow=60:200:20']);
}, SET_UP_MS);
afterAll(() => fleet[Symbol.asyncDispose](), SET_UP_MS);

async function run(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await fleet.cli([...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return submitted.parse(JSON.parse(stdout)).operation.operation_id;
}

async function exported(id: string, what: string, format: 'csv' | 'parquet') {
  const file = join(fleet.directory, `${what}.${format}`);
  const { code, stderr } = await fleet.cli(['export', id, '--what', what, '-o', file]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const bytes = await readFile(file);
  const rows =
    format === 'csv'
      ? parse(bytes, { columns: true })
      : await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
  return ROWS.parse(rows);
}

async function rowsOf(path: string) {
  const { status, body } = await fleet.api('GET', `/api/v1/operations/${path}`);
  expect(status).toBe(200);
  return ROWS.parse(body['data']);
}

/** A row as the text of a CSV: numbers in their shortest form, nothing for null. */
function asText(row: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Date ? value.toISOString() : text(value),
    ]),
  );
}

function text(value: unknown): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

test('trades are the same bits as JSON, CSV and Parquet', async () => {
  const rows = await rowsOf(`${backtest}/trades`);
  expect(rows.length).toBeGreaterThan(50);
  const flat = rows.map(({ decision_metadata, ...trade }) =>
    asText({ ...trade, ...z.object({ exit_reason: z.string() }).parse(decision_metadata) }),
  );
  expect((await exported(backtest, 'trades', 'csv')).map(asText)).toEqual(flat);
  expect((await exported(backtest, 'trades', 'parquet')).map(asText)).toEqual(flat);
});

test('equity is the same bits as JSON, CSV and Parquet, one point a bar', async () => {
  const rows = (await rowsOf(`${backtest}/equity?limit=50000`)).map(asText);
  expect(rows).toHaveLength(5105);
  expect(await exported(backtest, 'equity', 'csv')).toEqual(rows);
  expect((await exported(backtest, 'equity', 'parquet')).map(asText)).toEqual(rows);
});

test('units are the same bits as JSON, CSV and Parquet', async () => {
  const named = z.object({
    unit_index: z.number(),
    parameters: z.record(z.string(), z.unknown()),
    metrics: z.record(z.string(), z.number().nullable()),
  });
  const units = (await rowsOf(`${sweep}/units?order=index&limit=1000`)).map((unit) => {
    const { unit_index, parameters, metrics } = named.parse(unit);
    const row: Record<string, unknown> = { unit_index };
    for (const [name, value] of Object.entries(parameters)) row[`param_${name}`] = value;
    return asText({ ...row, ...metrics });
  });
  expect(units).toHaveLength(80);
  expect(await exported(sweep, 'units', 'csv')).toEqual(units);
  expect((await exported(sweep, 'units', 'parquet')).map(asText)).toEqual(units);
});

test('the whole result still has the hash that its agent gave it', async () => {
  const { body: result } = await fleet.api('GET', `/api/v1/operations/${backtest}/results`);
  const { body } = await fleet.api('GET', `/api/v1/operations/${backtest}`);
  const { provenance } = z
    .object({ provenance: z.object({ result_sha256: z.string() }) })
    .parse(body['data']);
  expect(canonicalSha256(result['data'])).toBe(provenance.result_sha256);
});

test('bars go out and in again with the same logical hash', async () => {
  const folder = join(fleet.directory, 'bars/');
  expect(await fleet.cli(['data', 'export', '--all', '-o', folder])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('SP500_1d.csv: 5,105 bars of SP500 1d'),
  });
  const file = join(folder, 'SP500_1d.csv');
  const copied = await fleet.cli(['data', 'import', file, '--symbol', 'COPY']);
  expect(copied).toMatchObject({ code: 0 });
  const again = await run(['backtest', 'sma_cross', 'COPY', '1d']);
  expect(await dataHashOf(again)).toBe(await dataHashOf(backtest));
  const piped = await fleet.cli(['data', 'export', 'COPY', '1d', '--to', '2000-01-05', '-o', '-']);
  expect(piped.stdout.trimEnd().split('\r\n')).toHaveLength(1 + 3);
});

async function dataHashOf(id: string): Promise<string> {
  const { body } = await fleet.api('GET', `/api/v1/operations/${id}`);
  const hashed = z.object({ provenance: z.object({ data_hash: z.string() }) });
  return hashed.parse(body['data']).provenance.data_hash;
}

test('profits of trades add up to the equity at the end, to the cent, in SQL', async () => {
  const [row] = await fleet.sql<{ difference: number }>(`
    select abs(100000 + sum(net_pnl)
      - (select (metrics->>'final_equity')::float8 from backtest_summary where operation_id = '${backtest}')) as difference
    from backtest_trade where operation_id = '${backtest}'`);
  expect(row?.difference).toBeLessThan(0.01);
});

test('what a kind does not have, and what there is not, is refused with a hint', async () => {
  expect(await fleet.cli(['export', sweep, '--what', 'trades'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`hint: the units of a sweep: ktrdr-agent export ${sweep} --what units`),
  });
  expect(await fleet.cli(['report', 'op_sweep_20260131_235959_1a2b3c4d'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no such operation'),
  });
  expect(await fleet.cli(['report', sweep, '--axes', 'fast,slwo', '-o', '/tmp/never.html'])).toMatchObject({
    stderr: expect.stringContaining('did you mean slow?'),
  });
});
