/** Simulated groups: rotating seeds, every seed that ever failed, and bugs planted to see the checkers bark. */
import { describe, expect, test } from 'bun:test';
import { LAN } from '#agent/gossip/core/settings';
import { countFalseAlarms, LIFEGUARD_OFF, STARVED, withoutBuddies } from './lifeguard';
import { PLANTED_BUGS } from './planted-bugs';
import { replayCommand, runSeed, type SeedResult } from './run-seed';
import { fastRng } from './random';
import { SEEDS_THAT_FAILED } from './seeds-that-failed';
import { measureSpread, serfFormulaMs } from './spread';
import { throughWire } from './through-wire';

const ROTATING_SEEDS = 200;
const DAY_MS = 86_400_000;
/** With encryption and compression a run takes ten times as long. */
const WIRE_SEEDS = 8;
/** Seeds within which each planted bug shows. */
const BUG_SEEDS_MAX = 80;

function complain({ seed, violations }: SeedResult): string[] {
  return violations.map(({ rule, text }) => `${rule}: ${text}\n  ${replayCommand(seed)}`);
}

test(`${ROTATING_SEEDS} seeds of today keep every invariant`, () => {
  const first = 1_000_000 + Math.floor(Date.now() / DAY_MS) * ROTATING_SEEDS;
  const seen = { suspicions: 0, trueFailed: 0, falseFailed: 0, refutations: 0, conflicts: 0 };
  for (let seed = first; seed < first + ROTATING_SEEDS; seed++) {
    const result = runSeed({ seed });
    expect(complain(result)).toEqual([]);
    for (const key of Object.keys(seen) as (keyof typeof seen)[]) seen[key] += result.figures[key];
  }
  // Nothing was looked at where nothing happened.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
}, 120_000);

describe('seeds that failed once', () => {
  test.each(SEEDS_THAT_FAILED.map((options) => [options.seed, options.found, options] as const))(
    'seed %i: %s',
    (_seed, _found, options) => {
      expect(complain(runSeed(options))).toEqual([]);
    },
  );
});

describe('a planted bug is caught', () => {
  test.each(PLANTED_BUGS.map((bug) => [bug.name, bug] as const))('%s', (_name, { caughtBy, options }) => {
    for (let seed = 1; seed <= BUG_SEEDS_MAX; seed++) {
      const { violations } = runSeed({ seed, nodesMax: 16, ...options });
      if (violations.some(({ rule }) => caughtBy.includes(rule))) return;
    }
    expect().fail(`none of ${BUG_SEEDS_MAX} seeds broke ${caughtBy.join(' or ')}`);
  });
});

test('runs that go through the real bytes of the wire keep every invariant too', () => {
  for (let seed = 1; seed <= WIRE_SEEDS; seed++) {
    const result = runSeed({ seed, nodesMax: 12, throughWire: throughWire(fastRng(seed)) });
    expect(complain(result)).toEqual([]);
  }
}, 60_000);

test('a change of tags reaches 100 members sooner than the formula of Serf says', () => {
  for (const loss of [0, 0.05, 0.3]) {
    const spread = measureSpread({ seed: 1, nodes: 100, loss, changes: 3 });
    expect(spread.p9999Ms).toBeLessThan(serfFormulaMs(100, loss));
  }
}, 60_000);

test('a seed gives the same run twice, another seed another one', () => {
  const [once, again, other] = [runSeed({ seed: 7 }), runSeed({ seed: 7 }), runSeed({ seed: 8 })];
  expect([again.hash, again.steps, again.packets]).toEqual([once.hash, once.steps, once.packets]);
  expect(other.hash).not.toBe(once.hash);
});

describe('Lifeguard', () => {
  test('makes at least 20 times fewer false alarms about healthy members in a group that stands still', () => {
    const off = countFalseAlarms({ ...STARVED, settings: LIFEGUARD_OFF, distort: withoutBuddies });
    const on = countFalseAlarms({ ...STARVED, settings: LAN });
    expect(off.ofHealthy).toBeGreaterThanOrEqual(200);
    expect(on.ofHealthy * 20).toBeLessThanOrEqual(off.ofHealthy);
  }, 60_000);

  test('calls nobody failed at 5 % loss without standstills', () => {
    const calm = countFalseAlarms({ ...STARVED, pausing: 0, loss: 0.05, minutes: 20, settings: LAN });
    expect(calm.ofAll).toBe(0);
  });
});
