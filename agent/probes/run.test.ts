import { expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { systemClock, type Clock } from '#agent/kit/clock';
import { silentLog, type Log } from '#agent/kit/log';
import { waitUntil } from '#test/support/wait-until';
import type { Finding, ProbeSet } from './probe';
import { emptyHost } from './recording/recorded-host';
import { allProbes } from './registry';
import { ProbeLoop, PROBE_AGAIN_MS, PROBE_LATE_MS, PROBE_RETRY_MS, PROBE_TIMEOUT_MS, probeOnce } from './run';

const nothing: Finding<never> = { state: 'absent', reason: 'not looked for', derivation: [] };
const probes: ProbeSet = {
  cpu: { name: 'cpu', periodMs: 60_000, probe: () => Promise.resolve(nothing) },
  disk: { name: 'disk', periodMs: 30_000, probe: () => Promise.resolve(nothing) },
  memory: { name: 'memory', periodMs: 10_000, probe: () => Promise.resolve(nothing) },
};
const base = { host: emptyHost, clock: systemClock, log: silentLog };

test('allProbes() is alphabetical and each probe is the file of its name', () => {
  const registry = allProbes({ stateDirectory: '/', cacheDirectory: '/' });
  const names = Object.keys(registry);
  const files = readdirSync(import.meta.dir);
  expect(names).toEqual(names.toSorted());
  expect(Object.values(registry).map((probe) => probe.name as string)).toEqual(names);
  for (const name of names) expect(files).toContain(`${name}.ts`);
});

test('probeOnce() degrades only the probe that throws', async () => {
  const broken = { ...probes.disk, probe: () => Promise.reject(new Error('EIO')) };
  const facts = await probeOnce({ ...base, probes: { ...probes, disk: broken } });
  expect(facts).toEqual({ cpu: nothing, disk: { state: 'failed', error: 'EIO' }, memory: nothing });
});

test('probeOnce() does not wait for a probe that hangs', async () => {
  const hanging = { ...probes.cpu, probe: () => Promise.withResolvers<never>().promise };
  const startMs = performance.now();
  const facts = await probeOnce({ ...base, probes: { ...probes, cpu: hanging } });
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(PROBE_TIMEOUT_MS - 5);
  expect(facts.cpu).toEqual({ state: 'failed', error: `no answer within ${PROBE_TIMEOUT_MS} ms` });
  expect(facts.memory).toEqual(nothing);
});

test('probeOnce() refuses implausible figures and cuts long derivations', async () => {
  const value = { totalBytes: Number.NaN, limitBytes: null, usableBytes: 1, availableBytes: 1 };
  const memory = {
    ...probes.memory,
    probe: () => Promise.resolve({ state: 'present' as const, value, derivation: [] }),
  };
  const derivation = Array.from({ length: 100 }, () => 'x'.repeat(1000));
  const cpu = { ...probes.cpu, probe: () => Promise.resolve({ ...nothing, derivation }) };
  const facts = await probeOnce({ ...base, probes: { ...probes, cpu, memory } });
  expect(facts.memory).toMatchObject({ state: 'failed', error: expect.stringContaining('implausible') });
  expect(facts.cpu).toEqual({
    ...nothing,
    derivation: derivation.slice(0, 64).map((line) => line.slice(0, 500)),
  });
});

test('ProbeLoop looks again on each period, sooner after a failure, and stops when disposed', async () => {
  const clock = steppedClock();
  const looks = { cpu: 0, memory: 0 };
  const counted: ProbeSet = {
    ...probes,
    cpu: { ...probes.cpu, probe: () => Promise.resolve({ ...nothing, reason: `look ${++looks.cpu}` }) },
    memory: {
      ...probes.memory,
      probe: () => (++looks.memory === 1 ? Promise.reject(new Error('EIO')) : Promise.resolve(nothing)),
    },
  };
  const loop = await ProbeLoop.start({ ...base, clock, probes: counted });
  expect(loop.current().memory.state).toBe('failed');
  clock.advance(PROBE_RETRY_MS);
  await waitUntil('memory to be looked at again', () => loop.current().memory.state === 'absent');
  expect(looks.cpu).toBe(1);
  clock.advance(60_000 - PROBE_RETRY_MS);
  await waitUntil('the processor to be looked at again', () => looks.cpu === 2);
  await loop[Symbol.asyncDispose]();
  clock.advance(600_000);
  expect(looks.cpu).toBe(2);
});

test('lookAgain() looks at one fact soon, at most each PROBE_AGAIN_MS, and again after a look that goes on', async () => {
  const clock = steppedClock();
  const looks = { cpu: 0, disk: 0 };
  let answer = Promise.withResolvers<Finding<never>>();
  const counted: ProbeSet = {
    ...probes,
    cpu: { ...probes.cpu, probe: () => Promise.resolve({ ...nothing, reason: `look ${++looks.cpu}` }) },
    disk: {
      ...probes.disk,
      timeoutMs: 20_000,
      probe: () => {
        answer = Promise.withResolvers();
        return ++looks.disk === 1 ? Promise.resolve(nothing) : answer.promise;
      },
    },
  };
  await using loop = await ProbeLoop.start({ ...base, clock, probes: counted });
  for (let ask = 0; ask < 5; ask++) loop.lookAgain('disk');
  clock.advance(PROBE_AGAIN_MS - 1);
  await Promise.resolve();
  expect(looks.disk).toBe(1);
  clock.advance(1);
  await waitUntil('the look that was asked for', () => looks.disk === 2);
  // Asked during a look: the cause may be younger than what it sees.
  loop.lookAgain('disk');
  answer.resolve({ ...nothing, reason: 'second' });
  await waitUntil('its answer', () => {
    const { disk: fact } = loop.current();
    return fact.state === 'absent' && fact.reason === 'second';
  });
  expect(looks.disk).toBe(2);
  clock.advance(PROBE_AGAIN_MS);
  await waitUntil('the one more', () => looks.disk === 3);
  answer.resolve(nothing);
  expect(looks.cpu).toBe(1);
});

test('a probe that says so is tried again later than others after a failure', async () => {
  const clock = steppedClock();
  let looks = 0;
  const probe = () => (looks++, Promise.reject(new Error('EIO')));
  const disk = { ...probes.disk, retryMs: 20_000, probe };
  await using loop = await ProbeLoop.start({ ...base, clock, probes: { ...probes, disk } });
  expect(loop.current().disk.state).toBe('failed');
  clock.advance(PROBE_RETRY_MS);
  clock.advance(20_000 - PROBE_RETRY_MS - 1);
  await Promise.resolve();
  expect(looks).toBe(1);
  clock.advance(1);
  await waitUntil('the second look', () => looks === 2);
});

test('ProbeLoop stops at once, also while a look hangs', async () => {
  const clock = steppedClock();
  let looks = 0;
  const probe = () => (++looks === 1 ? Promise.resolve(nothing) : Promise.withResolvers<never>().promise);
  const disk = { ...probes.disk, timeoutMs: 10_000, probe };
  const loop = await ProbeLoop.start({ ...base, clock, probes: { ...probes, disk } });
  clock.advance(30_000);
  await waitUntil('the look that hangs', () => looks === 2);
  // The clock stands still: only the end of the loop itself lets this go on.
  await loop[Symbol.asyncDispose]();
  expect(loop.current().disk).toEqual(nothing);
});

test('ProbeLoop starts without a late probe, takes its fact when it comes, and ends without it', async () => {
  const clock = steppedClock();
  const answer = Promise.withResolvers<Finding<never>>();
  const software = { name: 'software' as const, periodMs: 600_000, timeoutMs: 10_000, isLate: true };
  const late: ProbeSet = { ...probes, software: { ...software, probe: () => answer.promise } };
  const starting = ProbeLoop.start({ ...base, clock, probes: late });
  clock.advance(PROBE_LATE_MS);
  const loop = await starting;
  expect(loop.current()).toEqual({ cpu: nothing, disk: nothing, memory: nothing });
  answer.resolve(nothing);
  await waitUntil('the late fact', () => loop.current().software?.state === 'absent');
  await loop[Symbol.asyncDispose]();
  const hanging = { ...software, probe: () => Promise.withResolvers<never>().promise };
  const restarting = ProbeLoop.start({ ...base, clock, probes: { ...probes, software: hanging } });
  clock.advance(PROBE_LATE_MS);
  await (await restarting)[Symbol.asyncDispose]();
});

test('ProbeLoop says once in the log what lasts, and that it is over', async () => {
  const clock = steppedClock();
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    info: (message) => void lines.push(message),
    warn: (message, fields) => void lines.push(`${message}: ${String(fields?.['error'])}`),
  };
  const outcomes = ['EIO', 'EIO', 'ESTALE', 'ESTALE', 'fine', 'fine'];
  let looks = 0;
  const disk = {
    ...probes.disk,
    probe: () => {
      const outcome = outcomes[looks++] ?? 'fine';
      return outcome === 'fine' ? Promise.resolve(nothing) : Promise.reject(new Error(outcome));
    },
  };
  await using _loop = await ProbeLoop.start({ ...base, clock, log, probes: { ...probes, disk } });
  const lookedAtLeast = (count: number) => () => looks >= count;
  for (let look = 2; look <= outcomes.length; look++) {
    clock.advance(30_000);
    await waitUntil(`look ${look}`, lookedAtLeast(look));
  }
  expect(lines).toEqual(['probe failed: EIO', 'probe failed: ESTALE', 'probe works again']);
});

