import { expect, test } from 'bun:test';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { ControlLocator } from './control-locator';

const [first, second] = ['http://10.0.0.1:8000', 'http://10.0.0.2:8000'];

function locator(configured: string | undefined, discovered: string[]) {
  let nowMs = 0;
  const clock = { ...systemClock, bootMs: () => nowMs };
  const found = { discovered };
  const made = new ControlLocator({ configured, discovered: () => found.discovered, clock, log: silentLog });
  return { locator: made, found, later: () => (nowMs += 10_000) };
}

test('the setting goes first, gossip is the way out', () => {
  const { locator: made, later } = locator(first, [second]);
  expect(made.url()).toBe(first);
  later();
  made.unreachable();
  expect(made.url()).toBe(second);
  later();
  made.unreachable();
  expect(made.url()).toBe(first);
});

test('requests that fail together move once', () => {
  const { locator: made, later } = locator(first, [second]);
  made.url();
  later();
  made.unreachable();
  made.unreachable();
  expect(made.url()).toBe(second);
});

test('a control plane that moved is followed as soon as gossip says so', () => {
  const { locator: made, found } = locator(undefined, [first]);
  expect(made.url()).toBe(first);
  found.discovered = [second];
  expect(made.url()).toBe(second);
});

test('without any, the fault names what to do', () => {
  const { locator: made } = locator(undefined, []);
  expect(() => made.url()).toThrow('gossip has not heard of one');
  expect(made.describe()).toBe('none found yet');
});
