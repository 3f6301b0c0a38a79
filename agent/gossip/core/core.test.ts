import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  addressOf,
  alive,
  changesOf,
  dead,
  effectsOf,
  nameOf,
  SELF,
  sentOf,
  startGroup,
  startNode,
  suspect,
} from '#test/support/gossip-node';
import type { PacketMessage } from '#agent/gossip/wire/messages';
import { INCARNATION_MAX, startingIncarnation } from './member';
import { messageBytesMax } from './message-size';
import { LAN } from './settings';

describe('startingIncarnation()', () => {
  test.each([
    [{ unixSeconds: 1000 }, 1000],
    [{ unixSeconds: 1000.9, persistedIncarnation: 7 }, 1000],
    [{ unixSeconds: 1000, persistedIncarnation: 1000 }, 1001],
    [{ unixSeconds: -5 }, 1],
    [{ unixSeconds: 2 ** 40 }, INCARNATION_MAX],
  ])('%j begins at %i', (boot, incarnation) => {
    expect(startingIncarnation(boot)).toBe(incarnation);
  });
});

describe('join', () => {
  test('opens a dialog with each seed and says what came of it', () => {
    const node = startNode();
    const said = node.give({ kind: 'join', seeds: [addressOf(1), addressOf(2)] });
    const [first, second] = effectsOf(said, 'dialog');
    expect(first).toMatchObject({ to: addressOf(1), request: { type: 'pushPull', Join: true } });
    const refused = node.give({
      kind: 'dialog-result',
      dialog: second?.dialog ?? 0,
      outcome: { ok: false, reason: 'refused' },
    });
    expect(effectsOf(refused, 'join-result')).toEqual([
      { kind: 'join-result', seed: addressOf(2), failure: 'refused' },
    ]);
  });

  test('a lone node tries its seeds again, at growing intervals', () => {
    const node = startNode();
    node.give({ kind: 'join', seeds: [addressOf(1)] });
    const attemptsMs: number[] = [];
    for (let dialog = 1; attemptsMs.length < 4;) {
      node.give({ kind: 'dialog-result', dialog, outcome: { ok: false, reason: 'refused' } });
      const next = effectsOf(node.pass(100), 'dialog')[0];
      if (next === undefined) continue;
      ({ dialog } = next);
      attemptsMs.push(node.nowMs);
    }
    const [a = 0, b = 0, c = 0, d = 0] = attemptsMs;
    expect([b - a, c - b, d - c].map((gapMs) => Math.round(gapMs / 1000))).toEqual([2, 4, 8]);
  });
});

describe('leave', () => {
  test('is announced as dead by itself, then done; nothing about it is refuted any more', () => {
    const node = startGroup(3);
    node.give({ kind: 'leave' });
    const said = node.pass(2000);
    expect(sentOf(said, 'dead').some(({ Node, From }) => Node === SELF && From === SELF)).toBe(true);
    expect(effectsOf(said, 'leave-done')).toEqual([{ kind: 'leave-done', announced: true }]);
    node.hear(1, suspect(0, 5000, 1));
    expect(node.core.self()).toMatchObject({ incarnation: 1000, status: 'left' });
    expect(effectsOf(node.give({ kind: 'leave' }), 'leave-done')).toEqual([]);
  });

  test('a lone node leaves at once', () => {
    expect(effectsOf(startNode().give({ kind: 'leave' }), 'leave-done')).toHaveLength(1);
  });
});

describe('members that are gone', () => {
  test('force-leave turns failed into left, and only failed', () => {
    const node = startGroup(3);
    node.give({ kind: 'force-leave', name: nameOf(1) });
    expect(node.core.member(nameOf(1))?.status).toBe('alive');
    node.hear(1, dead(2, 1, 1));
    expect(changesOf(node.give({ kind: 'force-leave', name: nameOf(2) }))).toEqual(['node-2 left']);
    expect(changesOf(node.give({ kind: 'forget', name: nameOf(2) }))).toEqual(['node-2 reap']);
    expect(node.core.member(nameOf(2))).toBeUndefined();
  });

  test('are reaped after their retention, not before', () => {
    const settings = { ...LAN, failedRetentionMs: 120_000, leftRetentionMs: 300_000 };
    const node = startGroup(3, { settings });
    node.hear(1, dead(2, 1, 1), dead(3, 1, 3));
    node.pass(110_000);
    expect(node.core.member(nameOf(2))?.status).toBe('failed');
    node.pass(60_000);
    expect(node.core.member(nameOf(2))).toBeUndefined();
    expect(node.core.member(nameOf(3))?.status).toBe('left');
  });

  test('failed ones are tried again', () => {
    const node = startGroup(1);
    node.hear(1, dead(1, 1, 1));
    node.hear(1, alive(1, 2), dead(1, 2, 9));
    const tried = effectsOf(node.pass(65_000), 'dialog').filter(({ to }) => to.host === '10.0.0.1');
    expect(tried.length).toBeGreaterThanOrEqual(1);
  });
});

