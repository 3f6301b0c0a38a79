import { expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capturedShell } from '#test/support/captured-shell';
import { loadSp500 } from '#test/support/sp500';
import { runBacktest } from '#agent/engine/backtest/run';
import { FUNCTIONS } from '#agent/engine/strategy/expression/functions';
import { parseStrategyFile } from '#agent/engine/strategy/file/parse-strategy-file';
import { describeProblem, problemsOf } from '#agent/engine/strategy/file/problems';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { Fault } from '#agent/kit/error';
import { createProgram } from './run-cli';

/** `UPDATE_GOLDEN=1 bun test agent/cli/strategy-docs.test.ts` writes the table of functions anew. */
const PAGE = join(import.meta.dirname, '../../docs/strategies.md');
const text = readFileSync(PAGE, 'utf8');

function blocks(language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(
    ([, block = '']) => block,
  );
}

const [whole = ''] = blocks('yaml');

test('the file of the page runs', async () => {
  const { strategy, trainingData } = parseStrategyFile(whole, 'my.yaml');
  expect(trainingData).toMatchObject({ symbols: ['SPX'], timeframes: ['1d'], historyRequired: 200 });
  const bars = await loadSp500();
  for (const input of [{}, { kind: 'ema', allow_short: true }]) {
    const { metrics } = runBacktest({ bars, strategy, parameters: parseParameters(strategy, input) });
    expect(metrics.totalTrades).toBeGreaterThan(5);
  }
});

test('the commands of the page exist', () => {
  const known = createProgram(capturedShell({ columns: 100 })).commands.map((command) => command.name());
  const used = blocks('sh').flatMap((block) =>
    [...block.matchAll(/^ktrdr-agent (\w+)/gm)].map(([, name]) => name),
  );
  expect(used.length).toBeGreaterThan(3);
  for (const name of [...used, 'indicators']) expect(known).toContain(name as string);
});

test('the table of functions is that of the language', () => {
  const rows = FUNCTIONS.map(({ usage, description }) => `| \`${usage}\` | ${description} |`);
  const table = ['| function | value |', '|---|---|', ...rows, ''].join('\n');
  const current = /^\| function \| value \|\n(?:\|.*\n)+/m.exec(text)?.[0];
  if (process.env.UPDATE_GOLDEN && current !== undefined)
    writeFileSync(
      PAGE,
      text.replace(current, () => table),
    );
  else expect(current).toBe(table);
});

test('the mistake of the page is told as it says', () => {
  const wrong = readFileSync(join(import.meta.dirname, '../../test/golden/strategy-errors.txt'), 'utf8');
  const [shown = ''] = blocks('text');
  const [, message = ''] = /^my\.yaml:\d+:\d+: (.*\n.*\n)/.exec(shown) ?? [];
  expect(message).not.toBe('');
  expect(wrong).toContain(message);
  try {
    parseStrategyFile(whole.replace('version: "3.0"', 'version: "2.0"'), 'my.yaml');
    throw new Error('it was read');
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    expect(problemsOf(error.details).map((problem) => describeProblem('my.yaml', problem))).toEqual([
      "my.yaml:3:10: version '2.0' is not known",
    ]);
  }
});
