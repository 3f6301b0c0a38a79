import { describe, expect, test } from 'bun:test';
import type { ResultReport } from '#agent/contract/lease';
import type { Clock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import { silentLog } from '#agent/kit/log';
import { createMetrics } from '#agent/kit/metrics';
import { seededRng } from '#agent/kit/rng';
import type { Accepted, ControlApi } from './control-api';
import { httpDelivery } from './http-delivery';
import { workerMetrics } from './worker-metrics';

const KEY = { operation_id: 'op_sweep_20260131_235959_00000001', epoch: 2 };
const REPORT: ResultReport = {
  worker_id: 'w',
  outcome: 'completed',
  result: { units: 3 },
  error: null,
  provenance: null,
};
const TAKEN: Accepted = { accepted: true, duplicate: false };

/** Answers in order, the last one for ever; a Fault is thrown. */
function deliveryWith(answers: (Accepted | Fault)[]) {
  const bodies: ResultReport[] = [];
  const sleepsMs: number[] = [];
  const next = (): Promise<Accepted> => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? TAKEN);
  };
  const api = {
    progress: next,
    units: next,
    logs: next,
    result: (_: unknown, body: ResultReport) => {
      bodies.push(body);
      return next();
    },
  } as unknown as ControlApi;
  const clock: Clock = {
    nowMs: () => 0,
    bootMs: () => 0,
    sleep: (delayMs) => {
      sleepsMs.push(delayMs);
      return Promise.resolve();
    },
  };
  const levels = { slots: () => 1, freeSlots: () => 1, active: () => 0, reachable: () => true };
  const metrics = workerMetrics(createMetrics(), levels);
  const delivery = httpDelivery({ api, workerId: 'w', clock, rng: seededRng(1), log: silentLog, metrics });
  return { delivery, bodies, sleepsMs, metrics };
}

const { signal } = new AbortController();
const away = new Fault('unavailable', 'Cannot reach the control plane');

describe('httpDelivery()', () => {
  test('retries while the control plane is away, never later than 2 s', async () => {
    const { delivery, sleepsMs } = deliveryWith([...Array.from({ length: 20 }, () => away), TAKEN]);
    expect(await delivery.result(KEY, REPORT, signal)).toBe('accepted');
    expect(sleepsMs).toHaveLength(20);
    expect(Math.max(...sleepsMs)).toBeLessThanOrEqual(2_000);
  });

  test('waits as long as it is told to, within reason', async () => {
    const later = (retry_after_s: number) =>
      new Fault('too_many', 'Cannot take it now', { details: { retry_after_s } });
    const { delivery, sleepsMs } = deliveryWith([later(7), later(86_400), TAKEN]);
    expect(await delivery.logs(KEY, [], signal)).toBe('accepted');
    expect(sleepsMs).toEqual([7_000, 30_000]);
  });

  test('takes 409 and 404 as the end of the attempt, without another try', async () => {
    for (const code of ['stale_epoch', 'conflict', 'not_found'] as const) {
      const { delivery, sleepsMs } = deliveryWith([new Fault(code, 'Cannot take it: too late')]);
      expect(await delivery.units(KEY, [], signal)).toBe('stale');
      expect(sleepsMs).toEqual([]);
    }
  });

  test('takes the answer to a repeated report as accepted', async () => {
    const { delivery } = deliveryWith([{ accepted: false, duplicate: true }]);
    expect(await delivery.result(KEY, REPORT, signal)).toBe('accepted');
  });

  test('rejects what will never be taken', async () => {
    const { delivery, sleepsMs } = deliveryWith([new Fault('invalid', 'Cannot read the units')]);
    await expect(delivery.units(KEY, [], signal)).rejects.toThrow('Cannot read the units');
    expect(sleepsMs).toEqual([]);
  });

  test('reports a failure in place of a result that is refused, and counts it as that', async () => {
    const { delivery, bodies, metrics } = deliveryWith([new Fault('too_large', 'Cannot take 65 MB'), TAKEN]);
    expect(await delivery.result(KEY, REPORT, signal)).toBe('accepted');
    expect(bodies.map(({ outcome }) => outcome)).toEqual(['completed', 'failed']);
    expect(bodies[1]?.error).toMatchObject({ code: 'internal', retryable: false });
    const [counted] = (await metrics.operations.get()).values;
    expect(counted).toMatchObject({ value: 1, labels: { operation_type: 'sweep', outcome: 'failed' } });
  });

  test('ends with the reason of its signal', async () => {
    const { delivery } = deliveryWith([away]);
    const stop = AbortSignal.abort(new Error('the agent stops'));
    await expect(delivery.result(KEY, REPORT, stop)).rejects.toThrow('the agent stops');
  });
});
