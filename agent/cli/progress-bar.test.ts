import { expect, test } from 'bun:test';
import { createRateMeter, renderBar } from './progress-bar';
import { widthOf } from './text';

const state = {
  fraction: 0.42,
  done: 2100,
  total: 5000,
  noun: 'units',
  rate: 812.4,
  etaMs: 3570,
  note: 'on 2 agents',
};

test('a bar says how far, how fast and how long in words, not only in picture', () => {
  expect(renderBar(state, { width: 120, unicode: true })).toBe(
    '[██████████░░░░░░░░░░░░░░]  42 %  2,100/5,000 units  812/s  ETA 3.6 s  on 2 agents',
  );
  expect(renderBar({ fraction: 1 }, { width: 120, unicode: false })).toBe('[########################] 100 %');
});

test('a narrow terminal loses the picture first, and no line is too long', () => {
  expect(renderBar(state, { width: 56, unicode: true })).toStartWith('42 %  2,100/5,000 units  812/s');
  for (let width = 1; width < 100; width++) {
    expect(widthOf(renderBar(state, { width, unicode: true }))).toBeLessThanOrEqual(width);
  }
});

test('a fraction out of range is drawn at its end', () => {
  expect(renderBar({ fraction: 7 }, { width: 80, unicode: false })).toContain('100 %');
  expect(renderBar({ fraction: -1 }, { width: 80, unicode: false })).toContain('  0 %');
});

test('a rate is that of the last seconds, and unknown until there are two samples', () => {
  const meter = createRateMeter();
  meter.sample(0, 0);
  expect(meter.rate).toBeUndefined();
  meter.sample(500, 1000);
  expect(meter.rate).toBe(500);
  for (let second = 2; second <= 30; second++) meter.sample(500 + (second - 1) * 100, second * 1000);
  expect(meter.rate).toBe(100);
  // A retry starts over: what was counted before is not subtracted.
  meter.sample(0, 31_000);
  meter.sample(50, 32_000);
  expect(meter.rate).toBe(50);
});

test('without a known end there are figures and no picture', () => {
  expect(renderBar({ note: '12.0 MiB, 3.0 MiB/s' }, { width: 80, unicode: true })).toBe(
    '12.0 MiB, 3.0 MiB/s',
  );
});
