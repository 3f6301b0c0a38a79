import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptKey } from '#agent/contract/lease';
import { attemptsFixture, keyOf, orphanOf, runningProcesses } from '#test/support/attempts';
import { waitUntil } from '#test/support/wait-until';
import { attemptName } from '#agent/worker/attempt-files';
import { identityOf } from '#agent/worker/recorded-process';
import { processIdentity, isSameProcess } from '#agent/kit/process';

describe('an attempt', () => {
  test('is delivered: all units, then the result with its provenance, and its files are removed', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'count', { grant: { units: { from: 10, to: 2_510, done: [] } } });
    expect(fixture.supervisor.held()).toEqual([keyOf(1)]);
    expect(fixture.supervisor.freeSlots()).toBe(1);
    const result = await fixture.result(1);

    const { units, calls, lines } = fixture.heard(1);
    expect(units.map((unit) => unit.unit_index)).toEqual(Array.from({ length: 2_500 }, (_, i) => i + 10));
    expect(units[5]).toEqual({ unit_index: 15, parameters: { unit: 15 }, metrics: { square: 225 } });
    expect(calls.lastIndexOf('units')).toBeLessThan(calls.indexOf('result'));
    expect(result.outcome).toBe('completed');
    expect(result.error).toBeNull();
    expect(result.provenance).toMatchObject({
      version: 'dev',
      binary_sha256: 'source',
      parameters_sha256: 'a'.repeat(64),
      result_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      worker_name: 'test-agent',
    });
    await waitUntil('nothing to be held', () => fixture.supervisor.held().length === 0);
    expect(lines.map((line) => line.line)).toContain('counted');
    expect(readdirSync(join(fixture.runtimeDir, 'attempts'))).toEqual([]);
    expect(fixture.supervisor.freeSlots()).toBe(2);
  });

  test('runs in the warm process of the one before it, and sees no secrets of the agent', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'count');
    const first = await fixture.result(1);
    await fixture.start(2, 'count');
    const second = await fixture.result(2);
    expect(second.result?.['pid']).toBe(first.result?.['pid']);
    const environment = String(first.result?.['environment']);
    for (const secret of ['KTRDR_TOKEN', 'JWT_SECRET', 'DATABASE_URL'])
      expect(environment).not.toContain(secret);
    expect(fixture.heard(2).lines.filter(({ line }) => line === 'counted')).toHaveLength(1);
  });

  test('that is started twice runs once', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'count');
    await fixture.start(1, 'count');
    await fixture.result(1);
    await waitUntil('nothing to be held', () => fixture.supervisor.held().length === 0);
    expect(fixture.heard(1).results).toHaveLength(1);
  });

  test('that fails says why, and keeps its process', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'throw');
    const result = await fixture.result(1);
    expect(result.outcome).toBe('failed');
    expect(result.error).toEqual({
      code: 'internal',
      message: 'undefined is not a strategy',
      retryable: false,
    });
    await waitUntil('the stack in the log', () =>
      fixture.heard(1).lines.some(({ stream, line }) => stream === 'stderr' && line.includes('TypeError')),
    );
  });

  test('whose result is not JSON fails and names the place', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'nan');
    expect((await fixture.result(1)).error?.message).toBe('Cannot write metrics.sharpe as JSON: it is NaN');
  });

  test('of an unknown kind fails with the upgrade as hint', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'fly');
    expect((await fixture.result(1)).error).toMatchObject({
      code: 'environment',
      hint: expect.stringContaining('upgrade'),
    });
  });

  test('whose process dies is a crash that quotes stderr, and the next one gets a new process', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'crash');
    const result = await fixture.result(1);
    expect(result.outcome).toBe('crashed');
    expect(result.error?.message).toContain('it was ended by SIGKILL\nabout to die');
    await fixture.start(2, 'count');
    expect((await fixture.result(2)).outcome).toBe('completed');
  });

  test('that ends badly is told of, one that is completed or cancelled is not', async () => {
    const failed: AttemptKey[] = [];
    await using fixture = await attemptsFixture({ onFailed: (key) => void failed.push(key) });
    await fixture.start(1, 'count');
    await fixture.result(1);
    await fixture.start(2, 'endless');
    await runningProcesses(fixture);
    fixture.supervisor.cancel(keyOf(2), 'cancelled', 'enough');
    await fixture.result(2);
    expect(failed).toEqual([]);
    await fixture.start(3, 'throw');
    await fixture.result(3);
    await fixture.start(4, 'crash');
    await fixture.result(4);
    expect(failed).toEqual([keyOf(3), keyOf(4)]);
  });

  test('that leaves a process behind has it ended', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'litter');
    expect((await fixture.result(1)).outcome).toBe('completed');
    const orphan = await orphanOf(fixture, 1);
    expect(processIdentity(orphan)).toBeUndefined();
  });

  test('is ended by its time-out', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'endless', { grant: { timeout_ms: 700 } });
    const result = await fixture.result(1);
    expect(result.outcome).toBe('timed_out');
    expect(result.error?.message).toBe('Cannot finish the job: no end after 0.7 s');
  });

  test('whose log floods the disk keeps its head and its tail, and says what was dropped', async () => {
    await using fixture = await attemptsFixture();
    fixture.delivery.isAway = true;
    const lines = 60_000;
    await fixture.start(1, 'flood', { grant: { parameters: { lines } } });
    const attemptDir = join(fixture.runtimeDir, 'attempts', attemptName(keyOf(1)));
    await waitUntil('the end', () => existsSync(join(attemptDir, 'exit.json')), { timeoutMs: 20_000 });
    const sizes = readdirSync(attemptDir).map((name) => statSync(join(attemptDir, name)).size);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(4.2 * 2 ** 20);

    fixture.delivery.isAway = false;
    expect((await fixture.result(1)).outcome).toBe('completed');
    const { lines: heard } = fixture.heard(1);
    await waitUntil('the last line', () => heard.at(-1)?.line.startsWith(`${lines - 1} `), {
      timeoutMs: 10_000,
    });
    expect(heard[1]?.line.startsWith('0 ')).toBe(true);
    const dropped = heard.filter(({ line }) => line.endsWith('lines dropped'));
    expect(dropped).toHaveLength(1);
    const [count = 0] = dropped.map(({ line }) => Number.parseInt(line, 10));
    expect(heard.length - 1 + count).toBe(lines + 1);
  }, 40_000);
});

