import { expect, test } from 'bun:test';
import { capturedShell } from '#test/support/captured-shell';
import { createProgram } from '#agent/cli/run-cli';
import { wantedAt, type Wanted } from './complete';
import { splitLine } from './split-line';

const program = createProgram(capturedShell());
const at = (line: string): Wanted => wantedAt(program, splitLine(line));
const words = (line: string): string[] => {
  const wanted = at(line);
  return wanted.kind === 'candidates' ? wanted.candidates.map(({ value }) => value) : [`<${wanted.name}>`];
};

test.each([
  ['', ['', 'a'], ['a']],
  ['', ['ktrdr-agent  data ', ''], ['ktrdr-agent', 'data', '']],
  ['', [`a "b c" 'd\\'e f\\ g "x`, ''], ['a', 'b c', 'd\\e', 'f g', 'x']],
])('%p splits as a shell does', (_name, [line = '', more = ''], expected) => {
  expect(splitLine(line + more)).toEqual(expected);
});

test.each([
  ['', ['status', 'sweep', 'data']],
  ['data ', ['export', 'import', 'show']],
  ['data import --on-bad ', ['reject', 'keep']],
  ['data import --on-bad=', ['--on-bad=reject', '--on-bad=keep']],
  ['ops --status ', ['pending', 'running']],
  ['dev ', ['up', 'down', 'status']],
  ['completion ', ['bash', 'fish', 'zsh']],
])('%p offers %p', (line, some) => {
  const offered = words(line);
  expect(some.filter((word) => !offered.includes(word))).toEqual([]);
});

test.each([
  ['show ', '<id>'],
  ['cancel op_1 op_2 ', '<id>'],
  ['data show ', '<symbol>'],
  ['data show SPX ', '<timeframe>'],
  ['sweep sma_cross SPX 1d --api-url http://x -g ', '<axis>'],
  ['sweep ', '<strategy>'],
  ['data import ', '<file>'],
  ['--json show ', '<id>'],
])('%p wants a %s', (line, name) => {
  expect(words(line)).toEqual([name]);
});

test.each(['show op_1 ', 'data show SPX 1d ', 'ops ', 'version --json '])('%p wants nothing more', (line) => {
  expect(words(line)).toEqual([]);
});

test('an option is offered once, unless it may be repeated', () => {
  expect(words('ops --json -')).not.toContain('--json');
  expect(words('ops --json -')).toContain('--status');
  expect(words('sweep sma_cross SPX 1d -g fast=1:2 -')).toContain('--grid');
  // After -- everything is an argument.
  expect(words('show -- -')).toEqual(['<id>']);
});

test('what was typed before is known to the value', () => {
  const wanted = at('sweep sma_cross SPX 1d --api-url=http://x --top 5 -g f');
  expect(wanted).toMatchObject({
    kind: 'value',
    place: { command: ['sweep'], positionals: ['sma_cross', 'SPX', '1d'], current: 'f' },
  });
  if (wanted.kind === 'value')
    expect([...wanted.place.options]).toEqual([
      ['--api-url', 'http://x'],
      ['--top', '5'],
    ]);
});
