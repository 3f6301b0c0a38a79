import { expect, test } from 'bun:test';
import { createAwareness } from './awareness';

test('the score stays between 0 and max − 1 and stretches times', () => {
  const awareness = createAwareness(8);
  awareness.apply(-1);
  expect(awareness.score()).toBe(0);
  expect(awareness.scaleMs(1000)).toBe(1000);
  awareness.apply(3);
  expect(awareness.scaleMs(1000)).toBe(4000);
  awareness.apply(100);
  expect(awareness.score()).toBe(7);
  awareness.apply(-1);
  expect(awareness.score()).toBe(6);
});