describe('cancel()', () => {
  test('ends a job that listens, and keeps its process warm', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'endless');
    const { workload } = await runningProcesses(fixture);
    await waitUntil('its units', () => fixture.heard(1).units.length === 3);
    await waitUntil('its progress', () => fixture.heard(1).progress.at(-1)?.current_step === 'for ever');
    fixture.supervisor.cancel(keyOf(1), 'cancelled', 'the user changed their mind');
    const result = await fixture.result(1);
    expect(result).toMatchObject({ outcome: 'cancelled', error: { message: 'the user changed their mind' } });
    expect(isSameProcess(identityOf(workload))).toBe(true);
  });

  test('ends a job that listens to nothing, with an orphan in a session of its own', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'stubborn');
    const { workload } = await runningProcesses(fixture);
    const orphan = await orphanOf(fixture, 1);
    expect(processIdentity(orphan)).toBeDefined();
    fixture.supervisor.cancel(keyOf(1), 'cancelled', 'enough');
    expect((await fixture.result(1)).outcome).toBe('cancelled');
    expect(isSameProcess(identityOf(workload))).toBe(false);
    expect(processIdentity(orphan)).toBeUndefined();
  });

  test('of an attempt that is not started yet still ends it', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'endless');
    fixture.supervisor.cancel(keyOf(1), 'cancelled', 'at once');
    expect((await fixture.result(1)).outcome).toBe('cancelled');
  });
});

