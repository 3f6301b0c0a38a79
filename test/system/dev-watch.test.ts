import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { appendFile, cp, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '#agent/kit/assert';
import { readFleet } from '#agent/cli/dev/fleet-file';
import { cliCommand, runCli } from '#test/support/cli';
import { freePort } from '#test/support/free-port';
import { repository } from '#test/support/source-file';
import { tempDir, type TempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';

/** `dev up --watch` on a copy of the checkout that the tests may change, and on a copy of the binary. */
let folder: TempDir;
let checkout: string;
beforeAll(async () => {
  folder = await tempDir('kt-watch-');
  checkout = join(folder.path, 'checkout');
  await mkdir(join(checkout, 'dist'), { recursive: true });
  for (const name of ['agent', 'control', 'package.json', 'tsconfig.json', 'dist/postgresql-18.tar.zst']) {
    await cp(join(repository, name), join(checkout, name), { recursive: true });
  }
  await symlink(join(repository, 'node_modules'), join(checkout, 'node_modules'));
});
afterAll(() => folder[Symbol.asyncDispose](), 60_000);

const CHANGE_MS_MAX = 60_000;

/** A watcher that runs; what it prints is waited for. */
class Watcher implements AsyncDisposable {
  readonly directory: string;
  readonly #child: Bun.ReadableSubprocess;
  #output = '';
  #read = 0;

  constructor(directory: string, program: string[], port: number) {
    this.directory = directory;
    const command = ['dev', 'up', '--agents', '1', '--slots', '1', '--watch', '--port', String(port)];
    this.#child = Bun.spawn([...program, ...command], {
      cwd: '/',
      env: this.environment,
      stdout: 'pipe',
      stderr: 'pipe',
    });
    void this.#collect(this.#child.stdout);
    void this.#collect(this.#child.stderr);
  }

  get environment(): Record<string, string> {
    const PATH = process.env.PATH ?? '/usr/bin:/bin';
    return { PATH, HOME: this.directory, KTRDR_DEV_DIR: this.directory, NO_COLOR: '1' };
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.#output += decoder.decode(chunk, { stream: true });
  }

  /** Waits for text that comes after what was waited for before. */
  async says(text: string): Promise<void> {
    const options = { timeoutMs: CHANGE_MS_MAX };
    await waitUntil(`"${text}"`, () => this.#output.includes(text, this.#read), options).catch(
      (cause: unknown) => {
        throw new Error(`it only says: ${this.#output.slice(this.#read)}`, { cause });
      },
    );
    this.#read = this.#output.indexOf(text, this.#read) + text.length;
  }

  pids(): Record<string, number> {
    const fleet = present(readFleet(this.directory), 'the fleet');
    return Object.fromEntries(fleet.members.map(({ name, process }) => [name, process?.pid ?? 0]));
  }

  async interrupted(): Promise<number> {
    this.#child.kill('SIGINT');
    return await this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.exited;
    await runCli(['dev', 'down'], { env: this.environment, timeoutMs: 90_000 });
  }
}

