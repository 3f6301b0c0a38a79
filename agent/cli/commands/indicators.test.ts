import { expect, test } from 'bun:test';
import { createProgram } from '#agent/cli/run-cli';
import { INDICATOR_NAMES } from '#agent/engine/indicators/registry';
import { capturedShell } from '#test/support/captured-shell';

async function run(...args: string[]): Promise<string> {
  const shell = capturedShell({ columns: 100 });
  await createProgram(shell).parseAsync(['indicators', ...args], { from: 'user' });
  return shell.out;
}

test('indicators lists all of them, a line each, as wide as the terminal', async () => {
  const [header, ...lines] = (await run()).trimEnd().split('\n');
  expect(header).toStartWith('INDICATOR');
  expect(lines.map((line) => line.split(' ')[0] ?? '')).toEqual([...INDICATOR_NAMES]);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
});

test('indicators NAME says parameters, outputs and where the definition stands', async () => {
  const text = await run('MACD');
  for (const part of ['definition  TA-Lib MACD', 'outputs     line, signal, histogram', 'slow_period    26'])
    expect(text).toContain(part);
  expect(text).toEndWith('only where fast_period < slow_period\n');
  expect(await run('obv')).not.toContain('PARAMETER');
});

test('indicators --json is one document for programs', async () => {
  const documents = JSON.parse(await run('atr', '--json')) as unknown[];
  expect(documents).toMatchObject([
    { name: 'atr', category: 'volatility', outputs: ['atr'], parameters: [{ name: 'period', default: 14 }] },
  ]);
});

test('an unknown indicator is refused', () => {
  expect(run('atrr')).rejects.toThrow("Cannot find indicator 'atrr'");
});
