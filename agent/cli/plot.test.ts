import { expect, test } from 'bun:test';
import { plot } from './plot';

const label = (value: number): string => value.toFixed(0);
const whole = { width: 16, height: 4, label, isUnicode: false };

test('plot() draws from the lowest at the bottom to the highest at the top', () => {
  expect(plot([0, 1, 2, 3], whole)).toEqual([
    '3 |          ***',
    '2 |       ****',
    '  |    ****',
    '0 |*****',
  ]);
});

test('plot() uses two by four dots a cell', () => {
  const lines = plot([0, 1], { ...whole, width: 8, height: 2, isUnicode: true });
  expect(lines).toHaveLength(2);
  expect(lines.join('')).toMatch(/[\u2801-\u28ff]/);
});

test.each([20, 40, 80, 200])('plot() fits %d cells', (width) => {
  const values = Array.from({ length: 1000 }, (_, index) => 100_000 * Math.sin(index / 50));
  for (const isUnicode of [true, false]) {
    const lines = plot(values, { width, height: 10, label, isUnicode });
    expect(lines).toHaveLength(10);
    for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
    // oxlint-disable-next-line no-control-regex -- escape sequences are what must not be there
    expect(lines.join('')).not.toMatch(/\u001b/);
  }
});

test('plot() loses no peak among many values', () => {
  const values = Array.from({ length: 10_000 }, (_, index) => (index === 5_001 ? 1 : 0));
  expect(plot(values, whole)[0]).toContain('*');
});

test('plot() of a constant is a level line; of nothing, and without room, nothing', () => {
  const lines = plot([5, 5, 5], whole);
  expect(lines.filter((line) => line.includes('*'))).toHaveLength(1);
  expect(plot([], whole)).toEqual([]);
  expect(plot([Number.NaN], whole)).toEqual([]);
  expect(plot([1, 2], { ...whole, width: 6 })).toEqual([]);
});
