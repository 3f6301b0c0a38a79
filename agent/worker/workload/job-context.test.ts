import { expect, test } from 'bun:test';
import { waitUntil } from '#test/support/wait-until';
import type { WorkloadToShim } from '#agent/contract/job';
import { systemClock } from '#agent/kit/clock';
import { createContext } from './job-context';
import type { ContextPorts, RunningContext } from './job-context';

interface Given {
  sent: WorkloadToShim[];
  parts: RunningContext;
  abort: AbortController;
}

function given(clock: ContextPorts['clock'] = systemClock): Given {
  const sent: WorkloadToShim[] = [];
  const abort = new AbortController();
  const parts = createContext({
    run: { type: 'run', kind: 'test', parameters: {}, units: null, bars_path: null, bars: null },
    send: (message) => {
      sent.push(message);
    },
    openBars: () => Promise.reject(new Error('no bars')),
    clock,
    yieldToMessages: () =>
      new Promise((resolve) => {
        setImmediate(resolve);
      }),
    signal: abort.signal,
  });
  return { sent, parts, abort };
}

const unit = (unit_index: number) => ({ unit_index, parameters: {}, metrics: {} });

function unitsIn(sent: readonly WorkloadToShim[]): number[] {
  return sent.flatMap((message) =>
    message.type === 'units' ? message.units.map((each) => each.unit_index) : [],
  );
}

test('emitUnit() sends 200 units at once, and fewer by the flush or within a moment', async () => {
  const { sent, parts } = given();
  for (let i = 0; i < 450; i++) parts.context.emitUnit(unit(i));
  expect(unitsIn(sent)).toHaveLength(400);
  parts.flush();
  expect(unitsIn(sent)).toEqual(Array.from({ length: 450 }, (_, i) => i));
  parts.context.emitUnit(unit(450));
  await waitUntil('the timer', () => unitsIn(sent).length === 451);
});

test('breathe() holds a job back while 2,000 units are not on disk', async () => {
  const { sent, parts } = given();
  for (let i = 0; i < 2_000; i++) parts.context.emitUnit(unit(i));
  const breath = parts.context.breathe();
  expect(await Promise.race([breath.then(() => 'free'), nextTurns()])).toBe('held');
  parts.spooled(unitsIn(sent).length);
  await breath;
});

test('breathe() throws the cancellation, also while it holds the job back', async () => {
  const { parts, abort } = given();
  await parts.context.breathe();
  for (let i = 0; i < 2_000; i++) parts.context.emitUnit(unit(i));
  const breath = parts.context.breathe();
  abort.abort(new Error('cancelled'));
  expect(breath).rejects.toThrow('cancelled');
  expect(parts.context.breathe()).rejects.toThrow('cancelled');
});

test('reportProgress() sends the first and then the latest, with the time left', () => {
  let bootMs = 0;
  const { sent, parts } = given({ ...systemClock, bootMs: () => bootMs });
  for (let percentage = 20; percentage <= 60; percentage++) {
    parts.context.reportProgress({ percentage });
    bootMs += 5;
  }
  parts.flush();
  const progress = sent.flatMap((message) => (message.type === 'progress' ? [message.progress] : []));
  expect(progress.map((each) => each.percentage)).toEqual([20, 60]);
  expect(progress[0]?.eta_seconds).toBeNull();
  // 40 % took 200 ms, and so will the other 40 %.
  expect(progress[1]?.eta_seconds).toBeCloseTo(0.2);
});

async function nextTurns(): Promise<'held'> {
  for (let turn = 0; turn < 20; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return 'held';
}
