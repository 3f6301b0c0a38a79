/**
 * The engine beside other backtesters, turn about in one run: `bun test/bench/backtesters.bench.ts`.
 * Two-SMA crossover with costs, on the same bars; every side takes the indicators, trades, equity and its
 * report of figures. Peers are no dependencies; one that is not there is skipped and said to be.
 * BENCH_PYTHON: a Python with `pip install backtesting vectorbt`; BENCH_NODE_MODULES: the node_modules of
 * `npm install grademark data-forge chai@4`.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mkdtempSync, rmSync } from 'node:fs';
import { seededRng } from '#agent/kit/rng';
import type { Bars } from '#agent/engine/bars';
import { DEFAULT_COSTS } from '#agent/engine/backtest/request';
import { runBacktest } from '#agent/engine/backtest/run';
import { sma } from '#agent/engine/indicators/sma';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { strategyNamed } from '#agent/engine/strategy/registry';
import { randomBars } from '#test/support/random-bars';
import { loadSp500 } from '#test/support/sp500';

const FAST = 20;
const SLOW = 50;
const PYTHON_MS_MAX = 300_000;

interface Peer {
  name: string;
  /** Seconds for one run, the mean of `rounds`; a string says why there is none. */
  time(rounds: number): Promise<number | string>;
}

const strategy = strategyNamed('sma_cross');
const parameters = parseParameters(strategy, { fast: FAST, slow: SLOW });

function timeOurs(bars: Bars, rounds: number): number {
  const start = performance.now();
  for (let i = 0; i < rounds; i++) runBacktest({ bars, strategy, parameters });
  return (performance.now() - start) / rounds / 1000;
}

/** Peers of one Python process, which answers a line for a line. */
async function startPython(bars: Bars, folder: string): Promise<{ peers: Peer[]; stop(): void }> {
  const file = join(folder, `${bars.length}.f64`);
  const columns = [bars.open, bars.high, bars.low, bars.close];
  await Bun.write(file, new Blob(columns.map((column) => new Uint8Array(column.slice().buffer))));
  const script = join(import.meta.dir, 'python-peers.py');
  const frequency = bars.timeframe === '1d' ? '1D' : '1min';
  const python = process.env['BENCH_PYTHON'] ?? 'python3';
  if (Bun.which(python) === null) {
    const missing = { name: 'Python', time: async () => `there is no ${python}` };
    return { peers: [missing], stop: () => undefined };
  }
  const child = Bun.spawn([python, script, file, frequency], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: PYTHON_MS_MAX,
  });
  const answers = lines(child.stdout);
  const time = async (name: string, rounds: number): Promise<number | string> => {
    const asked = Promise.resolve(child.stdin.write(`${name} ${rounds}\n`)).then(() => child.stdin.flush());
    // A pipe that broke ends the answers, too.
    await asked.catch(() => undefined);
    const { value, done } = await answers.next();
    if (done === true) return 'python ended: it needs numpy and pandas, and to answer in time';
    return value.startsWith('ok ') ? Number(value.slice(3)) : value.slice(3);
  };
  const peers = ['backtesting.py', 'vectorbt'].map((name) => ({
    name,
    time: (rounds: number) => time(name, rounds),
  }));
  return { peers, stop: () => child.kill() };
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  return undefined;
}

interface GrademarkBar {
  time: Date;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  above: boolean;
}

interface Grademark {
  backtest(rules: object, frame: object): object[];
  analyze(capital: number, trades: object[]): object;
  computeEquityCurve(capital: number, trades: object[]): number[];
}

/** npm's grademark is given its averages; it knows neither sizes nor slippage. */
async function startGrademark(bars: Bars): Promise<Peer> {
  const name = 'grademark';
  const folder = process.env['BENCH_NODE_MODULES'];
  if (folder === undefined) return { name, time: async () => 'BENCH_NODE_MODULES is not set' };
  const [grademark, forge] = await Promise.all([
    import(join(folder, 'grademark')) as Promise<Grademark>,
    import(join(folder, 'data-forge')) as Promise<{ DataFrame: new (rows: object[]) => object }>,
  ]);
  const rules = {
    entryRule: (enter: () => void, { bar }: { bar: GrademarkBar }) => {
      if (bar.above) enter();
    },
    exitRule: (exit: () => void, { bar }: { bar: GrademarkBar }) => {
      if (!bar.above) exit();
    },
    fees: () => DEFAULT_COSTS.commissionRate,
  };
  const times = Array.from(bars.time, (time) => new Date(Number(time / 1000n)));
  const run = (): void => {
    const fast = sma(bars.close, FAST);
    const slow = sma(bars.close, SLOW);
    const rows = times.map((time, i) => ({
      time,
      open: bars.open[i] ?? NaN,
      high: bars.high[i] ?? NaN,
      low: bars.low[i] ?? NaN,
      close: bars.close[i] ?? NaN,
      volume: bars.volume[i] ?? NaN,
      above: (fast[i] ?? NaN) > (slow[i] ?? NaN),
    }));
    const trades = grademark.backtest(rules, new forge.DataFrame(rows));
    grademark.computeEquityCurve(100_000, trades);
    grademark.analyze(100_000, trades);
  };
  return {
    name,
    async time(rounds) {
      const start = performance.now();
      for (let i = 0; i < rounds; i++) run();
      return (performance.now() - start) / rounds / 1000;
    },
  };
}

/** The middle one of the ratios of some pairs, after one pair that only warms both up. */
async function compare(
  peer: Peer,
  bars: Bars,
  { rounds, pairs }: { rounds: number; pairs: number },
): Promise<void> {
  const title = `two SMAs to a report, ${bars.length.toLocaleString('en')} bars`.padEnd(42);
  const samples: Array<{ ratio: number; ours: number; theirs: number }> = [];
  for (let pair = -1; pair < pairs; pair++) {
    const theirs = await peer.time(rounds);
    if (typeof theirs === 'string') return console.log(`${title} ${peer.name} skipped: ${theirs}`);
    const ours = timeOurs(bars, Math.min(200, Math.max(5, Math.round((rounds * theirs) / 0.005))));
    if (pair >= 0) samples.push({ ratio: theirs / ours, ours, theirs });
  }
  const [middle] = samples.toSorted((a, b) => a.ratio - b.ratio).slice(Math.floor(samples.length / 2));
  if (middle === undefined) return;
  const figures = `${middle.ratio.toFixed(1)} × ${peer.name}`.padEnd(26);
  const times = `${(middle.ours * 1000).toFixed(2)} ms against ${(middle.theirs * 1000).toFixed(1)} ms`;
  console.log(`${title} ${figures} (${times})`);
}

const folder = mkdtempSync(join(tmpdir(), 'ktrdr-bench-'));
try {
  const long = randomBars(seededRng(1), { length: 500_000, timeframe: '1m', volatility: 0.001 });
  for (const [bars, effort] of [
    [await loadSp500(), { rounds: 3, pairs: 5 }],
    [long, { rounds: 1, pairs: 1 }],
  ] as const) {
    const python = await startPython(bars, folder);
    for (const peer of [...python.peers, await startGrademark(bars)]) await compare(peer, bars, effort);
    python.stop();
  }
} finally {
  rmSync(folder, { recursive: true });
}
