import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from '#agent/contract/worker';
import { present } from '#agent/kit/assert';
import { processIdentity } from '#agent/kit/process';
import { fakeNvidia, noFakeNvidia, type FakeNvidia } from '#test/support/fake-nvidia';
import { Fleet } from '#test/support/fleet';
import { repository } from '#test/support/source-file';
import { startSweep, untilOver } from '#test/support/sweep-run';
import { waitUntil } from '#test/support/wait-until';

/** One agent of the compiled binary with a fake NVIDIA driver, through a loss of its GPU and back. */
if (noFakeNvidia !== undefined) console.log(`skipped: ${noFakeNvidia}`);
describe.skipIf(noFakeNvidia !== undefined)('a GPU', () => {
  let fake: FakeNvidia;
  let fleet: Fleet;
  beforeAll(async () => {
    fake = await fakeNvidia({ devices: 1 });
    const agentEnvironment = { KTRDR_GPU_LIBRARY_DIR: fake.directory };
    fleet = await Fleet.start({ agents: 1, lease: '10s', slots: 2, agentEnvironment });
    const bars = Bun.file(join(repository, 'node_modules/vega-datasets/data/sp500-2000.csv'));
    const imported = await fleet.cli(['data', 'import', '-', '--symbol', 'SP500', '--timeframe', '1d'], {
      stdin: new Blob([await bars.arrayBuffer()]),
    });
    expect(imported).toMatchObject({ code: 0 });
  }, 120_000);
  afterAll(async () => {
    await fleet.stop();
    await fleet[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  }, 60_000);

  test('is shown by workers, by the health of the agent and by its metrics', async () => {
    const worker = await onlyWorker(fleet);
    expect(worker.capabilities).toMatchObject({ gpu: true, gpu_type: 'CUDA', gpu_count: 1 });
    expect(worker.facts.nvidia).toMatchObject({
      state: 'present',
      value: { devices: [{ model: 'NVIDIA H200', allocation: { state: 'proved' } }] },
    });
    const { stdout } = await fleet.cli(['workers']);
    expect(stdout).toMatch(/GPU .*\n.* 1× H200 140 GiB /);
    expect(await agentSays(worker, '/health')).toContain('"gpu_available":true');
    expect(await agentSays(worker, '/metrics')).toMatch(/^ktrdr_worker_gpus_usable 1$/m);
  });

  test('takes work that requires one', async () => {
    const id = await submitForGpu(fleet);
    await fleet.api('POST', `/api/v1/workers/${(await onlyWorker(fleet)).worker_id}/undrain`, {});
    expect(await untilOver(fleet, id, 30_000)).toBe('completed');
  }, 60_000);

  test('that is lost is missed after the first failed job; work for processors goes on', async () => {
    const sweep = await startSweep(fleet, 1_000);
    const workload = await waitUntil('the agent has a workload', () => workloadOf(fleet), {
      timeoutMs: 20_000,
    });
    await fake.control({ devices: 1, lost0: 1 });
    process.kill(workload, 'SIGKILL');
    // The period is 60 s: only the failed attempt explains a look before that.
    const error = await waitUntil('the loss to be known', () => failureOf(fleet), {
      timeoutMs: 20_000,
      everyMs: 100,
    });
    expect(error).toMatch(/GPU is lost .*reboot/);
    const worker = await onlyWorker(fleet);
    expect(worker.verdict).toMatchObject({ state: 'degraded' });
    expect(worker.verdict.cause).toContain('probe nvidia failed');
    expect(worker.capabilities).toMatchObject({ gpu: false, gpu_type: null, gpu_count: 0 });
    expect(worker.facts).toMatchObject({ cpu: { state: 'present' }, memory: { state: 'present' } });
    expect((await fleet.cli(['workers'])).stdout).toMatch(/ failed /);
    expect(await agentSays(worker, '/metrics')).toMatch(/^ktrdr_worker_gpus_usable 0$/m);
    expect(await untilOver(fleet, sweep)).toBe('completed');
  }, 180_000);

  test('that is lost keeps its work waiting, with the reason, and is found again', async () => {
    const id = await submitForGpu(fleet);
    await fleet.api('POST', `/api/v1/workers/${(await onlyWorker(fleet)).worker_id}/undrain`, {});
    const reason = await waitUntil('the reason of the wait', async () => {
      const { waiting_reason: waiting } = await operation(fleet, id);
      return waiting?.includes('GPU') === true ? waiting : undefined;
    });
    expect(reason).toMatch(/needs a GPU, its own failed: .*GPU is lost/);
    const cpu = await fleet.cli(['backtest', 'sma_cross', 'SP500', '1d']);
    expect(cpu.code).toBe(0);
    expect((await operation(fleet, id)).status).toBe('pending');

    await fake.control({ devices: 1 });
    expect(await untilOver(fleet, id, 40_000)).toBe('completed');
    expect((await onlyWorker(fleet)).verdict.state).toBe('ready');
  }, 90_000);
});

test.skipIf(noFakeNvidia !== undefined)(
  'a driver that hangs costs the GPU and some seconds of the start, nothing else',
  async () => {
    await using fake = await fakeNvidia({ hang: 1 });
    const agentEnvironment = { KTRDR_GPU_LIBRARY_DIR: fake.directory };
    await using fleet = await Fleet.start({ agents: 1, agentEnvironment });
    expect(await failureOf(fleet)).toMatch(/does not answer within 8 s .*reboot/);
    const { verdict, facts } = await onlyWorker(fleet);
    expect(verdict.state).toBe('degraded');
    expect(facts.cpu.state).toBe('present');
    // One process that asks, or none: those before it were killed.
    const asking = (await fleet.processes()).filter(({ pid }) => commandOf(pid).includes('__gpu'));
    expect(asking.length).toBeLessThanOrEqual(1);
    await fleet.stop();
  },
  90_000,
);

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    // It ended while we looked.
    return '';
  }
}

