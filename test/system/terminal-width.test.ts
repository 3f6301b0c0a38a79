import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { pathOf, walkCommands } from '#agent/cli/command-tree';
import { createProgram } from '#agent/cli/run-cli';
import { widthOf } from '#agent/cli/text';
import { capturedShell } from '#test/support/captured-shell';
import { BINARY, Fleet } from '#test/support/fleet';
import { PseudoTerminal } from '#test/support/pseudo-terminal';
import { repository } from '#test/support/source-file';

/** What people read fits their terminal: real output of the compiled binary in terminals of three widths. */
let fleet: Fleet;
let commands: string[][];
let pages: string[][];
const SET_UP_MS = 120_000;

beforeAll(async () => {
  fleet = await Fleet.start({ agents: 2 });
  const bars = await readFile(join(repository, 'node_modules/vega-datasets/data/sp500-2000.csv'));
  const series = ['--symbol', 'SPX', '--timeframe', '1d'];
  await fleet.cli(['data', 'import', '-', ...series], { stdin: new Blob([bars]) });
  const backtest = await submit(['backtest', 'sma_cross', 'SPX', '1d']);
  const sweep = await submit([
    'sweep',
    'sma_cross',
    'SPX',
    '1d',
    '-g',
    'fast=5:50:5',
    '-g',
    'slow=60:200:20',
  ]);
  await fleet.cli([
    'drain',
    'agent-1',
    '--reason',
    'a reason of many words that has no room beside the rest',
  ]);
  await fleet.cli(['drain', 'agent-2', '--reason', 'new disk']);
  // Both agents drain, so that this one waits and says why.
  await submit(['backtest', 'sma_cross', 'SPX', '1d', '--wait', '--detach']);
  commands = [
    ['status', 'workers', 'ops', 'config', 'strategies', 'indicators', 'doctor', 'data show'],
    ['indicators macd', 'data show SPX 1d --limit 3', `show ${sweep}`, `show ${backtest}`, `logs ${sweep}`],
    ['help output', 'help exit-codes'],
    // Errors with their hints.
    ['show op_sweep_20260131_235959_1a2b3c4d', 'backtest sma_cros SPX 1d', 'data show SPY 1d'],
    ['data show SPX 2d', 'opps'],
  ]
    .flat()
    .map((line) => line.split(' '));
  pages = walkCommands(createProgram(capturedShell())).map((command) => [
    ...pathOf(command).slice(1),
    '--help',
  ]);
}, SET_UP_MS);
afterAll(() => fleet[Symbol.asyncDispose](), SET_UP_MS);

async function submit(args: string[]): Promise<string> {
  const { stdout } = await fleet.cli([...args, '--json']);
  const document = z.object({ operation: z.object({ operation_id: z.string() }) }).parse(JSON.parse(stdout));
  return document.operation.operation_id;
}

async function shown(
  args: readonly string[],
  columns: number,
  more: Record<string, string>,
): Promise<string> {
  await using terminal = new PseudoTerminal([BINARY, ...args], {
    columns,
    rows: 50,
    environment: {
      PATH: '/usr/bin:/bin',
      HOME: fleet.directory,
      KTRDR_API_URL: fleet.apiUrl,
      KTRDR_TOKEN_FILE: fleet.tokenFile,
      KTRDR_SETTINGS: join(fleet.directory, 'settings.yaml'),
      ...more,
    },
  });
  await terminal.ended();
  return terminal.output;
}

/** Examples are there to be copied, and hashes, paths and ids have no place where they could be cut. */
function isExempt(line: string, columns: number): boolean {
  const words = line.trim().split(/\s+/);
  return line.startsWith('  ktrdr-agent ') || words.some((word) => word.length > columns - 24);
}

test.each([60, 80, 120])(
  'every line fits a terminal of %p columns',
  async (columns) => {
    const tooLong: string[] = [];
    // Help is laid out for 80 columns, the least that a terminal usually has.
    for (const command of columns < 80 ? commands : [...commands, ...pages]) {
      const lines = (await shown(command, columns, { NO_COLOR: '1' })).split(/\r*\n/);
      expect(lines.length).toBeGreaterThan(1);
      for (const line of lines)
        if (widthOf(line) > columns && !isExempt(line, columns))
          tooLong.push(`${command.join(' ')}: ${line}`);
    }
    expect(tooLong).toEqual([]);
  },
  180_000,
);

test('what waits says why, also where there is no room for a column', async () => {
  for (const columns of [60, 80, 160])
    expect((await shown(['ops'], columns, {})).replaceAll(/\s+/g, ' ')).toContain(
      'none of 2 agents can take it now',
    );
}, 30_000);

test('a colour only repeats what a word says', async () => {
  // Ages and loads go on between two looks.
  const still = (text: string): string =>
    Bun.stripANSI(text).replaceAll(/[\d.]+( (s|min|ms))?( ago)?|now| +/g, '');
  for (const command of [['status'], ['workers'], ['ops']]) {
    const plain = await shown(command, 100, { NO_COLOR: '1' });
    expect(plain).not.toContain('\u001b[3');
    const coloured = await shown(command, 100, {});
    expect(coloured).toContain('\u001b[');
    expect(still(coloured)).toBe(still(plain));
    expect(await shown(command, 100, { TERM: 'dumb' })).not.toContain('\u001b[3');
  }
}, 60_000);
