import { expect, test } from 'bun:test';
import { randomUUID } from 'node:crypto';
import type { ClaimReply, Grant } from '#agent/contract/lease';
import { silentLog } from '#agent/kit/log';
import { ManualClock } from '#test/support/manual-clock';
import { Dispatcher, type Poll } from './dispatcher';

function grantOf(id: string): Grant {
  return {
    operation_id: id,
    epoch: 1,
    kind: 'sweep',
    parent_operation_id: null,
    parameters: {},
    parameters_sha256: '',
    bars: null,
    units: null,
    timeout_ms: 1,
    lease_ms: 1,
  };
}

function poll(nodeId: string, overrides: Partial<Poll> = {}): Poll {
  return {
    nodeId,
    nonce: randomUUID(),
    freeSlots: 1,
    waitMs: 20_000,
    signal: new AbortController().signal,
    ...overrides,
  };
}

function dispatcherWith(work: string[], clock = new ManualClock()) {
  const cancels: ClaimReply['cancel'] = [];
  const dispatcher = new Dispatcher({
    clock,
    log: silentLog,
    claimFor: ({ freeSlots }) =>
      Promise.resolve({ grants: work.splice(0, freeSlots).map(grantOf), cancel: [...cancels] }),
  });
  return { dispatcher, clock, cancels };
}

test('Dispatcher answers a poll at once when there is work', async () => {
  const { dispatcher } = dispatcherWith(['a']);
  expect((await dispatcher.claim(poll('one'))).grants.map((grant) => grant.operation_id)).toEqual(['a']);
  await dispatcher[Symbol.asyncDispose]();
});

test('Dispatcher wakes the node that got work longest ago first', async () => {
  const work = ['a'];
  const { dispatcher, clock } = dispatcherWith(work);
  await dispatcher.claim(poll('one'));
  const one = dispatcher.claim(poll('one'));
  const two = dispatcher.claim(poll('two'));
  await clock.advance(0);
  work.push('b');
  dispatcher.wake();
  expect((await two).grants).toHaveLength(1);
  work.push('c');
  dispatcher.wake();
  expect((await one).grants.map((grant) => grant.operation_id)).toEqual(['c']);
  await dispatcher[Symbol.asyncDispose]();
});

test('Dispatcher answers with nothing after the wait, and when the client goes away', async () => {
  const { dispatcher, clock } = dispatcherWith([]);
  const waiting = dispatcher.claim(poll('one'));
  await clock.advance(20_000);
  expect(await waiting).toEqual({ grants: [], cancel: [] });
  const gone = new AbortController();
  const leaving = dispatcher.claim(poll('one', { signal: gone.signal }));
  gone.abort();
  expect(await leaving).toEqual({ grants: [], cancel: [] });
  expect(dispatcher.waiting).toBe(0);
  void dispatcher.claim(poll('one', { signal: gone.signal }));
  expect(dispatcher.waiting).toBe(0);
  await dispatcher[Symbol.asyncDispose]();
});

test('Dispatcher finds work without a wake-up, by looking again each second', async () => {
  const work: string[] = [];
  const { dispatcher, clock } = dispatcherWith(work);
  const waiting = dispatcher.claim(poll('one'));
  await clock.advance(10);
  work.push('a');
  await clock.advance(1500);
  expect((await waiting).grants).toHaveLength(1);
  await dispatcher[Symbol.asyncDispose]();
});

test('Dispatcher tells a node without free slots of a cancellation, once', async () => {
  const { dispatcher, clock, cancels } = dispatcherWith([]);
  cancels.push({ operation_id: 'op', epoch: 1 });
  expect((await dispatcher.claim(poll('one', { freeSlots: 0 }))).cancel).toHaveLength(1);
  const next = dispatcher.claim(poll('one', { freeSlots: 0 }));
  await clock.advance(20_000);
  expect((await next).cancel).toEqual([]);
  await dispatcher[Symbol.asyncDispose]();
});
