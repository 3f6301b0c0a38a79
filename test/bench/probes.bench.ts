/**
 * Every probe on this machine, alone and all at once: `bun test/bench/probes.bench.ts`.
 * Looks take their time in the kernel, in processes and on the network; what counts for heartbeats is how
 * long one keeps the event loop from everything else. The bounds: together 200 ms, no stall over 20 ms; on
 * a machine with other work the row of nothing shows what that adds.
 * Beside them one scrape of Debian's prometheus-node-exporter, which reads much the same files.
 */
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { systemHost } from '#agent/probes/host';
import type { Probe } from '#agent/probes/probe';
import { allProbes } from '#agent/probes/registry';
import { probeOnce } from '#agent/probes/run';
import { freePort } from '#test/support/free-port';

const ROUNDS = 20;
const TOGETHER_MS_MAX = 200;
const STALL_MS_MAX = 20;
const probes = allProbes({ stateDirectory: tmpdir(), cacheDirectory: tmpdir(), shareDirectory: tmpdir() });

interface Measured {
  name: string;
  firstMs: number;
  medianMs: number;
  worstMs: number;
  /** Longest time in which no timer came about: in the median round, and in the worst, where other work of the machine counts too. */
  stallMs: number;
  worstStallMs: number;
  /** Of this process, all threads, for one look. */
  cpuMs: number;
  state: string;
}

async function main(): Promise<void> {
  const idle = await measure('(nothing)', async () => {
    await systemClock.sleep(5);
    return '';
  });
  const rows: Measured[] = [];
  for (const probe of Object.values(probes) as Probe[]) {
    rows.push(await measure(probe.name, async () => (await probe.probe(systemHost)).state));
  }
  const together = await measure('together', async () => {
    const options = { probes, host: systemHost, clock: systemClock, log: silentLog };
    const facts = await probeOnce(options);
    return Object.values(facts).some((fact) => fact?.state === 'failed') ? 'failed' : 'present';
  });
  print([idle, ...rows, together]);
  await printPeer();
  const stallMs = Math.max(...[...rows, together].map((row) => row.stallMs));
  const kept = together.medianMs <= TOGETHER_MS_MAX && stallMs <= STALL_MS_MAX;
  console.log(`load ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`);
  console.log(
    `together ${together.medianMs.toFixed(1)} of ${TOGETHER_MS_MAX} ms, longest stall of a median round ${stallMs.toFixed(1)} of ${STALL_MS_MAX} ms: ${kept ? 'kept' : 'NOT kept'}`,
  );
}

async function measure(name: string, look: () => Promise<string>): Promise<Measured> {
  const times: number[] = [];
  const stalls: number[] = [];
  const cpuBefore = process.cpuUsage();
  let state = '';
  for (let round = 0; round < ROUNDS; round++) {
    const stop = new AbortController();
    const watching = watchStalls(stop.signal);
    const startMs = performance.now();
    state = await look().catch(() => 'failed');
    times.push(performance.now() - startMs);
    // Lets a timer come about after the look: a stall at its end counts.
    await systemClock.sleep(2);
    stop.abort();
    stalls.push(await watching);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const sorted = { times: times.toSorted((a, b) => a - b), stalls: stalls.toSorted((a, b) => a - b) };
  return {
    name,
    firstMs: times[0] ?? NaN,
    medianMs: sorted.times[ROUNDS >> 1] ?? NaN,
    worstMs: sorted.times.at(-1) ?? NaN,
    stallMs: sorted.stalls[ROUNDS >> 1] ?? NaN,
    worstStallMs: sorted.stalls.at(-1) ?? NaN,
    cpuMs: (user + system) / 1000 / ROUNDS,
    state,
  };
}

/** Longest delay of a timer of 1 ms, in milliseconds. */
async function watchStalls(signal: AbortSignal): Promise<number> {
  let longestMs = 0;
  while (!signal.aborted) {
    const startMs = performance.now();
    await systemClock.sleep(1, signal);
    longestMs = Math.max(longestMs, performance.now() - startMs - 1);
  }
  return longestMs;
}

function print(rows: readonly Measured[]): void {
  const cell = (ms: number): string => ms.toFixed(1).padStart(9);
  const titles = ['first ms', 'median ms', 'worst ms', 'stall ms', 'worst', 'CPU ms'];
  console.log(`${'probe'.padEnd(15)}${titles.map((title) => title.padStart(9)).join(' ')}  state`);
  for (const { name, firstMs, medianMs, worstMs, stallMs, worstStallMs, cpuMs, state } of rows) {
    const figures = [firstMs, medianMs, worstMs, stallMs, worstStallMs, cpuMs].map(cell).join(' ');
    console.log(`${name.padEnd(15)}${figures}  ${state}`);
  }
}

async function printPeer(): Promise<void> {
  const program = Bun.which('prometheus-node-exporter');
  if (program === null) {
    console.log('skipped: the peer, prometheus-node-exporter, is not installed');
    return;
  }
  const address = `127.0.0.1:${await freePort()}`;
  const folder = join(tmpdir(), 'ktrdr-no-textfiles');
  const argv = [program, `--web.listen-address=${address}`, `--collector.textfile.directory=${folder}`];
  const peer = Bun.spawn(argv, { stdout: 'ignore', stderr: 'ignore' });
  try {
    const scrape = async (): Promise<string> => (await fetch(`http://${address}/metrics`)).text();
    for (let attempt = 0; attempt < 100; attempt++) {
      if ((await scrape().catch(() => '')) !== '') break;
      await systemClock.sleep(50);
    }
    const measured = await measure('node_exporter', async () => ((await scrape()) === '' ? 'failed' : ''));
    console.log(`one scrape of node_exporter: ${measured.medianMs.toFixed(1)} ms (median of ${ROUNDS})`);
  } finally {
    peer.kill();
    await peer.exited;
  }
}

await main();
