/**
 * The CSV importer beside csv-parse alone on the same bytes: `bun test/bench/import.bench.ts`.
 * csv-parse only cuts fields; ours also reads times and figures, checks, and gives sorted columns.
 */
import { parse } from 'csv-parse';
import { parse as parseWhole } from 'csv-parse/sync';
import { importBars } from '#agent/engine/bars-import/import-bars';
import { present } from '#agent/kit/assert';
import { seededRng } from '#agent/kit/rng';
import { csvRows, HEADER } from '#test/support/import-file';
import { randomBars } from '#test/support/random-bars';

const ROWS = 1_000_000;
const CHUNK_BYTES = 64 * 1024;
const ROUNDS = 3;

const rows = csvRows(randomBars(seededRng(1), { length: ROWS, timeframe: '1m', volatility: 0.001 }));
const inOrder = Buffer.from(`${HEADER}\n${rows.join('\n')}\n`);
const rng = seededRng(2);
const keyed = rows.map((row) => ({ row, key: rng.next() })).toSorted((a, b) => a.key - b.key);
const shuffled = Buffer.from(`${HEADER}\n${keyed.map(({ row }) => row).join('\n')}\n`);

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
    yield await Promise.resolve(bytes.subarray(from, from + CHUNK_BYTES));
  }
}

async function ours(bytes: Uint8Array, timezone: string): Promise<number> {
  let count = 0;
  const options = { symbol: 'BENCH', timeframe: '1m', timezone, onBad: 'reject' } as const;
  for await (const { time } of importBars(chunksOf(bytes), options)) count += time.length;
  return count;
}

async function stream(bytes: Uint8Array): Promise<number> {
  const parser = parse({ from_line: 2 });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let count = 0;
  parser.on('data', () => {
    count++;
  });
  parser.on('end', resolve);
  parser.on('error', reject);
  for await (const chunk of chunksOf(bytes)) parser.write(chunk);
  parser.end();
  await promise;
  return count;
}

const RUNS: readonly { name: string; work: () => Promise<number> }[] = [
  { name: 'csv-parse alone, as a stream', work: () => stream(inOrder) },
  {
    name: 'csv-parse alone, the whole file at once',
    work: () => Promise.resolve(parseWhole(inOrder, { from_line: 2 }).length),
  },
  { name: 'importBars, in order, UTC', work: () => ours(inOrder, 'UTC') },
  { name: 'importBars, in order, America/Sao_Paulo', work: () => ours(inOrder, 'America/Sao_Paulo') },
  { name: 'importBars, shuffled, UTC', work: () => ours(shuffled, 'UTC') },
];

/** The longest time for which nobody else got a turn while the work went on. */
async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let watching = setImmediate(function watch() {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
    watching = setImmediate(watch);
  });
  await work();
  clearImmediate(watching);
  return longest;
}

async function rowsPerSecond(work: () => Promise<number>): Promise<number> {
  const start = performance.now();
  const count = await work();
  if (count !== ROWS) throw new Error(`${count} rows came back instead of ${ROWS}`);
  return (count / (performance.now() - start)) * 1000;
}

console.log(`${ROWS.toLocaleString('en')} rows, ${(inOrder.length / 1e6).toFixed(0)} MB`);
const speeds = RUNS.map((): number[] => []);
for (let round = 0; round < ROUNDS; round++) {
  for (const [index, { work }] of RUNS.entries()) speeds[index]?.push(await rowsPerSecond(work));
}
const medians = speeds.map((values) => present(values.toSorted((a, b) => a - b)[ROUNDS >> 1], 'a speed'));
const alone = present(medians[0], 'a speed');
for (const [index, { name, work }] of RUNS.entries()) {
  const speed = present(medians[index], 'a speed');
  const turn = name.startsWith('importBars')
    ? `, longest turn ${(await longestTurnMs(work)).toFixed(1)} ms`
    : '';
  const figures = `${Math.round(speed / 1000)} k rows/s`.padStart(14);
  console.log(`${name.padEnd(42)} ${figures}  ${(speed / alone).toFixed(2)} × the stream${turn}`);
}