test('ProbeLoop never runs a hanging probe a second time', async () => {
  const clock = steppedClock();
  let looks = 0;
  let answer = Promise.withResolvers<Finding<never>>();
  const disk = {
    ...probes.disk,
    probe: () => {
      looks++;
      answer = Promise.withResolvers();
      return looks === 1 ? Promise.resolve(nothing) : answer.promise;
    },
  };
  await using loop = await ProbeLoop.start({ ...base, clock, probes: { ...probes, disk } });
  const error = (): string | undefined => {
    const { disk: fact } = loop.current();
    return fact.state === 'failed' ? fact.error : undefined;
  };
  clock.advance(30_000);
  await waitUntil('the second look to hang', () => looks === 2);
  clock.advance(PROBE_TIMEOUT_MS);
  await waitUntil('the time-out', () => error()?.startsWith('no answer') === true);
  clock.advance(PROBE_RETRY_MS);
  await waitUntil('the third look to be left out', () => error()?.startsWith('the previous') === true);
  expect(looks).toBe(2);
  answer.resolve(nothing);
  await Promise.resolve();
  clock.advance(PROBE_RETRY_MS);
  await waitUntil('the third look', () => looks === 3);
  answer.resolve(nothing);
});

/** A clock that moves only by `advance`, and wakes every sleeper whose time has come. */
function steppedClock(): Clock & { advance(byMs: number): void } {
  let nowMs = 0;
  const sleepers = new Set<{ dueMs: number; wake: () => void }>();
  return {
    nowMs: () => nowMs,
    bootMs: () => nowMs,
    sleep: (delayMs, signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper);
          resolve();
        };
        const sleeper = { dueMs: nowMs + delayMs, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake, { once: true });
        if (signal?.aborted) wake();
      }),
    advance: (byMs) => {
      nowMs += byMs;
      for (const sleeper of sleepers) if (sleeper.dueMs <= nowMs) sleeper.wake();
    },
  };
}
