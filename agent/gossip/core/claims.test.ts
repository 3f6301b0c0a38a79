import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  addressOf,
  addrOf,
  alive,
  changesOf,
  dead,
  effectsOf,
  nameOf,
  SELF,
  sentOf,
  startGroup,
  stateOf,
  suspect,
} from '#test/support/gossip-node';
import { INCARNATION_MAX } from './member';

const MALFORMED = {
  'an incarnation near 2^32': alive(9, 0xffff_fffe),
  'a fractional incarnation': alive(9, 1.5),
  'an empty name': alive(9, 1, { Node: '' }),
  'a long name': alive(9, 1, { Node: 'x'.repeat(129) }),
  'an address of five bytes': alive(9, 1, { Addr: new Uint8Array(5) }),
  'port 0': alive(9, 1, { Port: 0 }),
  'tags over the limit': alive(9, 1, { Meta: new Uint8Array(513) }),
  'zero-length versions': alive(9, 1, { Vsn: new Uint8Array(0) }),
  'a current version above its maximum': alive(9, 1, { Vsn: new Uint8Array([1, 2, 5, 2, 5, 5]) }),
};

describe('alive', () => {
  test('a new member joins and is gossiped on', () => {
    const node = startGroup(1);
    expect(changesOf(node.hear(1, alive(2)))).toEqual(['node-2 join']);
    expect(sentOf(node.pass(1000), 'alive').some(({ Node }) => Node === 'node-2')).toBe(true);
  });

  test('only a higher incarnation changes a known member', () => {
    const node = startGroup(2);
    const meta = new Uint8Array([1]);
    expect(changesOf(node.hear(1, alive(2, 1, { Meta: meta })))).toEqual([]);
    expect(changesOf(node.hear(1, alive(2, 2, { Meta: meta })))).toEqual(['node-2 update']);
    expect(changesOf(node.hear(1, alive(2, 3, { Meta: meta })))).toEqual(['node-2 refresh']);
  });

  test.each(Object.entries(MALFORMED))('%s is counted and ignored', (_what, claim) => {
    const node = startGroup(2);
    expect(changesOf(node.hear(1, claim))).toEqual([]);
    const { malformed, incarnationTooHigh } = node.core.counters();
    expect(malformed + incarnationTooHigh).toBe(1);
  });

  test('an IPv4 address in 16 bytes is the same member', () => {
    const node = startGroup(2);
    const mapped = Uint8Array.from([...new Uint8Array(10), 0xff, 0xff, ...addrOf(2)]);
    node.hear(1, alive(2, 2, { Addr: mapped }));
    expect(node.core.member(nameOf(2))?.address.host).toBe('10.0.0.2');
    expect(node.core.counters().conflicts).toBe(0);
  });

  test('a second machine with the name is a conflict; it takes the name over when the first is gone', () => {
    const node = startGroup(3);
    const elsewhere = alive(2, 9, { Addr: addrOf(99) });
    expect(effectsOf(node.hear(1, elsewhere), 'conflict')).toHaveLength(1);
    expect(node.core.member(nameOf(2))?.address).toEqual(addressOf(2));
    node.hear(1, dead(2, 1, 3));
    expect(changesOf(node.hear(1, elsewhere))).toEqual(['node-2 join']);
    expect(node.core.member(nameOf(2))?.address).toEqual(addressOf(99));
  });

  test('a member that restarted below its old incarnation is told at its own address', () => {
    const node = startGroup(3);
    node.hear(1, dead(2, 7, 3));
    const said = node.hear(1, alive(2, 2));
    expect(changesOf(said)).toEqual([]);
    expect(sentOf(said, 'suspect')).toMatchObject([{ to: '10.0.0.2', Node: 'node-2', Incarnation: 7 }]);
  });

  test('the table ends at its limit, and gives up tombstones first', () => {
    const node = startGroup(0);
    const { membersMax } = node.core.limits;
    for (let peer = 1; peer < membersMax; peer++) node.hear(1, alive(peer));
    expect(changesOf(node.hear(1, alive(membersMax)))).toEqual([]);
    expect(node.core.counters().membersFull).toBe(1);
  });
});