describe('dev up --watch on sources', () => {
  test('restarts who loads a changed file, while a job goes on; refuses what cannot start', async () => {
    const program = [present(cliCommand()[0], 'the runtime'), join(checkout, 'agent/main.ts')];
    await using watcher = new Watcher(join(folder.path, 'a'), program, await freePort());
    const cli = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runCli(args, { env: watcher.environment, timeoutMs: 120_000 });
      expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
      return stdout;
    };
    await watcher.says('Watching the sources of');
    const bars = join(repository, 'node_modules/vega-datasets/data/sp500-2000.csv');
    await cli('data', 'import', bars, '--symbol', 'SP500', '--timeframe', '1d');
    const grid = ['--grid', 'fast=5:120:1', '--grid', 'slow=20:250:1', '--detach'];
    const sweep = (await cli('sweep', 'sma_cross', 'SP500', '1d', ...grid)).trim();
    await waitUntil('the sweep runs', async () => (await cli('ops')).includes('running'), {
      timeoutMs: 30_000,
      everyMs: 200,
    });

    const first = watcher.pids();
    await appendFile(join(checkout, 'agent/worker/heartbeat.ts'), '\n// A change.\n');
    await watcher.says('agent/worker/heartbeat.ts changed: restarted agent-1 (');
    const second = watcher.pids();
    expect(second['control']).toBe(present(first['control'], 'control'));
    expect(second['agent-1']).not.toBe(present(first['agent-1'], 'agent-1'));

    const health = join(checkout, 'control/http/health.ts');
    const good = await readFile(health, 'utf8');
    await writeFile(health, `${good}\nconst broken = ;\n`);
    await watcher.says('control/http/health.ts changed, but cannot start; the fleet goes on as it was:');
    await watcher.says('health.ts:');
    expect(watcher.pids()).toEqual(second);
    await writeFile(health, `${good}\n// A change.\n`);
    await watcher.says('control/http/health.ts changed: restarted the control plane (');
    expect(watcher.pids()['agent-1']).toBe(present(second['agent-1'], 'agent-1'));

    await appendFile(join(checkout, 'agent/kit/log.ts'), '\n// A change.\n');
    await watcher.says('agent/kit/log.ts changed: restarted agent-1 and the control plane (');
    await appendFile(join(checkout, 'agent/cli/commands/cancel.ts'), '\n// A change.\n');
    await watcher.says('agent/cli/commands/cancel.ts changed: nothing that runs uses it');

    // Not one batch of it was lost or tried twice.
    const shown = JSON.parse(await cli('follow', sweep, '--json')) as { operation: object };
    expect(shown.operation).toMatchObject({ status: 'completed', attempts_failed: 0, attempts_lost: 0 });
    expect(await watcher.interrupted()).toBe(0);
    await watcher.says('Watching ended. Stop the fleet: ktrdr-agent dev down');
    expect(await cli('status')).toContain('Fleet OK');
  }, 300_000);
});

describe('dev up --watch of the binary', () => {
  test('restarts everything when it is replaced by one that runs; ends with the fleet', async () => {
    const binary = join(folder.path, 'ktrdr-agent');
    const replace = async (bytes: Uint8Array): Promise<void> => {
      await writeFile(`${binary}.new`, bytes, { mode: 0o755 });
      await rename(`${binary}.new`, binary);
    };
    const bytes = await readFile(present(cliCommand(true)[0], 'the binary'));
    await replace(bytes);
    await using watcher = new Watcher(join(folder.path, 'b'), [binary], await freePort());
    await watcher.says(`Watching ${binary}`);
    const first = watcher.pids();
    await replace(bytes.subarray(0, 1_000_000));
    await watcher.says(`${binary} changed, but cannot start; the fleet goes on as it was:`);
    expect(watcher.pids()).toEqual(first);
    await replace(bytes);
    await watcher.says(`${binary} changed: restarted agent-1 and the control plane (`);
    const second = watcher.pids();
    expect(Object.keys(second)).toEqual(Object.keys(first));
    for (const [name, pid] of Object.entries(second)) expect(pid).not.toBe(first[name] ?? 0);
    const down = await runCli(['dev', 'down'], { env: watcher.environment, timeoutMs: 90_000 });
    expect(down.code).toBe(0);
    await watcher.says('The fleet was taken down.');
  }, 300_000);
});

describe('dev up with fewer agents', () => {
  test('gives the work of the surplus back and takes it out of the fleet', async () => {
    const directory = join(folder.path, 'c');
    const env = { KTRDR_DEV_DIR: directory, HOME: directory, NO_COLOR: '1' };
    const cli = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runCli(args, { env, timeoutMs: 120_000, compiled: true });
      expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
      return stdout + stderr;
    };
    try {
      await cli('dev', 'up', '--agents', '2', '--slots', '1', '--port', String(await freePort()));
      const bars = join(repository, 'node_modules/vega-datasets/data/sp500-2000.csv');
      await cli('data', 'import', bars, '--symbol', 'SP500', '--timeframe', '1d');
      const grid = ['--grid', 'fast=5:120:1', '--grid', 'slow=20:250:1', '--detach'];
      const sweep = (await cli('sweep', 'sma_cross', 'SP500', '1d', ...grid)).split('\n')[0] ?? '';
      expect(await cli('dev', 'up', '--agents', '1')).toContain('Removed agent-2: the work was given back');
      const members = present(readFleet(directory), 'the fleet').members.map(({ name }) => name);
      expect(members).toEqual(['control', 'agent-1']);
      const shown = JSON.parse(await cli('follow', sweep, '--json')) as { operation: object };
      expect(shown.operation).toMatchObject({ status: 'completed', attempts_failed: 0 });
    } finally {
      await runCli(['dev', 'down'], { env, timeoutMs: 90_000, compiled: true });
    }
  }, 300_000);
});
