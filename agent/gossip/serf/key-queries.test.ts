import { describe, expect, test } from 'bun:test';
import { answerKeyQuery, KEY_QUERY, keyRequest } from './key-queries';

const [a, b] = [new Uint8Array(32).fill(1), new Uint8Array(16).fill(2)];
const base64 = (key: Uint8Array) => Buffer.from(key).toString('base64');

describe('answerKeyQuery()', () => {
  test('a rotation: install, use, remove', () => {
    const installed = answerKeyQuery(KEY_QUERY.install, keyRequest(b), [a]);
    expect(installed).toMatchObject({ keys: [a, b], response: { Result: true, PrimaryKey: base64(a) } });
    const used = answerKeyQuery(KEY_QUERY.use, keyRequest(b), [a, b]);
    expect(used?.keys).toEqual([b, a]);
    const removed = answerKeyQuery(KEY_QUERY.remove, keyRequest(a), [b, a]);
    expect(removed?.keys).toEqual([b]);
  });

  test('a list names all keys, the sealing one first', () => {
    const listed = answerKeyQuery(KEY_QUERY.list, new Uint8Array(0), [a, b]);
    expect(listed).toEqual({
      keys: undefined,
      response: { Result: true, Message: '', Keys: [base64(a), base64(b)], PrimaryKey: base64(a) },
    });
  });

  test.each([
    ['the key in use', KEY_QUERY.remove, a, 'use another one first'],
    ['a key that is not there', KEY_QUERY.use, b, 'install it first'],
    ['a key of 5 bytes', KEY_QUERY.install, new Uint8Array(5).fill(1), '16, 24 or 32'],
  ])('refuses %s', (_, name, key, why) => {
    const answer = answerKeyQuery(name, keyRequest(key), [a]);
    expect(answer?.keys).toBeUndefined();
    expect(answer?.response).toMatchObject({ Result: false, Message: expect.stringContaining(why) });
  });

  test('a node without encryption says so, and other queries are not answered', () => {
    expect(answerKeyQuery(KEY_QUERY.install, keyRequest(a), null)?.response.Message).toContain('not enabled');
    expect(answerKeyQuery('_serf_ping', new Uint8Array(0), [a])).toBeUndefined();
  });

  test('installing twice is one key, and the ring has an end', () => {
    expect(answerKeyQuery(KEY_QUERY.install, keyRequest(a), [a])?.keys).toEqual([a]);
    const many = Array.from({ length: 16 }, (_, i) => new Uint8Array(16).fill(i));
    expect(answerKeyQuery(KEY_QUERY.install, keyRequest(a), many)?.response.Result).toBe(false);
  });
});
