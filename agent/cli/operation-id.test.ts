import { expect, test } from 'bun:test';
import { idOfPart } from './operation-id';

const IDS = [
  'op_sweep_20261121_012423_bcf6be2a',
  'op_sweep_20261121_012542_471e2ef5',
  'op_backtesting_20261121_012422_9a459ae3',
];

test.each([
  ['471e2ef5', 1],
  ['9A459AE3', 2],
  ['op_sweep_20261121_012423', 0],
])('%p is enough of an id', (part, index) => {
  expect(idOfPart(IDS, part)).toBe(IDS[index] ?? '');
});

test.each([
  ['op_sweep', "'op_sweep' is a part of 2 ids"],
  ['471', 'none of the newest has that id'],
  ['ffffffff', 'none of the newest has that id'],
  ['', 'none of the newest has that id'],
])('%p is not', (part, reason) => {
  expect(() => idOfPart(IDS, part)).toThrow(reason);
});