describe('a lease that is not renewed', () => {
  test('ends work with outside effects five seconds early', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'endless', { lease: 'effects', leaseMs: 6_000 });
    const result = await fixture.result(1);
    expect(result.outcome).toBe('lost');
    expect(result.error?.message).toContain('its lease expired');
  });

  test('leaves work with outside effects alone once it is renewed', async () => {
    await using fixture = await attemptsFixture();
    const path = join(fixture.runtimeDir, 'go');
    const parameters = { path };
    await fixture.start(1, 'wait', { lease: 'effects', leaseMs: 7_000, grant: { parameters } });
    await fixture.start(2, 'endless', { lease: 'effects', leaseMs: 7_000 });
    fixture.supervisor.renewed(keyOf(1), Number.MAX_SAFE_INTEGER);
    expect((await fixture.result(2)).outcome).toBe('lost');
    writeFileSync(path, '');
    expect((await fixture.result(1)).outcome).toBe('completed');
  });

  test('does not end pure work', async () => {
    await using fixture = await attemptsFixture();
    const path = join(fixture.runtimeDir, 'go');
    await fixture.start(1, 'wait', { leaseMs: -1_000, grant: { parameters: { path } } });
    await fixture.start(2, 'endless', { lease: 'effects', leaseMs: -1_000 });
    expect((await fixture.result(2)).outcome).toBe('lost');
    writeFileSync(path, '');
    expect((await fixture.result(1)).outcome).toBe('completed');
  });
});

describe('a control plane', () => {
  test('that says stale has the attempt stopped and forgotten', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'endless');
    const { workload } = await runningProcesses(fixture);
    fixture.delivery.verdict = 'stale';
    await waitUntil('nothing to be held', () => fixture.supervisor.held().length === 0, {
      timeoutMs: 10_000,
    });
    expect(fixture.heard(1).results).toEqual([]);
    expect(fixture.heard(1).calls).not.toContain('result');
    expect(readdirSync(join(fixture.runtimeDir, 'attempts'))).toEqual([]);
    expect(isSameProcess(identityOf(workload))).toBe(true);
  });

  test('that is away gets everything later, and the slot is free meanwhile', async () => {
    await using fixture = await attemptsFixture();
    fixture.delivery.isAway = true;
    await fixture.start(1, 'count', { grant: { units: { from: 0, to: 50, done: [] } } });
    await waitUntil('the slot', () => fixture.supervisor.freeSlots() === 2, { timeoutMs: 10_000 });
    expect(fixture.supervisor.held()).toEqual([keyOf(1)]);
    fixture.delivery.isAway = false;
    expect((await fixture.result(1)).outcome).toBe('completed');
    expect(fixture.heard(1).units).toHaveLength(50);
  });
});

describe('close()', () => {
  test('with release gives running work back with its units, and leaves no process', async () => {
    await using fixture = await attemptsFixture();
    await fixture.start(1, 'endless');
    const { shim, workload } = await runningProcesses(fixture);
    await waitUntil('its units', () => fixture.heard(1).units.length === 3);
    await fixture.supervisor.close({ release: true });
    expect(fixture.heard(1).results[0]).toMatchObject({ outcome: 'released', error: { retryable: true } });
    expect(isSameProcess(identityOf(shim))).toBe(false);
    expect(isSameProcess(identityOf(workload))).toBe(false);
    expect(readdirSync(join(fixture.runtimeDir, 'shims'))).toEqual([]);
    expect(fixture.start(2, 'count')).rejects.toThrow('Cannot start the attempt: the agent stops');
  });
});

test('a shim is private to its user', async () => {
  await using fixture = await attemptsFixture();
  await fixture.start(1, 'endless');
  await runningProcesses(fixture);
  const shims = join(fixture.runtimeDir, 'shims');
  const [shimId = ''] = readdirSync(shims);
  expect(statSync(shims).mode & 0o777).toBe(0o700);
  expect(statSync(join(shims, shimId, 'socket')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(shims, shimId, 'stderr'), 'utf8')).toBe('');
});
