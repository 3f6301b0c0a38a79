import { describe, expect, test } from 'bun:test';
import type { Effect } from './effects';
import {
  addressOf,
  addrOf,
  alive,
  changesOf,
  effectsOf,
  nameOf,
  sentOf,
  startGroup,
  suspect,
  type GossipNode,
} from '#test/support/gossip-node';

const ACK_PAYLOAD = new Uint8Array(0);

/** Passes time until the next probe and says whom it pinged. */
function nextPing(node: GossipNode): { to: string; SeqNo: number; Node: string } {
  for (let i = 0; i < 100; i++) {
    const [ping] = sentOf(node.pass(20), 'ping');
    if (ping !== undefined) return ping;
  }
  throw new Error('no ping within two seconds');
}

function ack(node: GossipNode, peer: number, sequence: number): Effect[] {
  return node.hear(peer, { type: 'ackResp', SeqNo: sequence, Payload: ACK_PAYLOAD });
}

describe('the prober', () => {
  test('pings each member once in a turn', () => {
    const node = startGroup(8);
    const seen = Array.from({ length: 8 }, () => {
      const ping = nextPing(node);
      ack(node, 1, ping.SeqNo);
      return ping.Node;
    });
    expect(new Set(seen).size).toBe(8);
  });

  test('tells the round-trip time and what the ack carried', () => {
    const node = startGroup(1);
    const { SeqNo } = nextPing(node);
    node.pass(7);
    const said = effectsOf(ack(node, 1, SeqNo), 'round-trip');
    expect(said).toMatchObject([{ name: 'node-1', payload: ACK_PAYLOAD }]);
    expect(said[0]?.rttMs).toBeLessThan(30);
    expect(effectsOf(ack(node, 1, SeqNo), 'round-trip')).toEqual([]);
    expect(node.core.counters().unexpectedAck).toBe(1);
  });

  test('verifies the suspicion of another before its turn, then goes on in turn', () => {
    const node = startGroup(6);
    const first = nextPing(node);
    ack(node, 1, first.SeqNo);
    for (const peer of [1, 2, 3]) node.hear(6, suspect(peer, 1, 6));
    expect(nextPing(node).Node).toBe('node-1');
    node.pass(900);
    const turn = Array.from({ length: 4 }, () => {
      const ping = nextPing(node);
      ack(node, 1, ping.SeqNo);
      return ping.Node;
    });
    expect(turn[1]).toBe('node-2');
    expect(turn[3]).toBe('node-3');
    expect(node.core.counters().probesFailed).toBe(1);
  });

  test('leaves alone whoever has refuted before the probe comes', () => {
    const node = startGroup(6);
    ack(node, 1, nextPing(node).SeqNo);
    node.hear(6, suspect(1, 1, 6));
    node.hear(1, alive(1, 2));
    const turn = Array.from({ length: 5 }, () => {
      const ping = nextPing(node);
      ack(node, 1, ping.SeqNo);
      return ping.Node;
    });
    expect(new Set(turn).size).toBe(5);
  });

  test('asks three others after the time-out, and TCP, and accuses at the deadline', () => {
    const node = startGroup(6);
    const { Node } = nextPing(node);
    const asked = node.pass(500);
    expect(new Set(sentOf(asked, 'indirectPing').map(({ to }) => to)).size).toBe(3);
    expect(sentOf(asked, 'indirectPing').every((message) => message.Node === Node && message.Nack)).toBe(
      true,
    );
    expect(effectsOf(asked, 'dialog')).toMatchObject([{ request: { type: 'ping', Node } }]);
    expect(changesOf(node.pass(501))).toContain(`${Node} suspect`);
  });

  test('a late ack, direct or by a helper, saves the member', () => {
    const node = startGroup(6);
    const { Node, SeqNo } = nextPing(node);
    node.pass(900);
    ack(node, 3, SeqNo);
    expect(changesOf(node.pass(500))).not.toContain(`${Node} suspect`);
  });

  test('an answer over TCP alone keeps the member alive and shows as degraded, until UDP answers again', () => {
    const node = startGroup(1);
    nextPing(node);
    const [dialog] = effectsOf(node.pass(500), 'dialog');
    const message = { type: 'ackResp', SeqNo: 1, Payload: ACK_PAYLOAD } as const;
    node.give({ kind: 'dialog-result', dialog: dialog?.dialog ?? 0, outcome: { ok: true, message } });
    const verdict = node.pass(520);
    expect(changesOf(verdict)).toEqual([]);
    expect(effectsOf(verdict, 'udp-path')).toEqual([{ kind: 'udp-path', name: 'node-1', path: 'degraded' }]);
    const [again] = sentOf(verdict, 'ping').slice(-1);
    const back = ack(node, 1, again?.SeqNo ?? nextPing(node).SeqNo);
    expect(effectsOf(back, 'udp-path')).toEqual([{ kind: 'udp-path', name: 'node-1', path: 'ok' }]);
  });

  test('missing nacks make this node doubt itself and wait longer; answered probes heal', () => {
    const node = startGroup(6);
    nextPing(node);
    const healing = sentOf(node.pass(1000), 'ping').at(-1);
    expect(node.core.health().score).toBe(3);
    ack(node, 1, healing?.SeqNo ?? 0);
    expect(node.core.health().score).toBe(2);
  });

  test('nacks in full leave the score alone', () => {
    const node = startGroup(6);
    const { SeqNo } = nextPing(node);
    const helpers = sentOf(node.pass(500), 'indirectPing');
    for (const _ of helpers) node.hear(1, { type: 'nackResp', SeqNo });
    node.pass(501);
    expect(node.core.counters().probesFailed).toBe(1);
    expect(node.core.health().score).toBe(0);
  });

  test('a suspect hears of its suspicion with the ping', () => {
    const node = startGroup(1);
    node.hear(1, suspect(1, 1, 9));
    for (let i = 0; i < 40; i++) {
      const packets = effectsOf(node.pass(50), 'send').filter(({ messages }) => messages[0]?.type === 'ping');
      for (const { messages } of packets) {
        expect(messages[1]).toMatchObject({ type: 'suspect', Node: 'node-1' });
        return;
      }
    }
    expect().fail('no ping');
  });
});

