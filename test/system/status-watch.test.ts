import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { z } from 'zod';
import { widthOf } from '#agent/cli/text';
import { BINARY, Fleet } from '#test/support/fleet';
import { PseudoTerminal } from '#test/support/pseudo-terminal';
import { waitUntil } from '#test/support/wait-until';

/** `status --watch` of the compiled binary in a real terminal, and in a pipe. */
let fleet: Fleet;
const SET_UP_MS = 60_000;
const ENTER = '\u001b[?1049h';
const LEAVE = '\u001b[?1049l';

beforeAll(async () => {
  fleet = await Fleet.start({ agents: 2 });
}, SET_UP_MS);
afterAll(() => fleet[Symbol.asyncDispose](), SET_UP_MS);

const environment = (): Record<string, string> => ({
  PATH: '/usr/bin:/bin',
  HOME: fleet.directory,
  KTRDR_API_URL: fleet.apiUrl,
  KTRDR_TOKEN_FILE: fleet.tokenFile,
  KTRDR_SETTINGS: join(fleet.directory, 'settings.yaml'),
});

/** The exit code and the settings of the terminal before and after are printed by the shell around it. */
const COMMAND = `stty -g; ${BINARY} status --watch --every 1; echo "code $?"; stty -g`;

function watch(columns: number, rows: number): PseudoTerminal {
  return new PseudoTerminal(['sh', '-c', COMMAND], { columns, rows, environment: environment() });
}

function expectFit(terminal: PseudoTerminal, columns: number, rows: number): void {
  expect(terminal.frame.length).toBeLessThanOrEqual(rows);
  for (const line of terminal.frame) expect(widthOf(line)).toBeLessThanOrEqual(columns);
}

async function expectRestored(terminal: PseudoTerminal, code: number): Promise<void> {
  await terminal.ended();
  const [before = '', after = ''] = terminal.output.split(ENTER);
  const [, afterwards = ''] = after.split(LEAVE);
  expect(after).toContain('\u001b[?25h');
  expect(after).toContain('\u001b[?7h');
  expect(afterwards.trim().split(/\s*\n/)).toEqual([`code ${code}`, before.trim()]);
}

test('it fills the terminal, reacts to its size, and q leaves', async () => {
  await using terminal = watch(80, 24);
  await terminal.until(/Fleet OK/);
  expectFit(terminal, 80, 24);
  terminal.resize(60, 8);
  await terminal.until(/more lines below/);
  expectFit(terminal, 60, 8);
  terminal.resize(160, 50);
  await terminal.until(/2 agents[\s\S]*agent-2/);
  expectFit(terminal, 160, 50);
  terminal.type('q');
  await expectRestored(terminal, 0);
}, 60_000);

test('Ctrl-C and SIGTERM end it, and the terminal is as it was', async () => {
  await using first = watch(80, 24);
  await first.until(/Fleet OK/);
  first.type('\u0003');
  await expectRestored(first, 130);
  await using second = new PseudoTerminal([BINARY, 'status', '--watch'], {
    columns: 80,
    rows: 24,
    environment: environment(),
  });
  await second.until(/Fleet OK/);
  second.signal('SIGTERM');
  expect(await second.ended()).toBe(143);
  expect(second.output).toEndWith(LEAVE);
}, 60_000);

test('when the control plane goes away it says so, and how old is what it shows', async () => {
  await using terminal = watch(100, 40);
  await terminal.until(/Fleet OK/);
  fleet.control.signal('SIGTERM');
  await fleet.control.ended();
  await terminal.until(/Fleet DOWN[\s\S]*connection refused[\s\S]*As it was [2-9] s ago[\s\S]*2 agents/);
  fleet.control.start();
  await terminal.until(/q quits\n+Fleet OK/, 30_000);
  expect(terminal.frame.join('\n')).not.toContain('As it was');
  terminal.type('q');
  await expectRestored(terminal, 0);
}, 90_000);

test.each([
  [['--json'], (text: string) => text.split('\n').length > 3],
  [[], (text: string) => text.split('Fleet OK').length > 3],
])(
  'in a pipe it is one document after the other: %p',
  async (flags, isEnough) => {
    const child = Bun.spawn([BINARY, 'status', '--watch', '--every', '1', ...flags], {
      env: environment(),
      stdout: 'pipe',
      stderr: 'pipe',
    });
    let text = '';
    const read = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of child.stdout) text += decoder.decode(chunk, { stream: true });
    })();
    await waitUntil('three documents', () => isEnough(text) || undefined, { timeoutMs: 20_000 });
    child.kill('SIGINT');
    expect(await child.exited).toBe(130);
    await read;
    expect(await child.stderr.text()).toBe('');
    expect(text).not.toContain('\u001b');
    if (flags.length === 0) return;
    for (const line of text.trimEnd().split('\n')) z.object({ state: z.string() }).parse(JSON.parse(line));
  },
  60_000,
);
