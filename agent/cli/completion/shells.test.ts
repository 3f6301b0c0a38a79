import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exec } from '#agent/kit/exec';
import { cliCommand, runCli } from '#test/support/cli';
import { PseudoTerminal } from '#test/support/pseudo-terminal';
import { tempDir, type TempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { SCRIPTS, SHELLS, type ShellName } from './scripts';

/** The completion scripts in the shells they are for, by asking their functions and by pressing keys. */
const AWAY = 'http://127.0.0.1:9';
let folder: TempDir;
let server: Bun.Server<undefined>;

beforeAll(async () => {
  folder = await tempDir();
  server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer });
  mkdirSync(join(folder.path, 'bin'));
  const program = join(folder.path, 'bin/ktrdr-agent');
  writeFileSync(program, `#!/bin/sh\nexec ${cliCommand().join(' ')} "$@"\n`);
  chmodSync(program, 0o755);
  writeFileSync(join(folder.path, 'token'), 'secret', { mode: 0o600 });
  writeFileSync(join(folder.path, 'some bars_1d.csv'), '');
  for (const shell of SHELLS) writeFileSync(join(folder.path, `script.${shell}`), SCRIPTS[shell]);
});
afterAll(async () => {
  await server.stop(true);
  await folder[Symbol.asyncDispose]();
});

/** A control plane that knows two symbols, and never answers about operations. */
function answer(request: Request): Response | Promise<Response> {
  if (!request.url.endsWith('/symbols')) return Promise.withResolvers<Response>().promise;
  return Response.json({ success: true, data: ['SPX', 'SPY'], total_count: 2, active_count: 2 });
}

function environment(url = server.url.origin): Record<string, string> {
  const { PATH = '' } = process.env;
  return {
    PATH: `${join(folder.path, 'bin')}:${PATH}`,
    HOME: folder.path,
    KTRDR_DEV_DIR: '/nonexistent',
    KTRDR_API_URL: url,
    KTRDR_TOKEN_FILE: join(folder.path, 'token'),
  };
}

/** What a shell would offer at the end of a line, by its completion function. */
const ASK: Readonly<Record<'bash' | 'fish', (line: string) => string[]>> = {
  bash: (line) => [
    'bash',
    '--norc',
    '-c',
    `source script.bash; COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}; read -ra COMP_WORDS <<<"$COMP_LINE"
     _ktrdr_agent; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  fish: (line) => ['fish', '--no-config', '-c', `source script.fish; complete -C '${line}'`],
};

async function offered(shell: 'bash' | 'fish', line: string, url?: string): Promise<string[]> {
  const { code, stdout, stderr } = await exec(ASK[shell](line), {
    cwd: folder.path,
    env: environment(url),
    timeoutMs: 20_000,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.split('\n').filter((text) => text !== '');
  return lines.map((text) => text.split('\t')[0] ?? '').toSorted();
}

function missing(shell: ShellName): boolean {
  if (Bun.which(shell) !== null) return false;
  console.log(`skipped: ${shell} is not installed`);
  return true;
}

describe.each(['bash', 'fish'] as const)('%s', (shell) => {
  test.skipIf(missing(shell))(
    'offers commands, choices, files, and what the control plane knows',
    async () => {
      expect(await offered(shell, 'ktrdr-agent data ')).toEqual(['export', 'import', 'show']);
      expect(await offered(shell, 'ktrdr-agent ops --status ca')).toEqual(['cancelled']);
      expect(await offered(shell, 'ktrdr-agent data show SP')).toEqual(['SPX', 'SPY']);
      const [file = '', ...others] = await offered(shell, 'ktrdr-agent data import so');
      expect(others).toEqual([]);
      expect(file).toMatch(/^some\\? bars_1d\.csv$/);
    },
    30_000,
  );

  test.skipIf(missing(shell))(
    'is silent and quick when the control plane is away or slow',
    async () => {
      expect(await offered(shell, 'ktrdr-agent data show SP', AWAY)).toEqual([]);
      const startMs = performance.now();
      expect(await offered(shell, 'ktrdr-agent show op')).toEqual([]);
      // 300 ms for the answer; the rest is the start of shell and program from the sources.
      expect(performance.now() - startMs).toBeLessThan(3_000);
    },
    30_000,
  );
});

test.skipIf(missing('bash'))('bash gets of a word that it cuts at = only what comes behind', async () => {
  expect(await offered('bash', 'ktrdr-agent data import --on-bad=r')).toEqual(['reject']);
});

test.each([
  ['bash', ['bash', '--norc', '--noprofile', '-i'], 'source ./script.bash'],
  ['zsh', ['zsh', '-f', '-i'], 'autoload -U compinit; compinit -u -D; source ./script.zsh'],
  ['fish', ['fish', '--no-config', '-i'], 'source ./script.fish'],
] as const)(
  'in %s the key completes',
  async (shell, command, load) => {
    if (missing(shell)) return;
    await using terminal = new PseudoTerminal(command, {
      columns: 100,
      rows: 30,
      environment: { ...environment(), PS1: '> ' },
      cwd: folder.path,
    });
    const shown = (): string => Bun.stripANSI(terminal.output).replaceAll('\r', '');
    terminal.type(`${load}; echo load""ed\r`);
    await waitUntil(`${shell} is ready`, () => shown().includes('\nloaded') || undefined, {
      timeoutMs: 15_000,
    });
    terminal.type('ktrdr-agent versi\t');
    await waitUntil('the command is complete', () => shown().includes('ktrdr-agent version') || undefined, {
      timeoutMs: 15_000,
    });
    terminal.type('--js\t\r');
    await waitUntil('it ran', () => shown().includes('"target"') || undefined, { timeoutMs: 15_000 });
  },
  60_000,
);

test.each([
  ['doctor cp', 'cpu'],
  ['config --explain heartb', 'heartbeat'],
  ['indicators bollingerband', 'bollingerbands'],
  ['sweep sma_cross SPX 1d --rank-by calm', 'calmar_ratio'],
  ['data import x.csv --timezone America/New_Y', 'America/New_York'],
])('%p is completed to %p, without a control plane', async (line, value) => {
  const { stdout } = await runCli(['__complete', '--line', `ktrdr-agent ${line}`], {
    env: environment(AWAY),
  });
  expect(stdout.split('\n').map((text) => text.split('\t')[0])).toContain(value);
});

test('a bound of 300 ms holds for the answer of the control plane', async () => {
  const { code, stdout, stderr } = await runCli(['__complete', '--line', 'ktrdr-agent show op'], {
    env: environment(),
  });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('the script of each shell is printed as it is', async () => {
  for (const shell of SHELLS) {
    const { stdout } = await runCli(['completion', shell]);
    expect(stdout).toBe(SCRIPTS[shell]);
  }
});