describe('about this node', () => {
  test.each([
    ['suspicion', suspect(0, 1000, 2)],
    ['death', dead(0, 1500, 2)],
    ['other tags at the same incarnation', alive(0, 1000, { Meta: new Uint8Array([7]) })],
    ['a life it never had', alive(0, 4000)],
  ])('%s is refuted with a higher incarnation, which is written down first', (_what, claim) => {
    const node = startGroup(2);
    const said = node.hear(1, claim);
    const claimed = 'Incarnation' in claim ? claim.Incarnation : 0;
    const { incarnation, status } = node.core.self();
    expect(incarnation).toBe(Math.max(1000, claimed) + 1);
    expect(status).toBe('alive');
    expect(said[0]).toEqual({ kind: 'persist', incarnation });
    expect(
      sentOf(node.pass(500), 'alive').some(
        ({ Node, Incarnation }) => Node === SELF && Incarnation === incarnation,
      ),
    ).toBe(true);
    expect(node.core.health().score).toBe(1);
  });

  test('an accusation that was refuted already is answered to the accuser alone', () => {
    const node = startGroup(2);
    const said = node.hear(2, suspect(0, 999, 2));
    expect(sentOf(said, 'alive')).toMatchObject([{ to: '10.0.0.2', Incarnation: 1000 }]);
    expect(node.core.self().incarnation).toBe(1000);
  });

  test('a claim that cannot be outdone is not believed', () => {
    const node = startGroup(2);
    node.hear(1, suspect(0, INCARNATION_MAX, 2), dead(0, 0xffff_ffff, 2));
    expect(node.core.self()).toMatchObject({ incarnation: 1000, status: 'alive' });
    node.hear(1, suspect(0, INCARNATION_MAX - 1, 2));
    expect(node.core.self().incarnation).toBe(INCARNATION_MAX);
    node.hear(1, suspect(0, INCARNATION_MAX - 1, 2));
    expect(node.core.self().incarnation).toBe(INCARNATION_MAX);
  });

  test('a clone elsewhere is reported, and this node goes on', () => {
    const node = startGroup(2);
    const said = node.hear(1, alive(0, 2000, { Addr: addrOf(50) }));
    expect(effectsOf(said, 'conflict')).toMatchObject([{ claimant: { host: '10.0.0.50' } }]);
    expect(node.core.self()).toMatchObject({ incarnation: 1000, status: 'alive' });
  });
});