async function onlyWorker(fleet: Fleet): Promise<Worker> {
  const { stdout } = await fleet.cli(['workers', '--json']);
  const workers = JSON.parse(stdout) as Worker[];
  return present(workers[0], 'a worker');
}

async function failureOf(fleet: Fleet): Promise<string | undefined> {
  const { nvidia } = (await onlyWorker(fleet)).facts;
  return nvidia?.state === 'failed' ? nvidia.error : undefined;
}

async function agentSays(worker: Worker, path: string): Promise<string> {
  const port = present(/:(\d+)/.exec(new URL(worker.endpoint_url).host)?.[1], 'the port of the agent');
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5_000) });
  return await response.text();
}

async function operation(
  fleet: Fleet,
  id: string,
): Promise<{ status: string; waiting_reason: string | null }> {
  const { body } = await fleet.api('GET', `/api/v1/operations/${id}`);
  return body['data'] as { status: string; waiting_reason: string | null };
}

/** No kind of job requires a GPU yet: the needs of a backtest are changed while its only agent drains. */
async function submitForGpu(fleet: Fleet): Promise<string> {
  const { worker_id: worker } = await onlyWorker(fleet);
  const drained = await fleet.api('POST', `/api/v1/workers/${worker}/drain`, { reason: 'for a test' });
  expect(drained).toMatchObject({ status: 200 });
  const submitted = await fleet.cli('backtest sma_cross SP500 1d --wait --detach --json'.split(' '));
  const [id = ''] = /op_backtesting_\w+/.exec(submitted.stdout) ?? [];
  const changed = await fleet.sql(
    `update operation set needs = jsonb_set(needs::jsonb, '{gpu}', '"required"')
     where operation_id = '${id}' and status = 'pending' returning operation_id`,
  );
  expect(changed).toHaveLength(1);
  return id;
}

function workloadOf(fleet: Fleet): number | undefined {
  const cwd = present(fleet.agents[0], 'the agent').runtimeDir;
  for (const path of new Bun.Glob('shims/*/state.json').scanSync({ cwd, absolute: true })) {
    const state = JSON.parse(readFileSync(path, 'utf8')) as {
      workload: { pid: number } | null;
      attempt: unknown;
    };
    if (state.workload && state.attempt && processIdentity(state.workload.pid)) return state.workload.pid;
  }
  return undefined;
}
