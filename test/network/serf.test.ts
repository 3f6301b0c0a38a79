import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import {
  GOSSIP_PORT,
  serfLab,
  serfLabMissing,
  type OurNode,
  type SerfAgent,
  type SerfLab,
} from '#test/support/serf-lab';
import { waitUntil } from '#test/support/wait-until';

const missing = await serfLabMissing();
if (missing !== undefined) console.log(`skipped: gossip beside real serf: ${missing}`);
setDefaultTimeout(60_000);

const KEY = Buffer.alloc(32, 7).toString('base64');

const CASES = [
  { wire: 'plain', key: undefined },
  { wire: 'encrypted', key: KEY },
];

describe.skipIf(missing !== undefined).each(CASES)('one of ours beside two of serf, $wire', ({ key }) => {
  let lab: SerfLab;
  let a: SerfAgent;
  let b: SerfAgent;
  let ours: OurNode;
  const secret = key === undefined ? {} : { key };

  beforeAll(async () => {
    lab = await serfLab();
    a = await lab.serf({ name: 'serf-a', host: '127.0.0.1', tags: { role: 'db' }, ...secret });
    b = await lab.serf({ name: 'serf-b', host: '127.0.0.2', tags: { role: 'web' }, ...secret });
    ours = await lab.ours({
      name: 'ours',
      host: '127.0.0.3',
      tags: { gpu: 'rtx4090', role: 'worker' },
      ...secret,
    });
  });
  afterAll(async () => await lab[Symbol.asyncDispose]());

  test('1: joins by either side', async () => {
    await ours.command({ command: 'join', host: '127.0.0.1', port: GOSSIP_PORT });
    await settled('alive', [a, ours], ['serf-a', 'ours']);
    const { code, text } = await b.run('join', '127.0.0.3');
    expect({ code, text }).toMatchObject({ code: 0, text: expect.stringContaining('joined cluster') });
    await settled('alive', [a, b, ours], ['serf-a', 'serf-b', 'ours']);
  });

  test('2: tags, and their changes', async () => {
    expect((await seenBy(a, 'ours')).tags).toEqual({ gpu: 'rtx4090', role: 'worker' });
    expect((await seenBy(ours, 'serf-b')).tags).toEqual({ role: 'web' });
    await ours.command({ command: 'tags', tags: { gpu: 'h200', role: 'worker' } });
    await waitUntil('our new tag at both', async () =>
      (await Promise.all([a, b].map((member) => seenBy(member, 'ours')))).every(
        ({ tags }) => tags.gpu === 'h200',
      ),
    );
    await b.run('tags', '-set=role=cache');
    await waitUntil("serf's new tag here", async () => (await seenBy(ours, 'serf-b')).tags.role === 'cache');
  });

  test('3: events both ways, once each', async () => {
    await ours.command({ command: 'event', name: 'deploy', payload: 'v2' });
    await waitUntil('our event at both', async () =>
      (await Promise.all([a.heard(), b.heard()])).every(
        (text) => text.includes('v2') && text.includes('deploy'),
      ),
    );
    await b.run('event', 'from-serf', 'hello');
    const named = () =>
      ours.happenings().filter(({ kind, name }) => kind === 'event' && name === 'from-serf');
    await waitUntil("serf's event here", () => named().length > 0);
    await ours.command({ command: 'members' });
    expect(named().map(({ payload }) => payload)).toEqual(['hello']);
  });

  test('4: queries: acknowledgements, answers, filters, relays', async () => {
    expect(await ask(ours, { id: 1, name: 'uptime' })).toEqual({
      acks: ['ours', 'serf-a', 'serf-b'],
      answers: ['ours: up since today', 'serf-a: serf is up', 'serf-b: serf is up'],
    });
    expect(await ask(ours, { id: 2, name: 'uptime', nodes: ['serf-a'] })).toMatchObject({ acks: ['serf-a'] });
    expect(
      await ask(ours, { id: 3, name: 'uptime', tag: ['role', '^(cache|db)$'], relayFactor: 2 }),
    ).toMatchObject({
      acks: ['serf-a', 'serf-b'],
    });
    const { text } = await a.run('query', '-relay-factor=2', '-timeout=3s', 'uptime');
    expect(text).toContain("Response from 'ours': up since today");
    expect(text).toContain('Total Acks: 3');
    expect((await a.run('query', '-timeout=1s', '-tag=gpu=h.*', 'uptime')).text).toContain('Total Acks: 1');
  });

  test('5: reachability, as serf measures it', async () => {
    const { code, text } = await a.run('reachability');
    expect({ code, text }).toMatchObject({
      code: 0,
      text: expect.stringContaining('Successfully contacted all live nodes'),
    });
  });

  test('6: round-trip times are sane', async () => {
    await waitUntil('an estimate of serf', async () => (await a.run('rtt', 'serf-a', 'ours')).code === 0, {
      timeoutMs: 20_000,
    });
    const { text } = await a.run('rtt', 'serf-a', 'ours');
    expect(Number(/rtt: ([\d.]+) ms/.exec(text)?.[1])).toBeLessThan(50);
    const seconds = await waitUntil('an estimate of ours', () =>
      ours.command({ command: 'rtt', to: 'serf-a' }),
    );
    expect(Number(seconds)).toBeLessThan(0.05);
  });

  if (key !== undefined) {
    test('13: keys: install, use, remove, list, n of n', async () => {
      const next = Buffer.alloc(32, 9).toString('base64');
      for (const command of [`-install=${next}`, `-use=${next}`, `-remove=${KEY}`]) {
        const { code, text } = await a.run('keys', command);
        expect({ command, code, text }).toMatchObject({ code: 0 });
      }
      const { text } = await a.run('keys', '-list');
      expect(text).toContain('[3/3]');
      expect(text).toContain(next);
      expect(await ours.command({ command: 'keys' })).toEqual([next]);
      expect(await ask(ours, { id: 4, name: '_serf_list-keys' })).toMatchObject({
        acks: ['ours', 'serf-a', 'serf-b'],
      });
    });
  }

  test('7: a leave is left', async () => {
    await ours.command({ command: 'leave' });
    await settled('left', [a, b], ['ours']);
  });
});

async function ask(node: OurNode, query: { id: number; name: string } & Record<string, unknown>) {
  await node.command({ command: 'query', timeoutMs: 1_500, ...query });
  const of = (kind: string) =>
    node.happenings().filter((happening) => happening.kind === kind && happening.id === query.id);
  await waitUntil('the end of the query', () => of('query-done').length > 0);
  return {
    acks: of('query-ack')
      .map(({ from }) => String(from))
      .toSorted(),
    answers: of('query-response')
      .map(({ from, payload }) => `${String(from)}: ${String(payload).trim()}`)
      .toSorted(),
  };
}

async function seenBy(member: SerfAgent | OurNode, name: string) {
  const found = (await member.members()).find((seen) => seen.name === name);
  if (found === undefined) throw new Error(`${member.name} does not know ${name}`);
  return found;
}

async function settled(
  status: string,
  members: ReadonlyArray<SerfAgent | OurNode>,
  names: readonly string[],
  timeoutMs = 20_000,
) {
  for (const member of members) {
    for (const name of names) {
      await waitUntil(
        `${name} to be ${status} at ${member.name}`,
        async () => (await member.statusOf(name)) === status,
        { timeoutMs, everyMs: 200 },
      );
    }
  }
}
