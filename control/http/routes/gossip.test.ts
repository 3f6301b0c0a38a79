import { describe, expect, test } from 'bun:test';
import type { FleetGossip } from '#agent/contract/gossip';
import { gossipEndpoints } from '#agent/contract/gossip-endpoints';
import { Fault } from '#agent/kit/error';
import { createLog } from '#agent/kit/log';
import { invalidInput } from '#control/http/error-map';
import { gossipPair } from '#test/support/gossip-pair';
import { waitUntil } from '#test/support/wait-until';
import { gossipHandlers } from './gossip';

const OLD = new Uint8Array(32).fill(1);
const NEW = Buffer.alloc(32, 2).toString('base64');

function handlersOn(gossip: FleetGossip | undefined) {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ level: 'debug', format: 'json', write, nowMs: () => 0 });
  const rest = {
    params: {},
    query: {},
    body: undefined,
    request: new Request('http://127.0.0.1/'),
    signal: new AbortController().signal,
  };
  return { lines, rest, handlers: gossipHandlers({ gossip: () => gossip, log }) };
}

async function dataOf<T>(reply: Promise<Response | { data: T }>): Promise<T> {
  const answer = await reply;
  if (answer instanceof Response) throw new Error('JSON was expected');
  return answer.data;
}

describe('gossip by HTTP', () => {
  test('members are filtered, and state is told in figures', async () => {
    await using pair = await gossipPair([OLD]);
    const { handlers, rest } = handlersOn(pair.gossip);
    const list = (query: { tag?: string[]; status?: 'failed' }) =>
      dataOf(handlers.listMembers({ ...rest, query }));
    expect((await list({})).map(({ name }) => name)).toEqual(['control-nas', 'lxc-101']);
    expect((await list({ tag: ['gpu=h200', 'role=worker'] })).map(({ name }) => name)).toEqual(['lxc-101']);
    expect(await list({ tag: ['gpu=h200'], status: 'failed' })).toEqual([]);
    const state = await dataOf(handlers.getGossip(rest));
    expect(state).toMatchObject({ name: 'control-nas', keys: 1, label: '', refused: {} });
    expect(state.counts).toEqual({ members: 2, alive: 2, failed: 0, udp_degraded: 0 });
    expect(state.joins).toEqual([{ address: expect.stringMatching(/^127\.0\.0\.1:\d+$/), failure: null }]);
    expect(JSON.stringify(state)).not.toContain(Buffer.from(OLD).toString('base64'));
  });

  test('a query ends as soon as all have answered, and names who did not', async () => {
    await using pair = await gossipPair(null);
    const { handlers, rest } = handlersOn(pair.gossip);
    const ask = (changes: object) =>
      dataOf(
        handlers.askMembers({
          ...rest,
          body: {
            name: 'version',
            payload: '',
            nodes: [],
            tags: {},
            relay_factor: 0,
            timeout_ms: 5_000,
            ...changes,
          },
        }),
      );
    const all = await ask({});
    expect(all.acks).toEqual(['control-nas', 'lxc-101']);
    expect(all.responses.map(({ payload }) => Object.keys(JSON.parse(payload) as object))).toEqual(
      Array.from({ length: 2 }, () => ['version', 'commit', 'target']),
    );
    expect(all.took_ms).toBeLessThan(5_000);
    expect((await ask({ tags: { gpu: 'H200' } })).acks).toEqual(['lxc-101']);
    expect(await ask({ tags: { gpu: 'A100' } })).toMatchObject({ members: 0, acks: [], responses: [] });
    await pair.agent[Symbol.asyncDispose]();
    expect(await ask({ timeout_ms: 100 })).toMatchObject({ members: 2, missing: ['lxc-101'] });
  });

  test('keys rotate on all; neither replies nor log nor refusals hold one', async () => {
    await using pair = await gossipPair([OLD]);
    const { handlers, rest, lines } = handlersOn(pair.gossip);
    const steps = await dataOf(handlers.changeKeys({ ...rest, body: { action: 'rotate', key: NEW } }));
    expect(steps.map(({ step, succeeded, members }) => [step, succeeded, members])).toEqual([
      ['install', 2, 2],
      ['use', 2, 2],
      ['remove', 2, 2],
    ]);
    expect(pair.agent.keys()?.map((key) => Buffer.from(key).toString('base64'))).toEqual([NEW]);
    const step = await dataOf(handlers.listKeys(rest));
    expect(Object.values(step.held)).toEqual([2]);
    const refused = await dataOf(handlers.changeKeys({ ...rest, body: { action: 'remove', key: NEW } }));
    expect(refused[0]).toMatchObject({ succeeded: 0 });
    const short = handlers.changeKeys({ ...rest, body: { action: 'install', key: NEW.slice(0, 20) } });
    const fault = await short.catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(Fault);
    expect(lines.join('\n')).toContain('"step":"use","done_by":2,"of":2');
    const said = [JSON.stringify([steps, step, refused]), String(fault), ...lines].join('\n');
    expect(said).not.toContain(NEW.slice(0, 16));
  });

  test('no refusal of a body repeats the key in it', () => {
    for (const body of [
      { action: 'use', key: `${NEW}!` },
      { action: 'no', key: NEW },
      { action: 'use', ky: NEW },
    ]) {
      const { error } = gossipEndpoints.changeKeys.body.safeParse(body);
      if (error === undefined) throw new Error('it was to be refused');
      const fault = invalidInput('the body', error);
      expect(fault.message + JSON.stringify(fault.details)).not.toContain(NEW.slice(0, 16));
    }
  });

  test('force-leave is for members that failed', async () => {
    await using pair = await gossipPair(null);
    const { handlers, rest } = handlersOn(pair.gossip);
    const leave = (name: string) =>
      dataOf(handlers.forceLeaveMember({ ...rest, params: { name }, body: { prune: false } }));
    expect(leave('lxc-101')).rejects.toThrow('Cannot force lxc-101 to leave: it is alive');
    expect(leave('nobody')).rejects.toThrow('gossip knows no member of that name');
    await pair.agent[Symbol.asyncDispose]();
    await waitUntil(
      'the death is seen',
      () => pair.gossip.members({ tags: {}, status: 'failed' }).length === 1,
      {
        timeoutMs: 30_000,
      },
    );
    expect(await leave('lxc-101')).toEqual({ name: 'lxc-101', prune: false });
    await waitUntil(
      'it counts as left',
      () => pair.gossip.members({ tags: {}, status: 'left' }).length === 1,
    );
  }, 40_000);

  test('where gossip is switched off every question says so, with the setting', async () => {
    const { handlers, rest } = handlersOn(undefined);
    const body = { name: 'x', payload: '', coalesce: false };
    for (const call of [() => handlers.getGossip(rest), () => handlers.fireEvent({ ...rest, body })]) {
      const fault = await call().catch((error: unknown) => error);
      if (!(fault instanceof Fault)) throw new Error('a fault was expected');
      expect([fault.status, fault.retryable]).toEqual([409, false]);
      expect(fault.hint).toContain('KTRDR_GOSSIP=true');
    }
  });
});
