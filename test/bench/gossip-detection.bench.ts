/**
 * From kill -9 to "failed" at every survivor, beside Debian's serf, both in their LAN profile:
 *
 *   bun test/bench/gossip-detection.bench.ts [--nodes 5,30] [--kills 50] [--seed 1]
 *
 * Default: 5 kills each in groups of 5, a minute and a half; in full: --nodes 5,30 --kills 50, half an hour.
 * Two groups of one size, each in a network namespace of its own, every member a process. The same member
 * is killed in both at the same moment, in turns which one first, then restarted until all see it again.
 * Limits: median 1.0 ×, 95th percentile 1.25 × serf's.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { systemClock } from '#agent/kit/clock';
import { seededRng, type Rng } from '#agent/kit/rng';
import { quantile } from '#test/support/distribution';
import { startGossipFleet, type GossipFleet } from '#test/support/gossip-fleet';

const DETECTED_MS_MAX = 120_000;
/** What the last kill left behind is over: gossip of it, and doubts of health. */
const CALM_MS = 4_000;
/** One period of probes, so that a kill falls anywhere in it. */
const PHASE_MS = 1_000;
const MEDIAN_RATIO_MAX = 1;
const P95_RATIO_MAX = 1.25;

interface Detection {
  firstMs: number;
  everyMs: number;
}

const { values: options } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5' },
    kills: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
  },
});

let within = true;
for (const size of options.nodes.split(',').map(Number)) {
  within = (await contest(size, Number(options.kills), seededRng(Number(options.seed)))) && within;
}
console.log(within ? 'within the limits' : 'OVER the limits');
process.exitCode = within ? 0 : 1;

async function contest(size: number, kills: number, rng: Rng): Promise<boolean> {
  await using ours = await startGossipFleet({ make: 'ours', size });
  await using serf = await startGossipFleet({ make: 'serf', size });
  const fleets = [ours, serf];
  const detections: Record<string, Detection[]> = { ours: [], serf: [] };
  const loads = [loadavg()[0] ?? NaN];
  for (let kill = 0; kill < kills; kill++) {
    await systemClock.sleep(CALM_MS + PHASE_MS * rng.next());
    const victim = rng.below(size);
    const turn = kill % 2 === 0 ? fleets : fleets.toReversed();
    await Promise.all(turn.map(async (fleet) => detections[fleet.make]?.push(await detect(fleet, victim))));
    await Promise.all(fleets.map((fleet) => fleet.restart(victim)));
    await Promise.all(fleets.map((fleet) => fleet.whole()));
    console.log(progress(kill, detections));
  }
  loads.push(loadavg()[0] ?? NaN);
  const load = loads.map((value) => value.toFixed(1)).join(' to ');
  console.log(`\n${size} members, each a process, ${kills} kills each, load average ${load}`);
  const alarms = fleets.map((fleet) => `${fleet.falseAlarms()} (${fleet.make})`).join(', ');
  const kept = print(detections);
  console.log(`"failed" said of members that ran: ${alarms}\n`);
  return kept;
}

async function detect(fleet: GossipFleet, victim: number): Promise<Detection> {
  using watch = fleet.watch(victim, 'failed');
  const startMs = performance.now();
  fleet.kill(victim);
  await watch.all(DETECTED_MS_MAX);
  const times = watch.atMs.map((atMs) => atMs - startMs);
  return { firstMs: Math.min(...times), everyMs: Math.max(...times) };
}

function progress(kill: number, detections: Readonly<Record<string, Detection[]>>): string {
  const shown = Object.entries(detections).map(([make, all]) => {
    const { firstMs = NaN, everyMs = NaN } = all.at(-1) ?? {};
    return `${make} ${(firstMs / 1000).toFixed(2)} … ${(everyMs / 1000).toFixed(2)} s`;
  });
  return `kill ${kill + 1}: ${shown.join(', ')}`;
}

function print(detections: Readonly<Record<string, Detection[]>>): boolean {
  const rows = [
    { title: 'first survivor', of: ({ firstMs }: Detection) => firstMs },
    { title: 'every survivor', of: ({ everyMs }: Detection) => everyMs },
  ];
  const shares = [
    { title: 'median', share: 0.5, ratioMax: MEDIAN_RATIO_MAX },
    { title: 'p95', share: 0.95, ratioMax: P95_RATIO_MAX },
  ];
  let kept = true;
  console.log(`${'"failed" said by'.padEnd(24)}${'ours s'.padStart(8)}${'serf s'.padStart(8)}  ours / serf`);
  for (const { title, of } of rows) {
    for (const { title: name, share, ratioMax } of shares) {
      const [mine = NaN, theirs = NaN] = ['ours', 'serf'].map((make) =>
        quantile((detections[make] ?? []).map(of), share),
      );
      const ratio = mine / theirs;
      const isJudged = title === 'every survivor';
      if (isJudged && !(ratio <= ratioMax)) kept = false;
      const figures = [mine, theirs].map((ms) => (ms / 1000).toFixed(2).padStart(8)).join('');
      const limit = isJudged ? ` (at most ${ratioMax.toFixed(2)})` : '';
      console.log(`${`${title}, ${name}`.padEnd(24)}${figures}  ${ratio.toFixed(2)}${limit}`);
    }
  }
  return kept;
}
