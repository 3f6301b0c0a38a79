import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { shimStateSchema } from '#agent/contract/job';
import type { JobSpec, RecordedProcess } from '#agent/contract/job';
import type { AttemptKey, Grant } from '#agent/contract/lease';
import { attemptName, readJsonFile, shimFiles } from '#agent/worker/attempt-files';
import { AttemptSupervisor } from '#agent/worker/attempts/supervisor';
import type { SupervisorOptions } from '#agent/worker/attempts/supervisor';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { recordedDelivery } from './recorded-delivery';
import type { Heard, RecordedDelivery } from './recorded-delivery';
import { tempDir } from './temp-dir';
import { waitUntil } from './wait-until';

const MAIN = join(import.meta.dir, '../../agent/main.ts');
const TEST_JOBS = join(import.meta.dir, 'workloads/test-jobs.ts');
const AGENT = join(import.meta.dir, 'workloads/agent.ts');

type Given = Pick<SupervisorOptions, 'runtimeDir' | 'delivery' | 'clock' | 'log'> &
  Partial<SupervisorOptions>;

/** From source, with the test kinds as workload and times that suit a test. */
export function testSupervisorOptions(given: Given): SupervisorOptions {
  return {
    slots: () => 2,
    worker: { id: 'f'.repeat(32), name: 'test-agent' },
    environment: { ...process.env, KTRDR_TOKEN: 'secret', JWT_SECRET: 'secret', DATABASE_URL: 'secret' },
    program: [process.execPath, MAIN],
    ...given,
    shim: { workload_command: [process.execPath, TEST_JOBS], cancel_grace_ms: 300, ...given.shim },
  };
}

/** The product's own workload instead of the test kinds. */
export const REAL_WORKLOAD = [process.execPath, MAIN, '__run'];

export interface AttemptsFixture extends AsyncDisposable {
  readonly runtimeDir: string;
  readonly delivery: RecordedDelivery;
  readonly supervisor: AttemptSupervisor;
  /** What was heard of an attempt of `grantOf(epoch)`. */
  heard(epoch: number): Heard;
  start(epoch: number, kind: string, overrides?: JobOverrides): Promise<void>;
  result(epoch: number): Promise<Heard['results'][number]>;
}

export interface JobOverrides {
  grant?: Partial<Grant>;
  barsPath?: string;
  lease?: JobSpec['lease_policy'];
  leaseMs?: number;
}

export async function attemptsFixture(given: Partial<SupervisorOptions> = {}): Promise<AttemptsFixture> {
  const directory = await tempDir();
  const runtimeDir = given.runtimeDir ?? directory.path;
  const delivery = recordedDelivery();
  const supervisor = await AttemptSupervisor.open(
    testSupervisorOptions({ delivery, clock: systemClock, log: silentLog, ...given, runtimeDir }),
  );
  const heard = (epoch: number): Heard => delivery.of(attemptName(keyOf(epoch)));
  return {
    runtimeDir,
    delivery,
    supervisor,
    heard,
    start: (epoch, kind, overrides = {}) =>
      supervisor.start(jobOf(epoch, kind, overrides), systemClock.bootMs() + (overrides.leaseMs ?? 30_000)),
    result: (epoch) => waitUntil('the result', () => heard(epoch).results[0], { timeoutMs: 15_000 }),
    async [Symbol.asyncDispose]() {
      await supervisor[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

export function keyOf(epoch: number): AttemptKey {
  return { operation_id: 'op_test_20260131_235959_1a2b3c4d', epoch };
}

export function jobOf(
  epoch: number,
  kind: string,
  overrides: JobOverrides = {},
): Omit<JobSpec, 'attempt_dir'> {
  return {
    grant: {
      ...keyOf(epoch),
      kind,
      parent_operation_id: null,
      parameters: {},
      parameters_sha256: 'a'.repeat(64),
      bars: null,
      units: null,
      timeout_ms: 60_000,
      lease_ms: 30_000,
      ...overrides.grant,
    },
    bars_path: overrides.barsPath ?? null,
    lease_policy: overrides.lease ?? 'pure',
  };
}

/** Starts an agent as a process, waits until its attempt runs, and kills it with SIGKILL. */
export async function startAndKillAgent(
  runtimeDir: string,
  job: Omit<JobSpec, 'attempt_dir'>,
): Promise<void> {
  const agent = Bun.spawn([process.execPath, AGENT, runtimeDir, JSON.stringify(job)], {
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const log = join(runtimeDir, 'attempts', attemptName(job.grant), 'log.0.ndjson');
  await waitUntil('the job to print', async () => (await Bun.file(log).text()).includes('in '), {
    timeoutMs: 15_000,
  });
  agent.kill('SIGKILL');
  await agent.exited;
}

/** The processes below a directory's only shim, once a job runs in it. */
export async function runningProcesses({
  runtimeDir,
}: {
  runtimeDir: string;
}): Promise<Record<'shim' | 'workload', RecordedProcess>> {
  return await waitUntil('a running workload', () => {
    const [shimId] = readdirSync(join(runtimeDir, 'shims'));
    if (shimId === undefined) return undefined;
    const state = readJsonFile(shimFiles(join(runtimeDir, 'shims', shimId)).state, shimStateSchema);
    if (!state?.workload || !state.attempt) return undefined;
    return { shim: state.shim, workload: state.workload };
  });
}

/** The pid that a job printed for the process it left to itself. */
export async function orphanOf(fixture: AttemptsFixture, epoch: number): Promise<number> {
  return await waitUntil('the pid of the orphan', () => {
    const line = fixture.heard(epoch).lines.find(({ line: text }) => text.startsWith('orphan '));
    return line === undefined ? undefined : Number(line.line.slice('orphan '.length));
  });
}
