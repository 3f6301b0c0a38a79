/**
 * How long starting takes, from exec to the answer, each beside a peer in turn:
 *
 *   bun run build && bun test/bench/start.bench.ts [rounds]
 *
 * `version` beside `bun --version` (limit: 3 times as long), and the control plane until /health is 200 at
 * its first start (3 s) and at a later one (1 s), beside initdb and start of Debian's PostgreSQL alone.
 */
import { readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '#agent/kit/assert';
import { unprivilegedUser } from '#test/support/database';
import { BINARY } from '#test/support/fleet';
import { freePort } from '#test/support/free-port';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';

const ROUNDS = Number(process.argv[2] ?? 5);
/** Processes that last milliseconds are run more often. */
const SHORT_ROUNDS = 10 * ROUNDS;
const READY_MS_MAX = 60_000;

function median(values: readonly number[]): number {
  return present(values.toSorted((a, b) => a - b)[values.length >> 1], 'a value');
}

function report(name: string, ms: readonly number[]): number {
  const middle = median(ms);
  console.log(`${name.padEnd(44)} ${middle.toFixed(1)} ms (least ${Math.min(...ms).toFixed(1)})`);
  return middle;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function run(command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stdio: ['ignore', 'ignore', 'ignore'] });
  if ((await child.exited) !== 0) throw new Error(`${command.join(' ')} failed`);
}

const ours: number[] = [];
const bun: number[] = [];
for (let round = 0; round < SHORT_ROUNDS; round++) {
  ours.push(await timed(() => run([BINARY, 'version'])));
  bun.push(await timed(() => run([process.execPath, '--version'])));
}
const version = report('ktrdr-agent version', ours) / report('bun --version', bun);
console.log(`ratio ${version.toFixed(2)}, limit 3\n`);

/** A control plane in a directory, until it answers; then it is stopped. */
async function startControl(directory: string): Promise<number> {
  const port = await freePort();
  const child = Bun.spawn([BINARY, 'run', '--role', 'control'], {
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: directory,
      API_PORT: String(port),
      KTRDR_STATE_DIR: join(directory, 'state'),
      KTRDR_RUNTIME_DIR: join(directory, 'run'),
      KTRDR_CACHE_DIR: join(directory, 'cache'),
    },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  const isReady = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${port}/health`)).ok;
  const ms = await timed(() =>
    waitUntil('the control plane answers', isReady, { timeoutMs: READY_MS_MAX, everyMs: 5 }),
  );
  child.kill('SIGTERM');
  await child.exited;
  return ms;
}

const server = readdirSync('/usr/lib/postgresql', { encoding: 'utf8' }).at(-1);
const user = unprivilegedUser();
const prefix =
  user === undefined ? [] : ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--'];

/** Debian's PostgreSQL alone: initdb if `isFirst`, then a start until pg_ctl says it is ready. */
async function startPeer(directory: string, isFirst: boolean): Promise<number> {
  const program = (name: string): string => `/usr/lib/postgresql/${server}/bin/${name}`;
  const data = join(directory, 'data');
  const control = [...prefix, program('pg_ctl'), '-D', data, '-w'];
  const options = `-c listen_addresses='' -c unix_socket_directories=${directory}`;
  const ms = await timed(async () => {
    if (isFirst) await run([...prefix, program('initdb'), '-D', data, '-E', 'UTF8', '--no-locale']);
    await run([...control, '-o', options, '-l', join(directory, 'log'), 'start']);
  });
  await run([...control, '-m', 'fast', 'stop']);
  return ms;
}

const figures = { first: [], later: [], peerFirst: [], peerLater: [] } as Record<string, number[]>;
const note = (name: string, ms: number): void => void present(figures[name], name).push(ms);
for (let round = 0; round < ROUNDS; round++) {
  await using folder = await tempDir('kb-');
  note('first', await startControl(folder.path));
  note('later', await startControl(folder.path));
  if (server === undefined) continue;
  const peer = join(folder.path, 'peer');
  await mkdir(peer);
  if (user !== undefined) await run(['chown', `${user.uid}:${user.gid}`, peer]);
  note('peerFirst', await startPeer(peer, true));
  note('peerLater', await startPeer(peer, false));
  await rm(peer, { recursive: true });
}
const first = report('control plane, first start', present(figures['first'], 'first'));
const later = report('control plane, later start', present(figures['later'], 'later'));
if (server === undefined) console.log('no peer: PostgreSQL of Debian is not installed');
else {
  const peerFirst = report(
    `initdb and start of PostgreSQL ${server} alone`,
    present(figures['peerFirst'], 'peer'),
  );
  const peerLater = report(`start of PostgreSQL ${server} alone`, present(figures['peerLater'], 'peer'));
  console.log(`ratio ${(first / peerFirst).toFixed(2)} at first, ${(later / peerLater).toFixed(2)} later`);
}
const within = version <= 3 && first <= 3_000 && later <= 1_000;
console.log(within ? 'within the limits' : 'OVER the limits of 3 times, 3 s and 1 s');
process.exitCode = within ? 0 : 1;
