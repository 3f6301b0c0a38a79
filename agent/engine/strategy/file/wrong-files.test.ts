import { expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '#agent/kit/error';
import { seededRng } from '#agent/kit/rng';
import { FILE_BYTES_MAX } from './document';
import { parseStrategyFile } from './parse-strategy-file';
import { describeProblem, problemsOf } from './problems';

/** `UPDATE_GOLDEN=1 bun test agent/engine/strategy/file/wrong-files.test.ts` writes it anew. */
const GOLDEN = join(import.meta.dirname, '../../../../test/golden/strategy-errors.txt');

const GOOD = `name: good
version: "3.0"
parameters:
  fast: {default: 10, range: {from: 5, to: 20, step: 5}}
  slow: {default: 50, min: 2, max: 200}
constraints:
  - fast < slow
indicators:
  quick: {type: sma, period: $fast}
  calm: {type: ema, period: $slow}
  trend: {type: macd}
model:
  type: rules
  entries:
    long: crosses_above(quick, calm)
  exits:
    long: quick < calm
  stops:
    stop: 0.05 * close
`;

/** A mistake made in the good file: what is replaced, and by what. */
type Mistake = readonly [what: string, good: string, bad: string];

const MISTAKES: readonly Mistake[] = [
  ['a key that nobody knows', 'constraints:', 'constraint:'],
  ['a misspelt indicator', 'type: ema', 'type: emma'],
  ['a misspelt parameter of an indicator', 'sma, period', 'sma, peroid'],
  ['a reference to no parameter', '$fast', '$fats'],
  ['a name that is none', 'crosses_above(quick, calm)', 'crosses_above(quik, calm)'],
  ['a function that is none', 'crosses_above(quick', 'cross_above(quick'],
  ['an output that the indicator lacks', 'quick < calm', 'trend.histogramm < 0'],
  ['a number where a condition stands', 'long: quick < calm', 'long: quick - calm'],
  ['a condition where a number stands', '0.05 * close', '0.05 * (close > open)'],
  ['a look into the future', 'quick < calm', 'quick < calm[-1]'],
  ['a chain of comparisons', 'quick < calm', 'quick < close < calm'],
  ['an operator of another language', 'quick < calm', 'quick < calm && close < calm'],
  ['a bracket that stays open', 'crosses_above(quick, calm)', 'crosses_above(quick, calm'],
  ['too few arguments', 'crosses_above(quick, calm)', 'crosses_above(quick)'],
  ['defaults that break a constraint', 'default: 50', 'default: 5'],
  ['a period that is no whole number', '{default: 10, ', '{default: 10.5, '],
  ['a range that leaves the limits', 'step: 5}}', 'step: 5}, max: 15}'],
  ['a parameter that nothing uses', '$slow', '20'],
  ['a constraint about prices', '- fast < slow', '- fast < close'],
  [
    'a position that is never left',
    '  exits:\n    long: quick < calm\n  stops:\n    stop: 0.05 * close\n',
    '',
  ],
  ['a neural model', 'type: rules', 'type: lstm'],
  ['a section that rules do not read', 'indicators:', 'fuzzy_sets: {}\nindicators:'],
  [
    'a source for what takes none',
    'calm: {type: ema, period: $slow}',
    'calm: {type: atr, period: $slow, source: open}',
  ],
  ['an indicator that stands below', 'period: $fast}', 'period: $fast, source: calm}'],
  ['YAML that is none', 'name: good', 'name: [good'],
  ['the same key twice', 'version: "3.0"', 'version: "3.0"\nname: again'],
  ['an alias', 'default: 10,', 'default: *ten,'],
];

const WHOLE_FILES: ReadonlyArray<readonly [what: string, text: string]> = [
  ['an empty file', ''],
  ['a list', '- sma_cross\n'],
  [
    "KTRDR's version 2",
    'name: old\nscope: universal\nindicators:\n  - name: rsi\n    feature_id: rsi_14\n    params: {period: 14}\nmodel: {type: mlp}\n',
  ],
  ["KTRDR's version 1", 'name: older\ndata: {symbols: [SPX]}\nindicators: []\n'],
  ['a version of the future', GOOD.replace('"3.0"', '"4.1"')],
  ['too large a file', `# ${'x'.repeat(FILE_BYTES_MAX)}\n`],
  ['too deep a file', `name: ${'['.repeat(10_000)}`],
];

function errorsOf(text: string): string {
  try {
    parseStrategyFile(text, 'my.yaml');
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    expect(error.code).toBe('invalid');
    const problems = problemsOf(error.details);
    const [first] = problems;
    expect(error.message).toStartWith(
      `Cannot read ${first === undefined ? '?' : describeProblem('my.yaml', first)}`,
    );
    expect(error.hint).toBe(first?.hint ?? undefined);
    return problems
      .map(
        (problem) =>
          `${describeProblem('my.yaml', problem)}\n${problem.hint === null ? '' : `  hint: ${problem.hint}\n`}`,
      )
      .join('');
  }
  throw new Error('the file was read');
}

test('the file in which the mistakes are made is right', () => {
  expect(parseStrategyFile(GOOD, 'my.yaml').strategy.name).toBe('good');
});

test('every mistake is told with its line, its column and the way out', () => {
  const files: Array<readonly [string, string]> = MISTAKES.map(([what, good, bad]) => {
    expect(GOOD).toContain(good);
    return [what, GOOD.replace(good, () => bad)];
  });
  const all = [...files, ...WHOLE_FILES];
  expect(all.length).toBeGreaterThanOrEqual(20);
  const shown = all.map(([what, text]) => `# ${what}\n${errorsOf(text)}`).join('\n');
  if (process.env.UPDATE_GOLDEN) writeFileSync(GOLDEN, shown);
  expect(shown).toBe(readFileSync(GOLDEN, 'utf8'));
});

test('several mistakes are told at once, in the order of the file', () => {
  const text = GOOD.replace('type: sma', 'type: smaa')
    .replace('type: macd', 'type: macdd')
    .replace('max: 200', 'mx: 2');
  const lines = errorsOf(text).match(/^my\.yaml:\d+:\d+/gm);
  expect(lines).toEqual(['my.yaml:5:31', 'my.yaml:9:17', 'my.yaml:11:17']);
});

test('a place within a folded expression is that of the file', () => {
  const text = GOOD.replace('crosses_above(quick, calm)', '>\n      close > open\n      and quik > calm');
  expect(errorsOf(text)).toStartWith("my.yaml:17:11: there is no name 'quik'");
});

test('whatever is done to a file, it is read or refused', () => {
  const rng = seededRng(99);
  const scraps = [
    '[',
    ']',
    '{',
    '}',
    ':',
    '- ',
    '\n',
    '  ',
    '"',
    "'",
    '#',
    '|',
    '>',
    '&a',
    '*a',
    '!',
    '%',
    '$',
    '.',
    ',',
  ];
  const words = [
    'close',
    'not',
    'rules',
    'null',
    '1e400',
    '-1',
    '0x10',
    'true',
    '__proto__',
    'constructor',
    '\u0000',
  ];
  let refused = 0;
  for (let round = 0; round < 1500; round++) {
    let text = GOOD;
    for (let cut = rng.below(3); cut >= 0; cut--) {
      const at = rng.below(text.length);
      const pool = rng.below(2) === 0 ? scraps : words;
      text = text.slice(0, at) + (pool[rng.below(pool.length)] ?? '') + text.slice(at + rng.below(6));
    }
    try {
      parseStrategyFile(text, 'my.yaml');
    } catch (error) {
      if (!(error instanceof Fault)) throw new Error(`not a fault for:\n${text}`, { cause: error });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(1000);
});