describe('accusations', () => {
  test('suspect, then failed after the time of the formula, then gossiped', () => {
    const node = startGroup(9);
    expect(changesOf(node.hear(1, suspect(2, 1, 3)))).toEqual(['node-2 suspect']);
    node.hear(1, suspect(2, 1, 4));
    node.hear(1, suspect(2, 1, 5));
    expect(node.core.member(nameOf(2))?.status).toBe('suspect');
    const early = node.pass(3999);
    const late = node.pass(2);
    expect(changesOf(early)).not.toContain('node-2 failed');
    expect(changesOf(late)).toContain('node-2 failed');
    expect(sentOf(node.pass(500), 'dead').some(({ Node, From }) => Node === 'node-2' && From === SELF)).toBe(
      true,
    );
  });

  test('the suspect is accused to its face before the end', () => {
    const node = startGroup(2);
    node.hear(1, suspect(2, 1, 1));
    node.pass(2900);
    const lastWords = sentOf(node.pass(1000), 'suspect').filter(
      ({ to, From }) => to === '10.0.0.2' && From === SELF,
    );
    expect(lastWords.length).toBeGreaterThanOrEqual(2);
  });

  test('a refutation ends the suspicion', () => {
    const node = startGroup(3);
    node.hear(1, suspect(2, 1, 3));
    expect(changesOf(node.hear(2, alive(2, 2)))).toEqual(['node-2 recover']);
    expect(changesOf(node.hear(1, suspect(2, 1, 3)))).toEqual([]);
  });

  test('dead by itself is left, by others failed; what it said itself wins', () => {
    const node = startGroup(3);
    expect(changesOf(node.hear(1, dead(2, 1, 3)))).toEqual(['node-2 failed']);
    expect(changesOf(node.hear(1, dead(2, 1, 2)))).toEqual(['node-2 left']);
    expect(changesOf(node.hear(1, dead(2, 1, 3)))).toEqual([]);
    expect(changesOf(node.hear(1, dead(2, 2, 3)))).toEqual(['node-2 failed']);
  });

  test('a later death of a dead member raises its incarnation: the hole of memberlist', () => {
    const node = startGroup(3);
    node.hear(1, dead(2, 1, 3), dead(2, 10, 3));
    expect(changesOf(node.hear(1, alive(2, 10)))).toEqual([]);
    expect(changesOf(node.hear(1, alive(2, 11)))).toEqual(['node-2 join']);
  });

  test('who accuses a member that left is told so', () => {
    const node = startGroup(3);
    node.hear(1, dead(2, 1, 2));
    const told = [...node.hear(1, suspect(2, 1, 3)), ...node.hear(3, dead(2, 1, 3))];
    expect(sentOf(told, 'dead')).toMatchObject([
      { to: '10.0.0.1', Node: 'node-2', From: 'node-2' },
      { to: '10.0.0.3', Node: 'node-2', From: 'node-2' },
    ]);
    expect(sentOf(node.hear(1, dead(2, 1, 2)), 'dead')).toEqual([]);
  });

  test('nobody becomes known by being accused', () => {
    const node = startGroup(1);
    expect(changesOf(node.hear(1, suspect(8, 1, 1), dead(8, 1, 1)))).toEqual([]);
  });

  test('in any order the highest incarnation is held, and the dead stay dead below it', () => {
    const claim = fc.record({
      kind: fc.constantFrom('alive', 'suspect', 'dead', 'left'),
      incarnation: fc.integer({ min: 1, max: 6 }),
    });
    fc.assert(
      fc.property(fc.array(claim, { maxLength: 20 }), (claims) => {
        const node = startGroup(3);
        let highest = 1;
        for (const { kind, incarnation } of claims) {
          const before = node.core.member(nameOf(2));
          if (kind === 'alive') node.hear(1, alive(2, incarnation));
          else if (kind === 'suspect') node.hear(1, suspect(2, incarnation, 3));
          else node.hear(1, dead(2, incarnation, kind === 'left' ? 2 : 3));
          highest = Math.max(highest, incarnation);
          const after = node.core.member(nameOf(2));
          expect(after?.incarnation).toBe(highest);
          const wasGone = before?.status === 'failed' || before?.status === 'left';
          if (wasGone && (after?.status === 'alive' || after?.status === 'suspect'))
            expect(after.incarnation).toBeGreaterThan(before.incarnation);
        }
      }),
    );
  });
});

describe('a push/pull', () => {
  const exchange = (nodes: ReturnType<typeof stateOf>[]) => ({
    kind: 'dialog-request' as const,
    dialog: 1,
    from: addressOf(1),
    message: { type: 'pushPull' as const, Join: true, nodes, userState: new Uint8Array(0) },
  });

  test('is answered with what was known before, and what it calls dead is only suspected', () => {
    const node = startGroup(2);
    const said = node.give(exchange([stateOf(1, 1, 2), stateOf(2, 1, 3), stateOf(3, 1, 0)]));
    expect(changesOf(said)).toEqual(['node-1 suspect', 'node-2 left', 'node-3 join']);
    const [reply] = effectsOf(said, 'reply');
    expect(reply?.message).toMatchObject({ type: 'pushPull', Join: true, nodes: { length: 3 } });
  });

  test('of this node, the periodic one too, takes in what the answer says', () => {
    const node = startGroup(1);
    const dialog = effectsOf(node.pass(31_000), 'dialog').find(({ request }) => request.type === 'pushPull');
    const message = { ...exchange([stateOf(7, 1, 0)]).message, Join: false };
    const said = node.give({
      kind: 'dialog-result',
      dialog: dialog?.dialog ?? 0,
      outcome: { ok: true, message },
    });
    expect(changesOf(said)).toEqual(['node-7 join']);
  });

  test('with one member of another protocol is refused whole', () => {
    const node = startGroup(1);
    const said = node.give(exchange([stateOf(3, 1, 0), { ...stateOf(4, 1, 0), Vsn: new Uint8Array(6) }]));
    expect(changesOf(said)).toEqual([]);
    expect(effectsOf(said, 'reply')[0]?.message.type).toBe('err');
  });
});