describe('answers', () => {
  const ping = { type: 'ping', SeqNo: 5, Node: 'node-0' } as const;

  test('a ping is acked to where it says it came from', () => {
    const node = startGroup(1);
    expect(sentOf(node.hear(1, ping), 'ackResp')).toMatchObject([{ SeqNo: 5, to: '10.0.0.1' }]);
    const far = { ...ping, SourceAddr: addrOf(77), SourcePort: 7946 };
    expect(sentOf(node.hear(1, far), 'ackResp')).toMatchObject([{ to: '10.0.0.77' }]);
  });

  test('a ping for another name is not', () => {
    const node = startGroup(1);
    expect(effectsOf(node.hear(1, { ...ping, Node: 'node-7' }), 'send')).toEqual([]);
    expect(node.core.counters().pingForOther).toBe(1);
  });

  test('a compound of 255 pings gets four packets', () => {
    const node = startGroup(1);
    const said = node.hear(1, ...Array.from({ length: 255 }, () => ping));
    expect(effectsOf(said, 'send')).toHaveLength(node.core.limits.repliesPerPacketMax);
    expect(node.core.counters().repliesOverBudget).toBe(251);
  });

  const request = {
    type: 'indirectPing',
    SeqNo: 9,
    Target: addrOf(2),
    Port: 7946,
    Node: nameOf(2),
    Nack: true,
  } as const;

  test('an indirect ping is passed on, and its ack back', () => {
    const node = startGroup(2);
    const [relayed] = sentOf(node.hear(1, request), 'ping');
    expect(relayed).toMatchObject({ to: '10.0.0.2', Node: 'node-2' });
    const back = node.hear(2, { type: 'ackResp', SeqNo: relayed?.SeqNo ?? 0, Payload: ACK_PAYLOAD });
    expect(sentOf(back, 'ackResp')).toMatchObject([{ to: '10.0.0.1', SeqNo: 9 }]);
    expect(sentOf(node.pass(600), 'nackResp')).toEqual([]);
  });

  test('without an ack the asker gets a nack, if it wants one', () => {
    const node = startGroup(2);
    node.hear(1, request);
    node.hear(1, { ...request, SeqNo: 10, Nack: false });
    expect(sentOf(node.pass(501), 'nackResp')).toMatchObject([{ to: '10.0.0.1', SeqNo: 9 }]);
  });

  test('a ping over TCP is answered on the stream', () => {
    const node = startGroup(1);
    const said = node.give({ kind: 'dialog-request', dialog: 3, from: addressOf(1), message: ping });
    expect(effectsOf(said, 'reply')).toMatchObject([{ dialog: 3, message: { type: 'ackResp', SeqNo: 5 } }]);
  });
});
