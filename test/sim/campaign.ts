/**
 * Many seeds in a row, on as many processes as wanted:
 * `bun test/sim/campaign.ts --seeds 50000 --nodes 3-50 --seconds 60 [--first 1] [--jobs 2]`.
 */
import { parseArgs } from 'node:util';
import { replayCommand, runSeed, type SeedResult } from './run-seed';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    first: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '3-50' },
    seconds: { type: 'string', default: '60' },
    jobs: { type: 'string', default: '1' },
  },
});

const count = Number(values.seeds);
const first = Number(values.first);
const seconds = Number(values.seconds);
const jobs = Number(values.jobs);
const [nodesMin = 3, nodesMax = nodesMin] = values.nodes.split('-').map(Number);

if (jobs > 1) await runJobs();
else runHere();

async function runJobs(): Promise<void> {
  const share = Math.ceil(count / jobs);
  const codes = await Promise.all(
    Array.from({ length: jobs }, (_, job) => {
      const seeds = Math.min(share, count - job * share);
      const from = first + job * share;
      const options = ['--seeds', `${seeds}`, '--first', `${from}`, '--nodes', values.nodes];
      return Bun.spawn([process.execPath, import.meta.path, ...options, '--seconds', values.seconds], {
        stdout: 'inherit',
        stderr: 'inherit',
      }).exited;
    }),
  );
  process.exitCode = codes.some((code) => code !== 0) ? 1 : 0;
}

function runHere(): void {
  const startNs = Bun.nanoseconds();
  const total = {
    steps: 0,
    packets: 0,
    failing: 0,
    suspicions: 0,
    falseFailed: 0,
    trueFailed: 0,
    conflicts: 0,
  };
  for (let seed = first; seed < first + count; seed++) {
    const result = runSeed({ seed, nodesMin, nodesMax, seconds });
    total.steps += result.steps;
    total.packets += result.packets;
    total.suspicions += result.figures.suspicions;
    total.falseFailed += result.figures.falseFailed;
    total.trueFailed += result.figures.trueFailed;
    total.conflicts += result.figures.conflicts;
    if (count === 1) console.log(result);
    if (result.violations.length > 0) {
      total.failing++;
      tell(result);
    }
  }
  const tookSeconds = (Bun.nanoseconds() - startNs) / 1e9;
  console.log(`seeds ${first} to ${first + count - 1}: ${JSON.stringify(total)}`);
  console.log(`${tookSeconds.toFixed(1)} s, ${(count / tookSeconds).toFixed(2)} seeds/s`);
  if (total.failing > 0) process.exitCode = 1;
}

function tell({ seed, nodes, theme, violations }: SeedResult): void {
  console.log(`seed ${seed} (${nodes} nodes, ${theme}): ${replayCommand(seed, nodesMin, nodesMax, seconds)}`);
  for (const { rule, atMs, text } of violations.slice(0, 3))
    console.log(`  ${rule} at ${atMs.toFixed(1)} ms: ${text}`);
}
