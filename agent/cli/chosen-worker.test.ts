import { expect, test } from 'bun:test';
import { Fault } from '#agent/kit/error';
import { workerLike } from '#test/support/worker-like';
import { workerNamed } from './chosen-worker';

const WORKERS = [
  workerLike('1a', 'lxc-101-1a000000', 'backtest-1'),
  workerLike('2b', 'lxc-102-2b000000', 'backtest-2'),
  workerLike('3c', 'lxc-102', null),
  workerLike('4d', 'gpu', 'Backtest'),
];

function faultOf(text: string): Fault {
  try {
    workerNamed(WORKERS, text);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('somebody was found');
}

test('an agent is named by name, label, id or the beginning of one', () => {
  const idOf = (text: string): string => workerNamed(WORKERS, text).worker_id.slice(0, 2);
  expect(idOf('lxc-101-1a000000')).toBe('1a');
  expect(idOf('LXC-101')).toBe('1a');
  expect(idOf('backtest-2')).toBe('2b');
  expect(idOf('2b0')).toBe('2b');
  // What is exactly so called goes before what only begins so.
  expect(idOf('lxc-102')).toBe('3c');
  expect(idOf('backtest')).toBe('4d');
});

test('one that may be several, or is none, is answered with names', () => {
  expect(faultOf('lxc')).toMatchObject({
    message: "Cannot choose an agent: 'lxc' may be 3 of them",
    hint: 'name one: lxc-101-1a000000 (backtest-1), lxc-102-2b000000 (backtest-2), lxc-102',
  });
  expect(faultOf('bactest-1').hint).toBe('did you mean backtest-1?');
  expect(faultOf('zzz').hint).toContain('known are: lxc-101-1a000000 (backtest-1)');
});
