import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { PacketMessage } from '#agent/gossip/wire/messages';
import { createBroadcastQueue } from './broadcast-queue';

const about = (name: string, incarnation = 1): PacketMessage => ({
  type: 'suspect',
  Node: name,
  From: 'x',
  Incarnation: incarnation,
});
const names = (messages: readonly PacketMessage[]): string[] =>
  messages.map((message) => ('Node' in message ? message.Node : ''));

describe('createBroadcastQueue()', () => {
  test('sends the least sent first, among them the larger, then the newer', () => {
    const queue = createBroadcastQueue(10);
    queue.add({ name: 'old', message: about('old'), bytes: 10 });
    expect(names(queue.take(10, 0, 5))).toEqual(['old']);
    queue.add({ name: 'small', message: about('small'), bytes: 10 });
    queue.add({ name: 'large', message: about('large'), bytes: 20 });
    queue.add({ name: 'newer', message: about('newer'), bytes: 10 });
    expect(names(queue.take(100, 2, 5))).toEqual(['large', 'newer', 'small', 'old']);
  });

  test('fills what is left of a packet with what still fits', () => {
    const queue = createBroadcastQueue(10);
    queue.add({ name: 'large', message: about('large'), bytes: 90 });
    queue.add({ name: 'middle', message: about('middle'), bytes: 50 });
    queue.add({ name: 'small', message: about('small'), bytes: 6 });
    expect(names(queue.take(100, 2, 5))).toEqual(['large', 'small']);
  });

  test('a newer broadcast of a name replaces the older one and starts anew', () => {
    const queue = createBroadcastQueue(10);
    const done: string[] = [];
    queue.add({ name: 'a', message: about('a', 1), bytes: 10, onDone: () => void done.push('first') });
    queue.take(10, 0, 2);
    queue.add({ name: 'a', message: about('a', 2), bytes: 10, onDone: () => void done.push('second') });
    expect(queue.length()).toBe(1);
    expect(done).toEqual(['first']);
    expect(queue.take(10, 0, 2)).toEqual([about('a', 2)]);
    expect(done).toEqual(['first']);
    expect(queue.take(10, 0, 2)).toEqual([about('a', 2)]);
    expect(done).toEqual(['first', 'second']);
    expect(queue.take(10, 0, 2)).toEqual([]);
  });

  test('drops what was sent most often when it is full', () => {
    const queue = createBroadcastQueue(2);
    queue.add({ name: 'sent', message: about('sent'), bytes: 10 });
    queue.take(10, 0, 5);
    queue.add({ name: 'b', message: about('b'), bytes: 10 });
    queue.add({ name: 'c', message: about('c'), bytes: 10 });
    expect(names(queue.take(100, 0, 5)).toSorted()).toEqual(['b', 'c']);
  });

  test('each broadcast leaves exactly `limit` times, and no packet is overfull', () => {
    const broadcasts = fc.uniqueArray(
      fc.record({ name: fc.string(), bytes: fc.integer({ min: 1, max: 60 }) }),
      {
        selector: ({ name }) => name,
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(broadcasts, fc.integer({ min: 1, max: 6 }), (items, limit) => {
        const queue = createBroadcastQueue(100);
        for (const { name, bytes } of items) queue.add({ name, bytes, message: about(name) });
        const sizes = new Map(items.map(({ name, bytes }) => [name, bytes]));
        const sent = new Map<string, number>();
        while (queue.length() > 0) {
          const packet = names(queue.take(64, 4, limit));
          expect(packet.reduce((sum, name) => sum + 4 + (sizes.get(name) ?? 0), 0)).toBeLessThanOrEqual(64);
          for (const name of packet) sent.set(name, (sent.get(name) ?? 0) + 1);
        }
        expect([...sent.values()].every((count) => count === limit)).toBe(true);
        expect(sent.size).toBe(items.length);
      }),
    );
  });
});
