import { expect, test } from 'bun:test';
import { waitUntil } from './wait-until';

test('waitUntil() returns the value of the condition once it holds', async () => {
  let calls = 0;
  const level = await waitUntil('the third call', () => (++calls < 3 ? undefined : calls), { everyMs: 1 });
  expect(level).toBe(3);
});

test('waitUntil() takes zero and the empty string for values', async () => {
  expect(await waitUntil('a zero', () => 0)).toBe(0);
  expect(await waitUntil('an empty string', () => '')).toBe('');
});

test('waitUntil() says what it waited for and what it saw last', async () => {
  const waiting = waitUntil('the moon', () => null, { timeoutMs: 20, everyMs: 5 });
  await expect(waiting).rejects.toThrow('Waited 20 ms for the moon; last value: null');
});

test('waitUntil() shows the error of a condition that never stopped throwing', async () => {
  const refuse = (): never => {
    throw new Error('connection refused');
  };
  const waiting = waitUntil('an answer', refuse, { timeoutMs: 20, everyMs: 5 });
  await expect(waiting).rejects.toThrow('connection refused');
});
