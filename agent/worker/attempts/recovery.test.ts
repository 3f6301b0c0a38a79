import { describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  attemptsFixture,
  jobOf,
  keyOf,
  orphanOf,
  runningProcesses,
  startAndKillAgent,
} from '#test/support/attempts';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { attemptName } from '#agent/worker/attempt-files';
import { identityOf } from '#agent/worker/recorded-process';
import { isSameProcess, processIdentity } from '#agent/kit/process';
import { markedProcesses } from './leftovers';

function waitJob(runtimeDir: string): ReturnType<typeof jobOf> {
  return jobOf(1, 'wait', { grant: { parameters: { path: join(runtimeDir, 'go') } } });
}

describe('an agent that was killed', () => {
  test('finds its running job again: the same process, and all of its results', async () => {
    await using folder = await tempDir();
    const runtimeDir = folder.path;
    await startAndKillAgent(runtimeDir, waitJob(runtimeDir));
    const before = await runningProcesses({ runtimeDir });

    await using next = await attemptsFixture({ runtimeDir });
    expect(next.supervisor.held()).toEqual([keyOf(1)]);
    expect(next.supervisor.freeSlots()).toBe(1);
    expect(await runningProcesses(next)).toEqual(before);
    writeFileSync(join(runtimeDir, 'go'), '');
    const result = await next.result(1);
    expect(result).toMatchObject({ outcome: 'completed', result: { pid: before.workload.pid } });
    expect(next.heard(1).units).toEqual([{ unit_index: 0, parameters: {}, metrics: { found: 1 } }]);
    await next.start(2, 'count');
    expect((await next.result(2)).result?.['pid']).toBe(before.workload.pid);
  });

  test('delivers what ended while no agent was there, also when the shim is gone by then', async () => {
    await using folder = await tempDir();
    const runtimeDir = folder.path;
    await startAndKillAgent(runtimeDir, waitJob(runtimeDir));
    const { shim, workload } = await runningProcesses({ runtimeDir });
    writeFileSync(join(runtimeDir, 'go'), '');
    const exit = join(runtimeDir, 'attempts', attemptName(keyOf(1)), 'exit.json');
    await waitUntil('the end of the job', () => existsSync(exit));
    process.kill(shim.pid, 'SIGKILL');
    await waitUntil('the workload to die with its shim', () => !isSameProcess(identityOf(workload)));

    await using next = await attemptsFixture({ runtimeDir });
    expect((await next.result(1)).outcome).toBe('completed');
    expect(next.heard(1).units).toHaveLength(1);
    await waitUntil('no debris', () => readdirSync(join(runtimeDir, 'attempts')).length === 0);
    expect(readdirSync(join(runtimeDir, 'shims'))).toEqual([]);
  });

  test('reports a job as lost whose shim died meanwhile', async () => {
    await using folder = await tempDir();
    const runtimeDir = folder.path;
    await startAndKillAgent(runtimeDir, waitJob(runtimeDir));
    const { shim } = await runningProcesses({ runtimeDir });
    process.kill(shim.pid, 'SIGKILL');

    await using next = await attemptsFixture({ runtimeDir });
    const result = await next.result(1);
    expect(result).toMatchObject({ outcome: 'lost', error: { message: 'no process runs it any more' } });
    expect(result.provenance).toBeNull();
  });

  test('leaves a shim that ends by itself when it has nothing to do', async () => {
    await using fixture = await attemptsFixture({ shim: { idle_ms: 300 } });
    await fixture.start(1, 'count');
    await fixture.result(1);
    const [shimId = ''] = readdirSync(join(fixture.runtimeDir, 'shims'));
    await fixture.supervisor.close({ release: false });
    await waitUntil('no shim', () => readdirSync(join(fixture.runtimeDir, 'shims')).length === 0);
    await waitUntil('no process', () => markedProcesses(shimId).length === 0);
  });

  test('leaves a job that nobody comes back for to its orphan limit', async () => {
    await using folder = await tempDir();
    const runtimeDir = folder.path;
    {
      const fixture = await attemptsFixture({ runtimeDir, shim: { orphan_ms: 300 } });
      await fixture.start(1, 'endless');
      await waitUntil('its units', () => fixture.heard(1).units.length === 3);
      await fixture.supervisor.close({ release: false });
    }
    await waitUntil('no shim', () => readdirSync(join(runtimeDir, 'shims')).length === 0);
    await using next = await attemptsFixture({ runtimeDir });
    expect((await next.result(1)).outcome).toBe('released');
    expect(next.heard(1).units).toHaveLength(3);
  });

  test('is not confused by debris', async () => {
    await using folder = await tempDir();
    const runtimeDir = folder.path;
    mkdirSync(join(runtimeDir, 'attempts', 'half-made'), { recursive: true });
    mkdirSync(join(runtimeDir, 'shims', 'deadbeef'), { recursive: true });
    writeFileSync(join(runtimeDir, 'shims', 'deadbeef', 'state.json'), '{"shim_id":');
    await using fixture = await attemptsFixture({ runtimeDir });
    expect(fixture.supervisor.held()).toEqual([]);
    expect(readdirSync(join(runtimeDir, 'attempts'))).toEqual([]);
    expect(readdirSync(join(runtimeDir, 'shims'))).toEqual([]);
  });
});

describe('a shim that is killed', () => {
  test('takes its workload and every orphan of it along, and the attempt is lost', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'stubborn');
    const { shim, workload } = await runningProcesses(fixture);
    const orphan = await orphanOf(fixture, 1);
    process.kill(shim.pid, 'SIGKILL');
    const result = await fixture.result(1);
    expect(result.outcome).toBe('lost');
    expect(result.error?.message).toContain('its shim died');
    expect(isSameProcess(identityOf(workload))).toBe(false);
    expect(processIdentity(orphan)).toBeUndefined();
    await fixture.start(2, 'count');
    expect((await fixture.result(2)).outcome).toBe('completed');
  });

  test('while it is idle is not given work', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'count');
    await fixture.result(1);
    const [shimId = ''] = readdirSync(join(fixture.runtimeDir, 'shims'));
    for (const pid of markedProcesses(shimId)) process.kill(pid, 'SIGKILL');
    await waitUntil(
      'its debris to be removed',
      () => readdirSync(join(fixture.runtimeDir, 'shims')).length === 0,
    );
    await fixture.start(2, 'count');
    expect((await fixture.result(2)).outcome).toBe('completed');
  });

  test('by SIGTERM gives its work back', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'endless');
    const { shim, workload } = await runningProcesses(fixture);
    process.kill(shim.pid, 'SIGTERM');
    const result = await fixture.result(1);
    expect(result).toMatchObject({ outcome: 'released', error: { message: 'the shim received SIGTERM' } });
    await waitUntil('its workload to be gone', () => !isSameProcess(identityOf(workload)));
  });
});

test('a shim whose program does not exist has its attempt lost, and the reason said', async () => {
  await using fixture = await attemptsFixture({ program: ['/nonexistent/ktrdr-agent'] });
  await fixture.start(1, 'count');
  const result = await fixture.result(1);
  expect(result.outcome).toBe('lost');
  expect(result.error?.message).toContain('/nonexistent/ktrdr-agent');
});

test('a runtime directory too deep for a socket is refused with the length to save', async () => {
  await using folder = await tempDir();
  const runtimeDir = join(folder.path, 'x'.repeat(90));
  expect(attemptsFixture({ runtimeDir })).rejects.toMatchObject({
    code: 'settings',
    hint: expect.stringMatching(/at least \d+ bytes shorter/),
  });
});
