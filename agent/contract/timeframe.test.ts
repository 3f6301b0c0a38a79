import { expect, test } from 'bun:test';
import { TIMEFRAMES, timeframeMs, timeframeSchema } from './timeframe';

test('timeframeMs() knows every timeframe, shortest first', () => {
  const lengths = TIMEFRAMES.map((timeframe) => timeframeMs(timeframe) / 60_000);
  expect(lengths).toEqual([1, 5, 15, 30, 60, 240, 1440, 10_080]);
});

test('timeframeSchema refuses what KTRDR does not know', () => {
  expect(timeframeSchema.parse('1d')).toBe('1d');
  for (const wrong of ['2m', '1D', '', 60]) expect(timeframeSchema.safeParse(wrong).success).toBeFalse();
});
