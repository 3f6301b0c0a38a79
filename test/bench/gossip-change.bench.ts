/**
 * A change of one member's tags until all the others have it, beside Debian's serf:
 *
 *   bun test/bench/gossip-change.bench.ts [--nodes 30] [--changes 50] [--seed 1]
 *
 * Default: 15 changes each in groups of 30, a minute and a half. Every member a process; the same member
 * changes in both groups, in turns which one first. Told over a pipe (ours) and a connection to the RPC
 * (serf) that stand already. Limit: median 1.0 × serf's.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { systemClock } from '#agent/kit/clock';
import { seededRng } from '#agent/kit/rng';
import { quantile } from '#test/support/distribution';
import { startGossipFleet, type GossipFleet } from '#test/support/gossip-fleet';

const SPREAD_MS_MAX = 60_000;
/** Joins are no longer gossiped. */
const SETTLE_MS = 10_000;
/** The last change is no longer gossiped: retransmits take 8 rounds of 200 ms among 30. */
const CALM_MS = 2_000;
const PHASE_MS = 1_000;
const RATIO_MAX = 1;
const SHARES = [
  { title: 'half of the others', of: 0.5 },
  { title: 'all of the others', of: 1 },
];

const { values: options } = parseArgs({
  options: {
    nodes: { type: 'string', default: '30' },
    changes: { type: 'string', default: '15' },
    seed: { type: 'string', default: '1' },
  },
});
const size = Number(options.nodes);
const changes = Number(options.changes);
const rng = seededRng(Number(options.seed));

await using ours = await startGossipFleet({ make: 'ours', size });
await using serf = await startGossipFleet({ make: 'serf', size });
await systemClock.sleep(SETTLE_MS);
const before = loadavg()[0] ?? NaN;
const times: Record<string, number[][]> = { ours: [], serf: [] };
for (let change = 0; change < changes; change++) {
  const changer = rng.below(size);
  for (const fleet of change % 2 === 0 ? [ours, serf] : [serf, ours]) {
    await systemClock.sleep(CALM_MS + PHASE_MS * rng.next());
    times[fleet.make]?.push(await spread(fleet, changer, `${change}`));
  }
}

async function spread(fleet: GossipFleet, changer: number, value: string): Promise<number[]> {
  await using change = await fleet.prepareTag(changer);
  using watch = fleet.watch(changer, 'update');
  const startMs = performance.now();
  change.run(value);
  await watch.all(SPREAD_MS_MAX);
  return watch.atMs.map((atMs) => atMs - startMs);
}

const loads = `${before.toFixed(1)} to ${(loadavg()[0] ?? NaN).toFixed(1)}`;
console.log(`${size} members, each a process, ${changes} changes each, load average ${loads}`);
console.log(`${'new tags at'.padEnd(28)}${'ours ms'.padStart(9)}${'serf ms'.padStart(9)}  ours / serf`);
let within = true;
for (const { title, of } of SHARES) {
  for (const [name, share] of [
    ['median', 0.5],
    ['p95', 0.95],
  ] as const) {
    const [mine = NaN, theirs = NaN] = ['ours', 'serf'].map((make) =>
      quantile(
        (times[make] ?? []).map((each) => quantile(each, of)),
        share,
      ),
    );
    const ratio = mine / theirs;
    const isJudged = of === 1 && name === 'median';
    if (isJudged && !(ratio <= RATIO_MAX)) within = false;
    const figures = [mine, theirs].map((ms) => ms.toFixed(0).padStart(9)).join('');
    const limit = isJudged ? ` (at most ${RATIO_MAX.toFixed(2)})` : '';
    console.log(`${`${title}, ${name}`.padEnd(28)}${figures}  ${ratio.toFixed(2)}${limit}`);
  }
}
console.log(within ? 'within the limit' : 'OVER the limit');
process.exitCode = within ? 0 : 1;
