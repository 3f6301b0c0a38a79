import { expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { fuzzWire } from '#test/support/wire-fuzz';

/** A new seed each day; the failure names its packet, so nothing more is needed to see it again. */
test('no decoder throws on 60,000 mutated packets', () => {
  const seed = Number(new Date().toISOString().slice(0, 10).replaceAll('-', ''));
  const report = fuzzWire(seededRng(seed), 60_000);
  expect(report.packets).toBe(60_000);
  // Both sides: some survive their mutation, most do not.
  expect(report.understood).toBeGreaterThan(1_000);
  expect(Object.values(report.problems).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(10_000);
}, 30_000);
