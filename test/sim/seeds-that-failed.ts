import type { SeedOptions } from './run-seed';

/** Every seed that once found a bug in the core, and what it was. Replayed by each test run. */
export const SEEDS_THAT_FAILED: readonly (Pick<SeedOptions, 'seed' | 'nodesMin' | 'nodesMax' | 'seconds'> & {
  readonly found: string;
})[] = [
  { seed: 134, found: 'a restart could not outdo a lie at the last incarnation that accusations may have' },
  { seed: 545, found: 'the same, after its disk was lost' },
  { seed: 1643, found: 'the same' },
  { seed: 1987, found: 'the same' },
  { seed: 510, found: 'one member that gossip missed held to a refuted suspicion until its end' },
  { seed: 673, found: 'the same, after a pause' },
  { seed: 746, found: 'the same' },
  { seed: 1982, found: 'the same' },
  {
    seed: 5_155_604,
    found: 'a restarted member heard late of one that had left, and called it failed for ever',
  },
  { seed: 35_167, found: 'the answer to a periodic push/pull was thrown away' },
  { seed: 44_259, found: 'the same: a lost refutation was not made good' },
  { seed: 47_562, found: 'the same' },
  { seed: 349, found: 'a single last word to a suspect was lost' },
  { seed: 3_007_394, found: 'one of five was left out when the farewells were sent' },
  { seed: 1_000_230, found: 'both farewells of a small group went to members that had just died' },
];
