import type { QualityFinding } from '#agent/contract/bars';

/** Counts one thing found, and keeps the first examples of it. */
export interface Tally {
  readonly count: number;
  readonly examples: readonly string[];
  /** The example is made only while there is room for it. */
  note(example: () => string): void;
  /** Nothing when nothing was counted. */
  findings(about: Omit<QualityFinding, 'count' | 'examples'>): QualityFinding[];
}

export function createTally(): Tally {
  let count = 0;
  const examples: string[] = [];
  return {
    get count() {
      return count;
    },
    examples,
    note(example) {
      count++;
      if (examples.length < EXAMPLES_MAX) examples.push(example());
    },
    findings: (about) => (count === 0 ? [] : [{ ...about, count, examples: [...examples] }]),
  };
}

const EXAMPLES_MAX = 5;

/** "1 bar", "5,105 bars". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}
