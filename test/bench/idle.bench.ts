/**
 * What an idle agent costs, all probes on, beside Debian's prometheus-node-exporter that is scraped as
 * often as the agent sends heartbeats:
 *
 *   bun run build && bun test/bench/idle.bench.ts [seconds]
 *
 * Default 300. Limits: 40 MB of RssAnon, 0.3 % of a core.
 */
import { readFileSync } from 'node:fs';
import { present } from '#agent/kit/assert';
import { systemClock } from '#agent/kit/clock';
import { Fleet } from '#test/support/fleet';
import { freePort } from '#test/support/free-port';
import { waitUntil } from '#test/support/wait-until';

const SECONDS = Number(process.argv[2] ?? 300);
const PERIOD_MS = 5_000;
/** Starting is over, and the garbage of it collected. */
const SETTLE_MS = 20_000;
const RSS_ANON_MB_MAX = 40;
const CORE_PERCENT_MAX = 0.3;
/** USER_HZ of /proc (proc(5)). */
const TICKS_PER_S = 100;

class Process {
  readonly name: string;
  readonly #pid: number;
  #startTicks = 0;
  #startMs = 0;
  rssAnonMbMax = 0;

  constructor(name: string, pid: number) {
    this.name = name;
    this.#pid = pid;
  }

  begin(): void {
    this.#startTicks = this.#ticks();
    this.#startMs = systemClock.bootMs();
  }

  sample(): void {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.#pid}/status`, 'utf8'))?.[1];
    this.rssAnonMbMax = Math.max(this.rssAnonMbMax, Number(present(kilobytes, 'RssAnon')) / 1000);
  }

  corePercent(): number {
    const seconds = (systemClock.bootMs() - this.#startMs) / 1000;
    return ((this.#ticks() - this.#startTicks) / TICKS_PER_S / seconds) * 100;
  }

  /** User and system time; the name in front of them may hold blanks. */
  #ticks(): number {
    const fields = readFileSync(`/proc/${this.#pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  }
}

interface Exporter extends Disposable {
  pid: number;
  scrape(): Promise<void>;
}

async function startExporter(): Promise<Exporter | undefined> {
  const program = Bun.which('prometheus-node-exporter');
  if (program === null) return undefined;
  const address = `127.0.0.1:${await freePort()}`;
  const child = Bun.spawn([program, `--web.listen-address=${address}`], {
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  const scrape = async (): Promise<void> => {
    const response = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(4_000) });
    await response.text();
  };
  await waitUntil('the exporter answers', () => scrape().then(() => true));
  return { pid: child.pid, scrape, [Symbol.dispose]: () => child.kill('SIGKILL') };
}

await using fleet = await Fleet.start({ agents: 1, lease: '30s', heartbeat: '5s' });
using exporter = await startExporter();
if (exporter === undefined) console.log('no peer: prometheus-node-exporter is not installed');
const agent = new Process('agent, idle', present(fleet.agents[0], 'an agent').pid);
const control = new Process('control plane, idle', fleet.control.pid);
const peer = exporter && new Process('node_exporter', exporter.pid);
const processes = [agent, control, ...(peer === undefined ? [] : [peer])];

await systemClock.sleep(SETTLE_MS);
for (const each of processes) each.begin();
for (const endMs = systemClock.bootMs() + SECONDS * 1000; systemClock.bootMs() < endMs;) {
  await systemClock.sleep(PERIOD_MS);
  await exporter?.scrape();
  for (const each of processes) each.sample();
}
const figures = processes.map((each) => ({
  name: each.name,
  core: each.corePercent(),
  rssAnonMbMax: each.rssAnonMbMax,
}));
console.log(`${SECONDS} s, a heartbeat and a scrape each ${PERIOD_MS / 1000} s`);
for (const { name, core, rssAnonMbMax } of figures) {
  console.log(
    `${name.padEnd(22)} ${core.toFixed(2)} % of a core   RssAnon at most ${rssAnonMbMax.toFixed(1)} MB`,
  );
}
const [ours, , theirs] = figures;
if (theirs !== undefined && ours !== undefined) {
  const [core, memory] = [ours.core / theirs.core, ours.rssAnonMbMax / theirs.rssAnonMbMax];
  console.log(`agent / node_exporter  ${core.toFixed(2)} × the processor, ${memory.toFixed(2)} × the memory`);
}
const within = (ours?.core ?? 0) <= CORE_PERCENT_MAX && (ours?.rssAnonMbMax ?? 0) <= RSS_ANON_MB_MAX;
console.log(
  within ? 'within the limits' : `OVER the limits of ${CORE_PERCENT_MAX} % and ${RSS_ANON_MB_MAX} MB`,
);
await fleet.stop();
process.exitCode = within ? 0 : 1;
