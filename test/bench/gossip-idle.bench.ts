/**
 * What a member of a quiet group costs, beside Debian's serf at the same time:
 *
 *   bun test/bench/gossip-idle.bench.ts [--nodes 5,30] [--seconds 300]
 *
 * Default: groups of 5 for 60 s. Every member a process, each group in a network namespace of its own,
 * whose firewall counts all that leaves, UDP and TCP, with IP headers. An idle bun process beside them
 * shows what the runtime takes without gossip. Limits: packets and bytes of serf's, 0.3 % of a core.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { systemClock } from '#agent/kit/clock';
import { startGossipFleet, type GossipFleet } from '#test/support/gossip-fleet';
import { memoryMb, processorSeconds } from '#test/support/process-cost';

/** Starting is over, and the garbage of it collected. */
const SETTLE_MS = 30_000;
const CORE_PERCENT_MAX = 0.3;

/** Each for one member: per second, percent of a core, or MB. */
interface Figures {
  udpPackets: number;
  udpBytes: number;
  tcpPackets: number;
  tcpBytes: number;
  packets: number;
  bytes: number;
  core: number;
  coreMax: number;
  rssMb: number;
  rssAnonMb: number;
}

const { values: options } = parseArgs({
  options: { nodes: { type: 'string', default: '5' }, seconds: { type: 'string', default: '60' } },
});
const seconds = Number(options.seconds);

let within = true;
for (const size of options.nodes.split(',').map(Number)) within = (await contest(size)) && within;
console.log(within ? 'within the limits' : 'OVER the limits');
process.exitCode = within ? 0 : 1;

async function contest(size: number): Promise<boolean> {
  await using ours = await startGossipFleet({ make: 'ours', size });
  await using serf = await startGossipFleet({ make: 'serf', size });
  using bare = startBare();
  await systemClock.sleep(SETTLE_MS);
  const before = loadavg()[0] ?? NaN;
  const ends = await Promise.all([begin(ours), begin(serf)]);
  const [bareStart, bareStartMs] = [processorSeconds(bare.pid), systemClock.bootMs()];
  await systemClock.sleep(seconds * 1000);
  const [mine, theirs] = await Promise.all(ends.map((end) => end()));
  const bareCore =
    ((processorSeconds(bare.pid) - bareStart) / (systemClock.bootMs() - bareStartMs)) * 100_000;
  if (mine === undefined || theirs === undefined) return false;
  const loads = `${before.toFixed(1)} to ${(loadavg()[0] ?? NaN).toFixed(1)}`;
  console.log(`\n${size} members, each a process, ${seconds} s, load average ${loads}`);
  print(mine, theirs);
  const bareMb = `${memoryMb(bare.pid, 'VmRSS').toFixed(1)} MB, RssAnon ${memoryMb(bare.pid, 'RssAnon').toFixed(1)} MB`;
  console.log(`a bun process that waits: ${bareCore.toFixed(3)} % of a core, RSS ${bareMb}\n`);
  return (
    mine.packets <= theirs.packets && mine.bytes <= theirs.bytes && mine.core - bareCore <= CORE_PERCENT_MAX
  );
}

function startBare(): { pid: number } & Disposable {
  const child = Bun.spawn([process.execPath, '-e', 'process.stdin.on("data", () => {})'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return { pid: child.pid, [Symbol.dispose]: () => child.kill('SIGKILL') };
}

/** Takes the first reading; what it gives takes the second. */
async function begin(fleet: GossipFleet): Promise<() => Promise<Figures>> {
  const pids = Array.from({ length: fleet.size }, (_, index) => fleet.pid(index));
  const startMs = systemClock.bootMs();
  const startSeconds = pids.map(processorSeconds);
  const startTraffic = await fleet.traffic();
  return async () => {
    const endTraffic = await fleet.traffic();
    const tookSeconds = (systemClock.bootMs() - startMs) / 1000;
    const cores = pids.map(
      (pid, index) => ((processorSeconds(pid) - (startSeconds[index] ?? 0)) / tookSeconds) * 100,
    );
    const rate = (protocol: 'udp' | 'tcp', what: 'packets' | 'bytes'): number =>
      (endTraffic[protocol][what] - startTraffic[protocol][what]) / tookSeconds / fleet.size;
    const [udpPackets, udpBytes] = [rate('udp', 'packets'), rate('udp', 'bytes')];
    const [tcpPackets, tcpBytes] = [rate('tcp', 'packets'), rate('tcp', 'bytes')];
    return {
      udpPackets,
      udpBytes,
      tcpPackets,
      tcpBytes,
      packets: udpPackets + tcpPackets,
      bytes: udpBytes + tcpBytes,
      core: mean(cores),
      coreMax: Math.max(...cores),
      rssMb: mean(pids.map((pid) => memoryMb(pid, 'VmRSS'))),
      rssAnonMb: mean(pids.map((pid) => memoryMb(pid, 'RssAnon'))),
    };
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function print(mine: Figures, theirs: Figures): void {
  const rows: [string, keyof Figures, number][] = [
    ['UDP packets/s', 'udpPackets', 2],
    ['UDP bytes/s', 'udpBytes', 0],
    ['TCP packets/s', 'tcpPackets', 2],
    ['TCP bytes/s', 'tcpBytes', 0],
    ['packets/s', 'packets', 2],
    ['bytes/s', 'bytes', 0],
    ['% of a core', 'core', 3],
    ['% of a core, busiest', 'coreMax', 3],
    ['RSS MB', 'rssMb', 1],
    ['RssAnon MB', 'rssAnonMb', 1],
  ];
  console.log(`${'each member'.padEnd(22)}${'ours'.padStart(9)}${'serf'.padStart(9)}  ours / serf`);
  for (const [title, field, digits] of rows) {
    const figures = [mine, theirs].map((each) => each[field].toFixed(digits).padStart(9)).join('');
    console.log(`${title.padEnd(22)}${figures}  ${(mine[field] / theirs[field]).toFixed(2)}`);
  }
}
