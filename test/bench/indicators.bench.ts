/**
 * Every indicator on a million bars beside talib-web: `bun test/bench/indicators.bench.ts`. Turn about, so
 * that a busy machine slows both; each time is the median of the rounds. talib-web's memory holds no
 * million bars of several columns: it gets them in parts, which suits its caches. Its times include the
 * copies into and out of its memory, without which nobody has a result.
 */
import { present } from '#agent/kit/assert';
import { seededRng } from '#agent/kit/rng';
import { sliceIndices } from '#agent/engine/bars';
import { INDICATORS } from '#agent/engine/indicators/registry';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { randomBars } from '#test/support/random-bars';
import { loadTalib } from '#test/support/talib';
import { TALIB_PEERS, talibOutputs } from '#test/support/talib-peers';

const BARS = 1_000_000;
const PART_BARS = 200_000;
const ROUNDS = 9;
/** The sum of all of ours against the sum of what TA-Lib has of them. */
const RATIO_MAX = 1.5;

const bars = randomBars(seededRng(1), { length: BARS, timeframe: '1m', volatility: 0.001 });
const columns = { ...bars, source: bars.close };
const parts = Array.from({ length: BARS / PART_BARS }, (_, part) =>
  sliceIndices(bars, part * PART_BARS, (part + 1) * PART_BARS),
);
const talib = await loadTalib();

const contests = INDICATORS.map((indicator) => {
  const parameters = parseParameters(indicator, {});
  const { name } = indicator;
  const theirs =
    TALIB_PEERS[name] === undefined
      ? undefined
      : () => {
          for (const part of parts) talibOutputs(talib, name, { columns: part, parameters });
        };
  const ours = (): unknown => indicator.compute(columns, parameters);
  return { name, ours, theirs, oursMs: [] as number[], theirsMs: [] as number[] };
});

function timeMs(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

// The first two rounds warm the compilers up.
for (let round = -2; round < ROUNDS; round++) {
  for (const { ours, theirs, oursMs, theirsMs } of contests) {
    const theirsFirst = round % 2 === 0;
    if (theirs !== undefined && theirsFirst) theirsMs.push(timeMs(theirs));
    oursMs.push(timeMs(ours));
    if (theirs !== undefined && !theirsFirst) theirsMs.push(timeMs(theirs));
  }
}

function median(values: readonly number[]): number {
  const sorted = values.slice(2).toSorted((a, b) => a - b);
  return present(sorted[Math.floor(sorted.length / 2)], 'a round');
}

let oursTotal = 0;
let oursShared = 0;
let theirsTotal = 0;
console.log(
  `${'1,000,000 bars'.padEnd(22)}${'ours'.padStart(10)}${'talib-web'.padStart(12)}${'ours / theirs'.padStart(16)}`,
);
for (const { name, theirs, oursMs, theirsMs } of contests) {
  const mine = median(oursMs);
  oursTotal += mine;
  const row = `${name.padEnd(22)}${`${mine.toFixed(1)} ms`.padStart(10)}`;
  if (theirs === undefined) {
    console.log(`${row}${'–'.padStart(12)}`);
    continue;
  }
  const other = median(theirsMs);
  oursShared += mine;
  theirsTotal += other;
  console.log(`${row}${`${other.toFixed(1)} ms`.padStart(12)}${(mine / other).toFixed(2).padStart(16)}`);
}
const ratio = oursTotal / theirsTotal;
console.log(
  `\nwhat both have: ${oursShared.toFixed(0)} ms against ${theirsTotal.toFixed(0)} ms, ${(oursShared / theirsTotal).toFixed(2)}`,
);
console.log(
  `all ${contests.length} of ours: ${oursTotal.toFixed(0)} ms against the same, ${ratio.toFixed(2)} (at most ${RATIO_MAX})`,
);
if (ratio > RATIO_MAX) process.exitCode = 1;
