import { afterAll, beforeAll, expect, test } from 'bun:test';
import { copyFile, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { examplesOf, pathOf, walkCommands } from '#agent/cli/command-tree';
import { createProgram } from '#agent/cli/run-cli';
import { present } from '#agent/kit/assert';
import { capturedShell } from '#test/support/captured-shell';
import { exampleRules, type ExampleRule, type World } from '#test/support/example-rules';
import { BINARY, Fleet } from '#test/support/fleet';
import { repository } from '#test/support/source-file';
import { tempDir, type TempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';

/**
 * Every example of every help page, run as it stands by a shell, with the compiled binary on a real fleet. Only
 * what cannot be the same everywhere is put in its place: see example-rules.
 */
interface Example {
  /** "data import" */
  command: string;
  /** "ktrdr-agent data import SPX_1d.csv" */
  line: string;
}

const leaves = walkCommands(createProgram(capturedShell())).filter(({ commands }) => commands.length === 0);
const examples = leaves.flatMap((command): Example[] =>
  examplesOf(command).map((line) => ({ command: pathOf(command).slice(1).join(' '), line })),
);

const SET_UP_MS = 180_000;
const EXAMPLE_MS = 60_000;
let folder: TempDir;
let fleet: Fleet;
let world: World;

beforeAll(async () => {
  folder = await tempDir('kx-');
  await mkdir(join(folder.path, 'bin'));
  await symlink(BINARY, join(folder.path, 'bin/ktrdr-agent'));
  await prepareFiles();
  fleet = await Fleet.start({ agents: 2, slots: 1 });
  world = { fleet, folder: folder.path, submit, succeed };
  await succeed('data import SPX_1d.csv --json');
  world.backtest = await submit('backtest sma_cross SPX 1d');
  world.sweep = await submit('sweep sma_cross SPX 1d -g fast=5:50:5 -g slow=60:200:20');
}, SET_UP_MS);
afterAll(async () => {
  await run('ktrdr-agent dev down', { environment: { KTRDR_DEV_DIR: join(folder.path, 'dev') } });
  await fleet[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
}, SET_UP_MS);

/** What the examples read and where they write. */
async function prepareFiles(): Promise<void> {
  const bars = join(repository, 'node_modules/vega-datasets/data/sp500-2000.csv');
  for (const name of ['SPX_1d.csv', 'bars.csv']) await copyFile(bars, join(folder.path, name));
  const hours = Array.from({ length: 48 }, (_, hour) => {
    const [day, time] = [2 + Math.floor(hour / 24), String(hour % 24).padStart(2, '0')];
    return `2020-03-0${day} ${time}:00:00,1.1,1.2,1.0,1.1,100`;
  });
  const hourly = ['time,open,high,low,close,volume', ...hours, ''].join('\n');
  await writeFile(join(folder.path, 'EURUSD_1h.csv'), hourly);
  await cp(join(repository, 'installers/strategies'), join(folder.path, 'strategies'), { recursive: true });
  await copyFile(join(repository, 'installers/strategies/sma_cross.yaml'), join(folder.path, 'my.yaml'));
  for (const path of ['.local/share/bash-completion/completions', '.zfunc', '.config/fish/completions'])
    await mkdir(join(folder.path, path), { recursive: true });
}

interface RunOptions {
  environment?: Record<string, string>;
  /** For what does not end by itself: when it has said this it is sent SIGINT. */
  until?: RegExp;
}

async function run(line: string, { environment = {}, until }: RunOptions = {}) {
  const child = Bun.spawn(['sh', '-c', until === undefined ? line : `exec ${line}`], {
    cwd: folder.path,
    env: {
      PATH: `${join(folder.path, 'bin')}:/usr/bin:/bin`,
      HOME: folder.path,
      NO_COLOR: '1',
      KTRDR_SETTINGS: join(fleet.directory, 'settings.yaml'),
      ...(environment['KTRDR_DEV_DIR'] === undefined
        ? { KTRDR_API_URL: fleet.apiUrl, KTRDR_TOKEN_FILE: fleet.tokenFile }
        : {}),
      ...environment,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: EXAMPLE_MS,
    killSignal: 'SIGKILL',
  });
  const [out, error] = [read(child.stdout), read(child.stderr)];
  if (until !== undefined) {
    await waitUntil(`${line} says ${until}`, () => until.test(out.text + error.text) || undefined, {
      timeoutMs: 30_000,
    });
    child.kill('SIGINT');
  }
  const code = await child.exited;
  await Promise.all([out.done, error.done]);
  return { code, stdout: out.text, stderr: error.text };
}

function read(stream: ReadableStream<Uint8Array>): { text: string; done: Promise<void> } {
  const decoder = new TextDecoder();
  const reading = { text: '', done: Promise.resolve() };
  reading.done = (async () => {
    for await (const chunk of stream) reading.text += decoder.decode(chunk, { stream: true });
  })();
  return reading;
}

/** Runs a command that must succeed, and gives what it printed. */
async function succeed(command: string): Promise<string> {
  const { code, stdout, stderr } = await run(`ktrdr-agent ${command}`);
  expect({ command, code, stderr: code === 0 ? '' : stderr }).toEqual({ command, code: 0, stderr: '' });
  return stdout;
}

/** The id of what a command submits, once it is over unless it is detached. */
async function submit(command: string): Promise<string> {
  const document: unknown = JSON.parse(await succeed(`${command} --json`));
  return z.object({ operation: z.object({ operation_id: z.string() }) }).parse(document).operation
    .operation_id;
}

function ruleOf(line: string): ExampleRule {
  return exampleRules.find(({ matches }) => matches.test(line)) ?? { matches: /(?:)/ };
}

/** The example with its preparation before and its tidying after it. */
async function runExample(line: string, rule: ExampleRule) {
  const ids = (await rule.prepare?.(world)) ?? {};
  const real = line
    .replaceAll('op_sweep_20260131_235959_1a2b3c4d', ids.sweep ?? present(world.sweep, 'a sweep'))
    .replaceAll('op_backtesting_20260131_235959_1a2b3c4d', present(world.backtest, 'a backtest'))
    .replaceAll('lxc-101', 'agent-1')
    .replaceAll('/tmp/fleet', join(folder.path, 'dev'));
  const { until } = rule;
  const result = await run(real, {
    environment: (await rule.environment?.(world)) ?? {},
    ...(until === undefined ? {} : { until }),
  });
  await rule.tidy?.(world);
  return result;
}

test('every command has examples', () => {
  expect(leaves.length).toBeGreaterThan(20);
  const without = leaves
    .map((leaf) => pathOf(leaf).slice(1).join(' '))
    .filter((name) => !examples.some(({ command }) => command === name));
  expect(without).toEqual([]);
});

test('every rule is of some example', () => {
  expect(exampleRules.filter(({ matches }) => !examples.some(({ line }) => matches.test(line)))).toEqual([]);
});

test.each(examples.map(({ line }) => [line] as const))(
  '%s',
  async (line) => {
    const rule = ruleOf(line);
    const { code, stdout, stderr } = await runExample(line, rule);
    const exits = rule.exits ?? [0];
    expect({ code, stderr: exits.includes(code) ? '' : stderr }).toEqual({
      code: exits.includes(code) ? code : (exits[0] ?? 0),
      stderr: '',
    });
    expect(stderr).not.toContain('please report it');
    const isRedirected = line.includes('>');
    if (!isRedirected) expect(stdout + (rule.until === undefined ? '' : stderr)).toMatch(/\S/);
  },
  2 * EXAMPLE_MS,
);

/** The first example of each command that prints documents, with --json instead of its pipes. */
const documented = leaves.flatMap((leaf) => {
  const name = pathOf(leaf).slice(1).join(' ');
  const first = examples.find(({ command, line }) => command === name && !line.includes('|'));
  return first === undefined || name === 'run'
    ? []
    : [`${first.line.replace(/ >.*/, '').replace(' --json', '')} --json`];
});

test.each(documented.map((line) => [line] as const))(
  '%s prints one JSON document',
  async (line) => {
    const { stdout, stderr } = await runExample(line, ruleOf(line));
    if (line.startsWith('ktrdr-agent logs')) {
      for (const document of stdout.trimEnd().split('\n')) JSON.parse(document);
      return;
    }
    expect({ line, stderr }).toEqual({ line, stderr: '' });
    JSON.parse(stdout);
  },
  2 * EXAMPLE_MS,
);

test('what the examples wrote is there and whole', async () => {
  const wrote = (name: string) => readFile(join(folder.path, name), 'latin1');
  expect(await wrote('SPX_1d.csv')).toStartWith('time,open,high,low,close,volume\r\n2000-01-03T');
  expect(await wrote('year.parquet')).toMatch(/^PAR1[\s\S]+PAR1$/);
  expect(await wrote('sweep.html')).toStartWith('<!doctype html>');
  expect(await wrote('.bashrc')).toContain('complete -F _ktrdr_agent ktrdr-agent');
});