describe('a standstill', () => {
  test('drops the probe under way, mutes accusations and raises the score', () => {
    const node = startGroup(5);
    node.pass(1100);
    node.taken();
    node.freeze(5000);
    const woken = node.give({ kind: 'tick' });
    expect(effectsOf(woken, 'stalled')).toHaveLength(1);
    expect(changesOf(woken)).toEqual([]);
    expect(node.core.health()).toMatchObject({ muted: true, score: 5 });
  });

  test('a probe answered after waking gives the voice back; the same standstill counts once', () => {
    const node = startGroup(5);
    node.pass(1100);
    node.freeze(5000);
    const woken = node.give({ kind: 'tick' });
    node.give({ kind: 'lag', lagMs: 5000 });
    expect(node.core.counters().stalls).toBe(1);
    const ping = sentOf([...woken, ...node.pass(10)], 'ping').at(-1);
    node.hear(1, { type: 'ackResp', SeqNo: ping?.SeqNo ?? 0, Payload: new Uint8Array(0) });
    expect(node.core.health().muted).toBe(false);
  });

  test('suspicions do not run out in it', () => {
    const node = startGroup(2);
    node.hear(1, suspect(2, 1, 1));
    node.pass(1000);
    node.freeze(20_000);
    expect(changesOf(node.give({ kind: 'tick' }))).toEqual([]);
    expect(changesOf(node.hear(2, alive(2, 2)))).toEqual(['node-2 recover']);
  });

  test('a node that nobody answers any more accuses in the end', () => {
    const node = startGroup(2);
    node.freeze(5000);
    node.give({ kind: 'tick' });
    const changes = changesOf(node.pass(120_000));
    expect(changes).toContain('node-1 failed');
    expect(changes).toContain('node-2 failed');
  });
});

describe('the whole core', () => {
  const name = fc.constantFrom('node-0', 'node-1', 'node-2', 'node-3', '', 'stranger');
  const incarnation = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 3 }));
  const bytes = fc.uint8Array({ maxLength: 20 });
  const port = fc.integer({ min: 0, max: 70_000 });
  const message: fc.Arbitrary<PacketMessage> = fc.oneof(
    fc.record({
      type: fc.constant('ping' as const),
      SeqNo: incarnation,
      Node: name,
      SourceAddr: bytes,
      SourcePort: port,
    }),
    fc.record({
      type: fc.constant('indirectPing' as const),
      SeqNo: incarnation,
      Target: bytes,
      Port: port,
      Node: name,
      Nack: fc.boolean(),
    }),
    fc.record({ type: fc.constant('ackResp' as const), SeqNo: incarnation, Payload: bytes }),
    fc.record({
      type: fc.constantFrom('suspect' as const, 'dead' as const),
      Incarnation: incarnation,
      Node: name,
      From: name,
    }),
    fc.record({
      type: fc.constant('alive' as const),
      Incarnation: incarnation,
      Node: name,
      Addr: fc.oneof(bytes, fc.constant(new Uint8Array([10, 0, 0, 2]))),
      Port: fc.oneof(port, fc.constant(7946)),
      Meta: bytes,
      Vsn: fc.oneof(bytes, fc.constant(new Uint8Array([1, 5, 2, 2, 5, 5]))),
    }),
  );

  test('never throws, whatever it hears, and keeps every limit', () => {
    fc.assert(
      fc.property(fc.array(fc.array(message, { maxLength: 12 }), { maxLength: 25 }), (packets) => {
        const node = startGroup(3);
        const { packetBytesMax, packetFramingBytes, repliesPerPacketMax } = node.core.limits;
        for (const messages of packets) {
          expect(effectsOf(node.hear(1, ...messages), 'send').length).toBeLessThanOrEqual(
            repliesPerPacketMax,
          );
          node.pass(300);
        }
        for (const { messages: sent } of effectsOf(node.taken(), 'send')) {
          const sizes = sent.map((each) => 2 + messageBytesMax(each));
          expect(sizes.reduce((sum, size) => sum + size, packetFramingBytes + 2)).toBeLessThanOrEqual(
            packetBytesMax,
          );
        }
        expect(node.core.self().status).toBe('alive');
      }),
      { numRuns: 300 },
    );
  });

  test('a quiet group costs no gossip: pings alone, one per interval', () => {
    const node = startGroup(5);
    node.pass(20_000);
    node.taken();
    let packets = 0;
    for (let second = 0; second < 30; second++) {
      for (const { SeqNo } of sentOf(node.pass(1000), 'ping')) {
        packets++;
        node.hear(1, { type: 'ackResp', SeqNo, Payload: new Uint8Array(0) });
      }
    }
    expect(packets).toBeLessThanOrEqual(31 + 30);
  });

  test('time that goes back is no time', () => {
    const node = startGroup(2);
    node.pass(10_000);
    node.nowMs = 1;
    expect(effectsOf(node.give({ kind: 'tick' }), 'stalled')).toEqual([]);
  });
});
